"""More bugs planted on purpose: in sending again, in recovery, in batches and in finding a message by Meta's id."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from hkreach.domain.message import Claim, OutboundMessage, StatusCallback
from hkreach.domain.time import MINUTE
from hkreach.edge.queue_batch import work_on_batch
from hkreach.ports import Page
from hkreach.usecases.administer_messages import AdministerMessages
from tests.chaos.steps import Bug, Steps
from tests.fakes.messages import FakeMessages


class ResendsBeforeItsTime(FakeMessages):
    """Gives leave a minute after the message became unknown, whatever the app says."""

    def record_unknown(self, message_id: str, claim: Claim, now: int, resend_at: int | None = None) -> bool:
        return super().record_unknown(message_id, claim, now, resend_at and now + MINUTE)


class ResendsAfterAnEcho(FakeMessages):
    """What Meta tells does not take the leave away, and the second claim does not ask what was told."""

    def get(self, message_id: str) -> OutboundMessage | None:
        message = super().get(message_id)
        return self._untold(message) if message is not None and message.resend else message

    def record_status(self, callback: StatusCallback) -> str:
        row = self.rows.get(callback.message_id or "")
        before = row.message if row else None
        fate = super().record_status(callback)
        if row is not None and before is not None and before.resend is not None:
            row.message = replace(row.message, resend=before.resend, due_at=before.due_at)
        return fate

    def claim_again(self, message_id: str, now: int, until: int) -> Claim | None:
        row = self.rows.get(message_id)
        if row is None or row.message.resend is None or row.message.claim is not None:
            return None
        return self._take(row, now, until)

    def _untold(self, message: OutboundMessage) -> OutboundMessage:
        facts = {status: at for status, at in message.facts.items() if status in {"queued", "unknown"}}
        return replace(message, facts=facts)


class ForgetsMetasId(FakeMessages):
    """Finds messages by the echo alone."""

    def record_status(self, callback: StatusCallback) -> str:
        return super().record_status(callback) if callback.message_id else "unknown"


class MovesFacts(FakeMessages):
    """Our own answer is written over what Meta told before it."""

    def record_accepted(self, message_id: str, claim: Claim, now: int, wamid: str) -> None:
        row = self._claimed(message_id, claim)
        if row is not None:
            row.message = replace(row.message, facts={**row.message.facts, **dict.fromkeys(row.message.facts, now)})
        super().record_accepted(message_id, claim, now, wamid)


class _Unclaimed:
    """The unsettled messages without those that were claimed."""

    def __init__(self, unsettled: Any) -> None:
        self._unsettled = unsettled
        self.put_back = unsettled.put_back

    def forgotten(self, before: int, after: str | None) -> Page:
        page = self._unsettled.forgotten(before, after)
        return Page([message for message in page.messages if message.claim is None], page.next)


class _Remembering:
    """The unsettled messages, and what the last page said comes next."""

    def __init__(self, unsettled: Any) -> None:
        self._unsettled = unsettled
        self.put_back = unsettled.put_back
        self.last: str | None = None

    def forgotten(self, before: int, after: str | None) -> Page:
        page: Page = self._unsettled.forgotten(before, after)
        self.last = page.next
        return page


class _Releasing:
    """The messages, where to call one unknown is to release it."""

    def __init__(self, messages: Any) -> None:
        self._messages = messages

    def record_unknown(self, message_id: str, claim: Claim, now: int, _: int | None) -> bool:
        self._messages.release(message_id, claim, now, "recovered", now)
        return True


class RecoverForgetsTheClaimed(AdministerMessages):
    """Looks for the unclaimed only."""

    __slots__ = ()

    def recover(self, older_than_seconds: int, after: str | None, time_left: Callable[[], int]) -> dict[str, Any]:
        calls = AdministerMessages(
            self.messages,
            _Unclaimed(self.unsettled),
            self.apps,
            {},
            self.now,
            self.unread,  # type: ignore[arg-type]
        )
        return calls.recover(older_than_seconds, after, time_left)


class RecoverReleasesTheClaimed(AdministerMessages):
    """Takes a claim that never came to an end for a call that was never made."""

    __slots__ = ()

    def recover(self, older_than_seconds: int, after: str | None, time_left: Callable[[], int]) -> dict[str, Any]:
        calls = AdministerMessages(
            _Releasing(self.messages),
            self.unsettled,
            self.apps,
            {},
            self.now,
            self.unread,  # type: ignore[arg-type]
        )
        return calls.recover(older_than_seconds, after, time_left)


class RecoverLosesItsPlace(AdministerMessages):
    """Goes on behind the page in the middle of which its time was up."""

    __slots__ = ()

    def recover(self, older_than_seconds: int, after: str | None, time_left: Callable[[], int]) -> dict[str, Any]:
        pages = _Remembering(self.unsettled)
        calls = AdministerMessages(self.messages, pages, self.apps, {}, self.now, self.unread)  # type: ignore[arg-type]
        answer = calls.recover(older_than_seconds, after, time_left)
        return answer | ({"next": pages.last} if pages.last else {"next": None, "more": False})


def deletes_what_failed(*args: Any) -> dict[str, Any]:
    """The batch tells Lambda that all of it was done."""
    work_on_batch(*args)
    return {"batchItemFailures": []}


PLANTED_AGAIN: Mapping[str, Bug] = {
    "resend before its time": Bug(Steps(messages=ResendsBeforeItsTime), "resend"),
    "resend after an echo": Bug(Steps(messages=ResendsAfterAnEcho), "resend"),
    "Meta's id forgotten": Bug(Steps(messages=ForgetsMetasId)),
    "our answer moves Meta's facts": Bug(Steps(messages=MovesFacts)),
    "recover forgets the claimed": Bug(Steps(operator=RecoverForgetsTheClaimed), seed=16),
    "recover releases the claimed": Bug(Steps(operator=RecoverReleasesTheClaimed), seed=24),
    "recover loses its place": Bug(Steps(operator=RecoverLosesItsPlace)),
    "batch deletes what failed": Bug(Steps(work_on_batch=deletes_what_failed)),
}
