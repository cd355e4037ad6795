"""What counts as a cause to send a message again, and what does not: the verdict on doubles hangs on it."""

import json
from dataclasses import replace

from hkreach.domain.message import Attempt, OutboundMessage, Status
from tests.builders import MESSAGE_ID, NOW, WAMID, claimed, outbound
from tests.chaos.ledger import Ledger
from tests.fakes.clock import FakeClock

RESEND_AFTER = 300_000


class History:
    """A message that became unknown at `NOW`, and a ledger that saw it."""

    def __init__(self, resend_after: int | None = RESEND_AFTER, code: str = "unknown") -> None:
        self.clock = FakeClock(NOW)
        self.ledger = Ledger(self.clock, resend_after)
        self.message = outbound()
        self.ledger.wrote(None, self.message)
        self.write(claim=claimed())
        facts = {**self.message.facts, Status.UNKNOWN: NOW} if code == "unknown" else self.message.facts
        self.write(claim=None, tries=1, attempts=(Attempt(1, NOW, code),), facts=facts)

    def write(self, **parts: object) -> OutboundMessage:
        before, self.message = self.message, replace(self.message, **parts)  # type: ignore[arg-type]
        self.ledger.wrote(before, self.message)
        return self.message

    def claim_again(self, at: int) -> int:
        """How often it was rightly claimed again when that is done then."""
        self.clock.now = at
        self.write(claim=claimed(2))
        return self.ledger.leave[MESSAGE_ID]

    def hear(self, echo: bool) -> None:
        node = {"id": WAMID, "status": "sent"} | ({"biz_opaque_callback_data": MESSAGE_ID} if echo else {})
        body = json.dumps({"entry": [{"changes": [{"value": {"statuses": [node]}}]}]}).encode()
        self.ledger.was_told(self.ledger.finds(body))


def test_the_first_claim_needs_no_leave() -> None:
    assert 0 == History().ledger.leave[MESSAGE_ID]


def test_unknown_for_the_whole_time_is_cause() -> None:
    assert 1 == History().claim_again(NOW + RESEND_AFTER)


def test_before_its_time_is_no_cause() -> None:
    assert 0 == History().claim_again(NOW + RESEND_AFTER - 10_000)


def test_under_park_nothing_is_cause() -> None:
    assert 0 == History(resend_after=None).claim_again(NOW + 10 * RESEND_AFTER)


def test_after_a_callback_nothing_is_cause() -> None:
    history = History()
    history.hear(echo=True)

    assert 0 == history.claim_again(NOW + RESEND_AFTER)


def test_a_callback_that_could_find_nothing_is_an_orphan_and_no_reason_against() -> None:
    history = History()
    history.hear(echo=False)

    assert (1, 1) == (history.claim_again(NOW + RESEND_AFTER), history.ledger.orphans)


def test_a_callback_that_metas_id_finds_is_heard() -> None:
    history = History()
    history.write(wamid=WAMID)
    history.hear(echo=False)

    assert ({MESSAGE_ID: {Status.SENT}}, 0) == (history.ledger.told, history.ledger.orphans)


def test_a_claim_after_a_call_that_did_not_send_gives_no_leave_to_double() -> None:
    assert 0 == History(code="131016").claim_again(NOW + RESEND_AFTER)


def test_unknown_again_has_to_wait_its_time_again() -> None:
    history = History()
    history.claim_again(NOW + RESEND_AFTER)
    again = Attempt(2, NOW + RESEND_AFTER, "unknown")
    history.write(claim=None, tries=2, attempts=(*history.message.attempts, again))

    assert 1 == history.claim_again(NOW + 2 * RESEND_AFTER - 10_000)


def test_a_fact_that_moves_is_seen() -> None:
    history = History()
    history.write(facts={Status.QUEUED: NOW + 1})

    assert {MESSAGE_ID} == history.ledger.moved
