"""Bugs planted on purpose: a harness that catches none of them would prove nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hkreach.domain.message import Claim, DueMessage, OutboundMessage, Status, StatusCallback
from hkreach.domain.meta_outcome import NotSent, Outcome, Uncertain
from hkreach.domain.progress import Progress
from hkreach.domain.time import MINUTE
from hkreach.usecases.relay_events import relay_events
from hkreach.usecases.relay_outbox import relay_outbox
from hkreach.usecases.send_message import SendMessage
from hkreach.usecases.send_message_admission import Admission
from tests.chaos.planted_again import PLANTED_AGAIN
from tests.chaos.steps import Bug, Steps
from tests.fakes.messages import FakeMessages, Row


class ResendsOnExpiredLease(SendMessage):
    """Takes a claim that ran out for a call that was never made."""

    __slots__ = ()

    def _someone_has_it(self, message: OutboundMessage, claim: Claim) -> Progress:
        if claim.until > self.now():
            return 1
        self.messages.release(message.message_id, claim, self.now(), "lease_expired", None)
        return 1


class AcknowledgesBeforeTheWrite(SendMessage):
    """Tells the queue that it is done, and only then would have written that it has to wait."""

    __slots__ = ()

    def _wait(self, message: OutboundMessage, outcome: Any, not_before: Any, write: Any) -> Progress:
        unwritten = lambda now, code, *_: write(now, code, None)  # noqa: E731
        progress = SendMessage._wait(self, message, outcome, not_before, write if message.tries > 8 else unwritten)
        return progress if progress == "done" and message.tries > 8 else "done"


class TrustsTheQueue(SendMessage):
    """A short wait is in the queue alone, though another worker may have acknowledged that record.

    It takes a claim that ends the wait too: else what the other wrote stands.
    """

    __slots__ = ()

    def _wait(self, message: OutboundMessage, outcome: Any, not_before: Any, write: Any) -> Progress:
        def in_the_queue(now: int, code: str, due_at: int, next_try_at: int) -> Any:
            return write(now, code, due_at if due_at == next_try_at else None)

        return SendMessage._wait(self, message, outcome, not_before, in_the_queue)


class RetriesOnTimeout(SendMessage):
    """Takes a lost answer for a refusal."""

    __slots__ = ()

    def _record(self, message: OutboundMessage, app: Any, account: Any, claim: Claim, outcome: Outcome) -> Progress:
        taken_for = NotSent("131016") if isinstance(outcome, Uncertain) else outcome
        return SendMessage._record(self, message, app, account, claim, taken_for)


class CallsBeforeTheClaim(SendMessage):
    """Claims what it has sent."""

    __slots__ = ()

    def _call(self, message: OutboundMessage, app: Any, account: Any, token: str, *_: Any) -> Progress:
        body: dict[str, object] = {"biz_opaque_callback_data": message.message_id}
        outcome = self.meta.send(account.phone_number_id, token, body)
        claim = self.messages.claim(message.message_id, self.now(), self.now() + 25_000)
        return 1 if claim is None else self._record(message, app, account, claim, outcome)


class NoClaimAtAll(FakeMessages):
    """The condition of the claim is gone: whoever asks gets it."""

    def claim(self, message_id: str, now: int, until: int) -> Claim | None:
        row = self.rows.get(message_id)
        if row is None or row.message.is_settled:
            return None
        row.message = replace(row.message, claim=None)
        return super().claim(message_id, now, until)


class NoFence(FakeMessages):
    """A release is anybody's."""

    def release(
        self, message_id: str, claim: Claim, now: int, code: str, due_at: int | None, next_try_at: int | None = None
    ) -> bool:
        row = self.rows[message_id]
        row.message = replace(row.message, claim=None, due_at=due_at)
        return True


class ClaimsEndTheWait(FakeMessages):
    """What is claimed is not due any more: its record is all there is if the sender dies."""

    def _take(self, row: Row, now: int, until: int) -> Claim | None:
        claim = super()._take(row, now, until)
        if claim:
            row.message = replace(row.message, due_at=None)
        return claim


class NoPairPace(Admission):
    """Knows of the number's pace alone."""

    def _time_of_pair(self, number: str, message: OutboundMessage) -> int:
        return self._now()


class DropsTheEcho(FakeMessages):
    """Finds messages by Meta's id alone."""

    def record_status(self, callback: StatusCallback) -> str:
        return super().record_status(replace(callback, message_id=None))


class LastStatusWins(FakeMessages):
    """Keeps one status, the last one told."""

    def record_status(self, callback: StatusCallback) -> str:
        fate = super().record_status(callback)
        row = self.rows.get(callback.message_id or "")
        if row is not None:
            facts = {s: at for s, at in row.message.facts.items() if s in {Status.QUEUED, callback.status}}
            row.message = replace(row.message, facts=facts)
        return fate


class ExpiresTheUnknown(FakeMessages):
    """Says of a message that may have gone that it failed."""

    def record_unknown(self, message_id: str, claim: Claim, now: int, resend_at: int | None = None) -> bool:
        recorded = super().record_unknown(message_id, claim, now, resend_at)
        row = self.rows[message_id]
        if row.message.status is Status.UNKNOWN:
            row.message = replace(row.message, facts={**row.message.facts, Status.FAILED: now})
        return recorded


def forgets_what_the_queue_refused(changes: Sequence[Any], *, queue: Any) -> frozenset[str]:
    relay_outbox(changes, queue=queue)
    return frozenset()


def forgets_what_the_bus_refused(changes: Sequence[Any], *, bus: Any) -> frozenset[str]:
    relay_events(changes, bus=bus)
    return frozenset()


def writes_before_it_wakes(*, messages: Any, queue: Any, now: Callable[[], int], time_left: Any) -> int:
    """Ends the wait first; who dies between leaves a message that nobody wakes."""
    due: Sequence[DueMessage] = list(messages.due(now(), 1_000))
    for message in due:
        messages.wait_again(message, now() + 10**9 * MINUTE)
    queue.put(due)
    return len(due)


SHARED = (
    "overtaken before messages.claim",
    "overtaken after secrets.open",
    "meta: not processed, 131016",
    "meta: not processed, no_connection",
)
"""Two workers with one record, of which one is not answered well."""
PLANTED: Mapping[str, Bug] = {
    "resend on expired lease": Bug(Steps(sender=ResendsOnExpiredLease)),
    "acknowledge before the write": Bug(Steps(sender=AcknowledgesBeforeTheWrite)),
    "a short wait is the queue's alone": Bug(Steps(sender=TrustsTheQueue, messages=ClaimsEndTheWait), only=SHARED),
    "a claim ends the wait": Bug(Steps(messages=ClaimsEndTheWait), only=(*SHARED, "killed before meta.send")),
    "no pace of the pair": Bug(Steps(admission=NoPairPace), only=SHARED[:1]),
    "retry on time-out": Bug(Steps(sender=RetriesOnTimeout)),
    "call before the claim": Bug(Steps(sender=CallsBeforeTheClaim)),
    "claim without a condition": Bug(Steps(messages=NoClaimAtAll)),
    "fence removed": Bug(Steps(messages=NoFence), seed=7),
    "drop the echo": Bug(Steps(messages=DropsTheEcho)),
    "last status wins": Bug(Steps(messages=LastStatusWins)),
    "unknown taken for failed": Bug(Steps(messages=ExpiresTheUnknown)),
    "relay forgets what the queue refused": Bug(Steps(relay_outbox=forgets_what_the_queue_refused)),
    "relay forgets what the bus refused": Bug(Steps(relay_events=forgets_what_the_bus_refused)),
    "wake after the write": Bug(Steps(wake_due=writes_before_it_wakes)),
    **PLANTED_AGAIN,
}
