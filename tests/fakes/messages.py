"""The messages table in memory."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from heapq import heappop, heappush
from typing import Any

from hkreach.domain.media import Media
from hkreach.domain.message import (
    Attempt,
    Claim,
    DueMessage,
    MessageError,
    OutboundMessage,
    Resend,
    Status,
    StatusCallback,
)
from hkreach.ports import Clock
from tests.fakes.faults import Faulty


class Row:
    """A message, as its item would hold it. Its table notes each write."""

    __slots__ = ("_message", "_written")

    def __init__(
        self, message: OutboundMessage, written: Callable[[OutboundMessage | None, OutboundMessage], None]
    ) -> None:
        self._message, self._written = message, written
        written(None, message)

    @property
    def message(self) -> OutboundMessage:
        return self._message

    @message.setter
    def message(self, after: OutboundMessage) -> None:
        before, self._message = self._message, after
        self._written(before, after)


class FakeMessages(Faulty):
    """Implements the port `Messages`. No call reads all rows: it holds hundreds of thousands."""

    def __init__(self, now: Clock) -> None:
        super().__init__()
        self._now = now
        self.rows: dict[str, Row] = {}
        self.changed: dict[str, OutboundMessage | None] = {}
        """What was written since a reader of the stream last emptied this, as it was before that."""
        self.waiting: dict[str, int] = {}
        """The index `due`: what waits, until when."""
        self.others: dict[str, DueMessage] = {}
        """What else waits in the table: customers' messages, for their files."""
        self._due: list[tuple[int, str]] = []
        """The same as a heap, with entries that hold no more."""
        self._by_wamid: dict[str, str] = {}

    def get(self, message_id: str) -> OutboundMessage | None:
        self._called("get")
        row = self.rows.get(message_id)
        return row.message if row and self._lives(row.message) else None

    def add(self, message: OutboundMessage) -> OutboundMessage | None:
        self._called("add")
        earlier = self.rows.get(message.message_id)
        if earlier:
            return earlier.message
        self.rows[message.message_id] = Row(message, self._written)
        return None

    def claim(self, message_id: str, now: int, until: int) -> Claim | None:
        self._called("claim")
        row = self.unclaimed(message_id, Status.QUEUED)
        return self._take(row, now, until) if row else None

    def claim_again(self, message_id: str, now: int, until: int) -> Claim | None:
        self._called("claim_again")
        row = self.unclaimed(message_id, Status.UNKNOWN)
        if row is None or row.message.resend is None or row.message.resend.at > now:
            return None
        return self._take(row, now, until)

    def _take(self, row: Row, now: int, until: int) -> Claim | None:
        if row.message.expires_at // 1000 <= now // 1000 or row.message.deadline <= now:
            return None
        claim = Claim(row.message.tries + 1, until)
        row.message = replace(row.message, claim=claim, tries=claim.number, next_try_at=None, waits_for=None)
        return claim

    def release(
        self, message_id: str, claim: Claim, now: int, code: str, due_at: int | None, next_try_at: int | None = None
    ) -> bool:
        self._called("release")
        row = self._claimed(message_id, claim)
        if row is None or row.message.claim is None or row.message.is_settled:
            return False
        self._end_attempt(row, Attempt(claim.number, now, code), due_at, next_try_at)
        return True

    def postpone(
        self, message: OutboundMessage, now: int, code: str, due_at: int | None, next_try_at: int | None = None
    ) -> bool:
        self._called("postpone")
        row = self.unclaimed(message.message_id, Status.QUEUED, Status.UNKNOWN)
        if row is None or row.message.tries != message.tries:
            return False
        self._end_attempt(row, Attempt(message.tries + 1, now, code), due_at, next_try_at)
        return True

    def wait(self, message: OutboundMessage, until: int, why: str, due_at: int | None = None) -> bool:
        self._called("wait")
        row = self.unclaimed(message.message_id, Status.QUEUED, Status.UNKNOWN)
        if row is None or row.message.tries != message.tries:
            return False
        due_at = until if due_at is None else due_at
        row.message = replace(row.message, due_at=due_at, next_try_at=until, waits_for=why)
        return True

    def due(self, now: int, at_once: int) -> Iterator[DueMessage]:
        self._called("due")
        found: list[tuple[int, str]] = []
        while self._due and self._due[0][0] <= now:
            entry = heappop(self._due)
            due_at, message_id = entry
            if self.waiting.get(message_id) == due_at and message_id in self.rows and entry not in found[-1:]:
                found.append(entry)
        for entry in found:
            heappush(self._due, entry)
        messages = [(at, self.rows[message_id].message) for at, message_id in found]
        others = [message for message in self.others.values() if message.due_at <= now]
        due = [DueMessage(m.message_id, m.app_name, at, m.purpose, m.waits_for) for at, m in messages] + others
        return iter(sorted(due, key=lambda message: message.purpose != "authentication"))

    def wait_again(self, message: DueMessage, due_at: int) -> None:
        self._called("wait_again")
        if self.others.get(message.message_id) == message:
            self.others[message.message_id] = replace(message, due_at=due_at)
        row = self.rows.get(message.message_id)
        if row is not None and row.message.due_at == message.due_at:
            row.message = replace(row.message, due_at=due_at)

    def record_fetched(self, message_id: str, media: Media, due_at: int) -> bool:
        self._called("record_fetched")
        row = self.unclaimed(message_id, Status.QUEUED)
        if row is None or row.message.media is not None:
            return False
        row.message = replace(row.message, media=media, due_at=due_at, next_try_at=None, waits_for=None)
        return True

    def record_accepted(self, message_id: str, claim: Claim, now: int, wamid: str) -> None:
        self._called("record_accepted")
        row = self._claimed(message_id, claim)
        if row is not None and Status.ACCEPTED not in row.message.facts:
            self._end(row, Status.ACCEPTED, now, wamid=row.message.wamid or wamid)

    def record_failed(self, message_id: str, now: int, error: MessageError, claim: Claim | None = None) -> bool:
        self._called("record_failed")
        row = self._claimed(message_id, claim) if claim else self.unclaimed(message_id, Status.QUEUED)
        if row is None or Status.FAILED in row.message.facts:
            return False
        self._end(row, Status.FAILED, now, error=error)
        return True

    def record_unknown(self, message_id: str, claim: Claim, now: int, resend_at: int | None = None) -> bool:
        self._called("record_unknown")
        row = self._claimed(message_id, claim)
        if row is None or row.message.claim is None or row.message.is_settled:
            return False
        self._end_attempt(row, Attempt(claim.number, now, "unknown"), resend_at)
        facts = {Status.UNKNOWN: now, **row.message.facts}
        resend = Resend(resend_at, "policy") if resend_at is not None else None
        row.message = replace(row.message, facts=facts, resend=resend, due_at=resend_at, next_try_at=resend_at)
        return True

    def leave_unknown(self, message: OutboundMessage) -> None:
        self._called("leave_unknown")
        row = self.rows.get(message.message_id)
        if row is not None and row.message.claim is None and row.message.resend == message.resend:
            row.message = replace(row.message, resend=None, due_at=None, next_try_at=None, waits_for=None)

    def record_status(self, callback: StatusCallback) -> str:
        self._called("record_status")
        row = self.rows.get(callback.message_id or self._by_wamid.get(callback.wamid, ""))
        if row is None or row.message.phone_number_id != callback.phone_number_id:
            return "unknown"
        if callback.status in row.message.facts:
            return "repeated"
        row.message = replace(
            row.message,
            facts={**row.message.facts, callback.status: callback.at},
            wamid=row.message.wamid or callback.wamid,
            error=callback.error or row.message.error,
            due_at=None,
            next_try_at=None,
            waits_for=None,
            resend=None,
        )
        return "recorded"

    def id_of_wamid(self, wamid: str) -> str | None:
        return self._by_wamid.get(wamid)

    def _end_attempt(self, row: Row, attempt: Attempt, due_at: int | None, next_try_at: int | None = None) -> None:
        attempts = (*row.message.attempts, attempt)[-5:]
        row.message = replace(row.message, attempts=attempts, tries=attempt.number, claim=None, waits_for=None)
        if due_at is not None:
            next_try_at = due_at if next_try_at is None else next_try_at
            row.message = replace(row.message, due_at=due_at, next_try_at=next_try_at)

    def _end(self, row: Row, status: Status, at: int, **parts: Any) -> None:
        facts = {**row.message.facts, status: at}
        row.message = replace(
            row.message, facts=facts, claim=None, due_at=None, next_try_at=None, waits_for=None, resend=None, **parts
        )

    def _claimed(self, message_id: str, claim: Claim) -> Row | None:
        row = self.rows.get(message_id)
        return row if row and row.message.tries == claim.number else None

    def unclaimed(self, message_id: str, *statuses: Status) -> Row | None:
        row = self.rows.get(message_id)
        return row if row and row.message.claim is None and row.message.status in statuses else None

    def _lives(self, message: OutboundMessage) -> bool:
        return message.expires_at // 1000 > self._now() // 1000

    def _written(self, before: OutboundMessage | None, after: OutboundMessage) -> None:
        message_id = after.message_id
        self.changed.setdefault(message_id, before)
        if after.due_at is None:
            self.waiting.pop(message_id, None)
        elif self.waiting.get(message_id) != after.due_at:
            self.waiting[message_id] = after.due_at
            heappush(self._due, (after.due_at, message_id))
        if after.wamid is not None:
            self._by_wamid.setdefault(after.wamid, message_id)
