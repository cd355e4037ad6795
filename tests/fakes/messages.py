"""The messages table in memory."""

from dataclasses import dataclass, field, replace
from typing import Any

from hkreach.domain.message import Claim, InboundMessage, MessageError, OutboundMessage, Status, StatusCallback
from hkreach.ports import Clock
from tests.fakes.faults import Faulty


@dataclass
class Row:
    """A message, and what its item has beside it."""

    message: OutboundMessage
    claim_number: int = 0
    attempts: list[tuple[int, int, str]] = field(default_factory=list)


class FakeMessages(Faulty):
    """Implements the port `Messages`."""

    def __init__(self, now: Clock) -> None:
        super().__init__()
        self._now = now
        self.rows: dict[str, Row] = {}
        self.inbound: dict[str, InboundMessage] = {}

    def get(self, message_id: str) -> OutboundMessage | None:
        self._called("get")
        row = self.rows.get(message_id)
        return row.message if row and self._lives(row.message) else None

    def add(self, message: OutboundMessage) -> OutboundMessage | None:
        self._called("add")
        earlier = self.rows.get(message.message_id)
        if earlier:
            return earlier.message
        self.rows[message.message_id] = Row(message)
        return None

    def add_inbound(self, message: InboundMessage) -> bool:
        self._called("add_inbound")
        if message.message_id in self.inbound:
            return False
        self.inbound[message.message_id] = message
        return True

    def claim(self, message_id: str, now: int, until: int) -> Claim | None:
        self._called("claim")
        row = self.rows.get(message_id)
        if row is None or row.message.claim or row.message.is_settled or row.message.expires_at // 1000 <= now // 1000:
            return None
        row.claim_number += 1
        claim = Claim(row.claim_number, until)
        row.message = replace(row.message, claim=claim)
        return claim

    def release(self, message_id: str, claim: Claim, now: int, code: str) -> None:
        self._called("release")
        row = self._claimed(message_id, claim)
        if row is not None and row.message.claim is not None:
            row.attempts = [*row.attempts, (claim.number, now, code)][-5:]
            row.message = replace(row.message, claim=None)

    def record_accepted(self, message_id: str, claim: Claim, now: int, wamid: str) -> None:
        self._called("record_accepted")
        row = self._claimed(message_id, claim)
        if row is not None and Status.ACCEPTED not in row.message.facts:
            self._set(row, Status.ACCEPTED, now, wamid=row.message.wamid or wamid)

    def record_failed(self, message_id: str, now: int, error: MessageError, claim: Claim | None = None) -> None:
        self._called("record_failed")
        row = self._claimed(message_id, claim) if claim else self._unclaimed(message_id)
        if row is not None and Status.FAILED not in row.message.facts:
            self._set(row, Status.FAILED, now, error=error)

    def record_unknown(self, message_id: str, claim: Claim, now: int) -> None:
        self._called("record_unknown")
        row = self._claimed(message_id, claim)
        if row is not None and row.message.claim is not None and not row.message.is_settled:
            self._set(row, Status.UNKNOWN, now)

    def record_status(self, callback: StatusCallback) -> str:
        self._called("record_status")
        row = self.rows.get(callback.message_id or self._id_of(callback.wamid) or "")
        if row is None or row.message.phone_number_id != callback.phone_number_id:
            return "unknown"
        if callback.status in row.message.facts:
            return "repeated"
        row.message = replace(
            row.message,
            facts={**row.message.facts, callback.status: callback.at},
            wamid=row.message.wamid or callback.wamid,
            error=callback.error or row.message.error,
        )
        return "recorded"

    def attempts_of(self, message_id: str) -> list[tuple[int, int, str]]:
        return self.rows[message_id].attempts

    def _set(self, row: Row, status: Status, at: int, **parts: Any) -> None:
        row.message = replace(row.message, facts={**row.message.facts, status: at}, claim=None, **parts)

    def _claimed(self, message_id: str, claim: Claim) -> Row | None:
        row = self.rows.get(message_id)
        return row if row and row.claim_number == claim.number else None

    def _unclaimed(self, message_id: str) -> Row | None:
        row = self.rows.get(message_id)
        return row if row and row.message.claim is None and not row.message.is_settled else None

    def _id_of(self, wamid: str) -> str | None:
        return next((message_id for message_id, row in self.rows.items() if row.message.wamid == wamid), None)

    def _lives(self, message: OutboundMessage) -> bool:
        return message.expires_at // 1000 > self._now() // 1000
