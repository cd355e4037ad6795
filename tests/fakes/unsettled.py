"""The messages table as an operator's calls need it, in memory."""

from collections.abc import Callable
from dataclasses import replace

from hkreach.domain.inbound import InboundMessage
from hkreach.domain.message import MessageError, OutboundMessage, Resend, Status
from hkreach.ports import Page
from tests.fakes.faults import Faulty
from tests.fakes.inbound import FakeInbound
from tests.fakes.messages import FakeMessages


class FakeUnsettled(Faulty):
    """Implements the port `UnsettledMessages` on the rows of a `FakeMessages`."""

    def __init__(self, messages: FakeMessages, page: int = 2, inbound: FakeInbound | None = None) -> None:
        super().__init__()
        self._messages, self._page_size = messages, page
        self._inbound = inbound or FakeInbound(messages)

    def unknown(self, app_name: str | None, after: str | None) -> Page[OutboundMessage]:
        self._called("unknown")

        def is_unknown(message: OutboundMessage) -> bool:
            unclaimed = message.status is Status.UNKNOWN and message.claim is None
            return unclaimed and app_name in {None, message.app_name}

        return self._page(after, is_unknown)

    def forgotten(self, before: int, after: str | None) -> Page[OutboundMessage | InboundMessage]:
        self._called("forgotten")

        def is_forgotten(message: OutboundMessage) -> bool:
            if message.claim is not None:
                return not message.is_settled and message.claim.until < before
            queued = message.status is Status.QUEUED and message.due_at is None
            return queued and message.facts[Status.QUEUED] < before

        page = self._page(after, is_forgotten)
        unfetched = [
            message for message in self._inbound.received.values()
            if not message.is_complete and message.received_at < before
            and message.message_id not in self._inbound.waiting
        ]  # fmt: skip
        return Page([*page.messages, *([] if page.next else unfetched)], page.next)

    def put_back(self, message_id: str, now: int) -> bool:
        self._called("put_back")
        received = self._inbound.received.get(message_id)
        if received is not None:
            if received.is_complete or message_id in self._inbound.waiting:
                return False
            self._inbound.wake_at(message_id, now)
            return True
        row = self._messages.unclaimed(message_id, Status.QUEUED)
        if row is None or row.message.due_at is not None:
            return False
        row.message = replace(row.message, due_at=now)
        return True

    def resend(self, message_id: str, app_name: str, now: int) -> bool:
        self._called("resend")
        row = self._messages.unclaimed(message_id, Status.UNKNOWN)
        if row is None or row.message.app_name != app_name or row.message.deadline <= now:
            return False
        row.message = replace(row.message, due_at=now, next_try_at=now, resend=Resend(now, "operator"))
        return True

    def fail(self, message_id: str, app_name: str, now: int, error: MessageError) -> bool:
        self._called("fail")
        row = self._messages.unclaimed(message_id, Status.UNKNOWN)
        if row is None or row.message.app_name != app_name:
            return False
        facts = {**row.message.facts, Status.FAILED: now}
        row.message = replace(row.message, facts=facts, error=error, due_at=None, next_try_at=None, resend=None)
        return True

    def _page(self, after: str | None, wanted: Callable[[OutboundMessage], bool]) -> Page[OutboundMessage]:
        ids = list(self._messages.rows)
        first = ids.index(after) + 1 if after is not None else 0
        looked_at = ids[first : first + self._page_size]
        found = [message for message_id in looked_at if (message := self._messages.get(message_id)) is not None]
        last = looked_at[-1] if first + self._page_size < len(ids) else None
        return Page([message for message in found if wanted(message)], last)
