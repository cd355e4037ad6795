"""Messages: an unknown one is sent again with leave only, when its time has come, and if nothing became known."""

import pytest

from hkreach.domain.message import Claim, DueMessage, OutboundMessage, Resend, Status
from tests.builders import ERROR, MESSAGE_ID, NOW, OTHER_ID, WAMID, callback, outbound
from tests.contracts.conftest import MessagesUnderTest

UNTIL = NOW + 25_000
AGAIN = NOW + 3_600_000
DEADLINE = outbound().deadline


def _read(table: MessagesUnderTest) -> OutboundMessage:
    message = table.messages.get(MESSAGE_ID)
    assert message is not None
    return message


def _first_claim(table: MessagesUnderTest) -> Claim:
    table.messages.add(outbound())
    claim = table.messages.claim(MESSAGE_ID, NOW, UNTIL)
    assert claim is not None
    return claim


@pytest.fixture
def first(table: MessagesUnderTest) -> Claim:
    """The claim of a message that became unknown, with leave to be sent again by policy."""
    claim = _first_claim(table)
    assert table.messages.record_unknown(MESSAGE_ID, claim, NOW + 1, AGAIN)
    return claim


@pytest.fixture
def second(table: MessagesUnderTest, first: Claim) -> Claim:
    claim = table.messages.claim_again(MESSAGE_ID, AGAIN, AGAIN + 25_000)
    assert claim is not None
    return claim


def test_one_write_makes_it_unknown_and_lets_it_wait(table: MessagesUnderTest, first: Claim) -> None:
    message = _read(table)

    assert (Status.UNKNOWN, None, AGAIN, Resend(AGAIN, "policy")) == (
        message.status, message.claim, message.due_at, message.resend,
    )  # fmt: skip
    assert [(1, NOW + 1, "unknown")] == table.attempts(MESSAGE_ID)
    assert [] == list(table.messages.due(AGAIN - 1, 100))
    assert [DueMessage(MESSAGE_ID, "mystore", AGAIN)] == list(table.messages.due(AGAIN, 100))


def test_without_leave_it_neither_waits_nor_is_claimed(table: MessagesUnderTest) -> None:
    table.messages.record_unknown(MESSAGE_ID, _first_claim(table), NOW + 1)

    assert (None, None) == (_read(table).due_at, _read(table).resend)
    assert table.messages.claim_again(MESSAGE_ID, DEADLINE - 1, DEADLINE) is None
    assert table.messages.claim(MESSAGE_ID, DEADLINE - 1, DEADLINE) is None


def test_unknown_is_not_written_with_a_claim_that_is_no_more(table: MessagesUnderTest, first: Claim) -> None:
    assert not table.messages.record_unknown(MESSAGE_ID, first, NOW + 9, None)
    assert (AGAIN, [(1, NOW + 1, "unknown")]) == (_read(table).due_at, table.attempts(MESSAGE_ID))


def test_with_leave_it_is_claimed_when_its_time_has_come_and_not_before(table: MessagesUnderTest, first: Claim) -> None:
    assert table.messages.claim_again(MESSAGE_ID, AGAIN - 1, AGAIN + 25_000) is None
    assert Claim(2, AGAIN + 25_000) == table.messages.claim_again(MESSAGE_ID, AGAIN, AGAIN + 25_000)
    assert (None, Status.UNKNOWN) == (_read(table).next_try_at, _read(table).status)
    assert [MESSAGE_ID] == [due.message_id for due in table.messages.due(AGAIN, 100)], "who has the claim may die"


def test_the_common_claim_never_takes_it(table: MessagesUnderTest, first: Claim) -> None:
    assert table.messages.claim(MESSAGE_ID, AGAIN, AGAIN + 25_000) is None


def test_the_claim_for_a_second_time_never_takes_a_queued_one(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())

    assert table.messages.claim_again(MESSAGE_ID, AGAIN, AGAIN + 25_000) is None
    assert table.messages.claim_again(OTHER_ID, AGAIN, AGAIN + 25_000) is None


def test_past_its_deadline_it_is_not_claimed(table: MessagesUnderTest, first: Claim) -> None:
    assert table.messages.claim_again(MESSAGE_ID, DEADLINE, DEADLINE + 25_000) is None


@pytest.mark.parametrize("status", [Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED])
def test_whatever_meta_told_forbids_it_and_ends_the_wait(
    table: MessagesUnderTest, first: Claim, status: Status
) -> None:
    table.messages.record_status(callback(status, error=ERROR if status is Status.FAILED else None))

    assert table.messages.claim_again(MESSAGE_ID, AGAIN, AGAIN + 25_000) is None
    assert (None, None, status) == (_read(table).due_at, _read(table).resend, _read(table).status)
    assert [] == list(table.messages.due(AGAIN, 100))


@pytest.mark.parametrize("write", ["accepted", "failed"])
def test_the_late_answer_forbids_it_and_ends_the_wait(table: MessagesUnderTest, first: Claim, write: str) -> None:
    if write == "accepted":
        table.messages.record_accepted(MESSAGE_ID, first, NOW + 2, WAMID)
    else:
        table.messages.record_failed(MESSAGE_ID, NOW + 2, ERROR, first)

    assert table.messages.claim_again(MESSAGE_ID, AGAIN, AGAIN + 25_000) is None
    assert (None, None) == (_read(table).due_at, _read(table).resend)


def test_of_two_at_once_one_claims_it(table: MessagesUnderTest, second: Claim) -> None:
    assert table.messages.claim_again(MESSAGE_ID, AGAIN, AGAIN + 25_000) is None
    assert table.messages.claim_again(MESSAGE_ID, AGAIN + 10**6, AGAIN + 10**7) is None


def test_the_first_claims_answer_is_nobodys_after_the_second(
    table: MessagesUnderTest, first: Claim, second: Claim
) -> None:
    table.messages.record_accepted(MESSAGE_ID, first, AGAIN, WAMID)
    table.messages.record_failed(MESSAGE_ID, AGAIN, ERROR, first)
    assert not table.messages.record_unknown(MESSAGE_ID, first, AGAIN)

    assert (Status.UNKNOWN, second) == (_read(table).status, _read(table).claim)


def test_accepted_the_second_time(table: MessagesUnderTest, second: Claim) -> None:
    table.messages.record_accepted(MESSAGE_ID, second, AGAIN + 5, WAMID)

    assert (Status.ACCEPTED, None, None) == (_read(table).status, _read(table).claim, _read(table).resend)


def test_unknown_the_second_time_keeps_the_fact_and_tells_the_attempt(table: MessagesUnderTest, second: Claim) -> None:
    assert table.messages.record_unknown(MESSAGE_ID, second, AGAIN + 5, AGAIN + 3_600_000)

    message = _read(table)
    assert (NOW + 1, None, Resend(AGAIN + 3_600_000, "policy")) == (
        message.facts[Status.UNKNOWN], message.claim, message.resend,
    )  # fmt: skip
    assert [(1, NOW + 1, "unknown"), (2, AGAIN + 5, "unknown")] == table.attempts(MESSAGE_ID)
    assert table.messages.claim_again(MESSAGE_ID, AGAIN + 6, AGAIN + 25_006) is None, "its time begins anew"


def test_unknown_the_second_time_without_leave_stays_so(table: MessagesUnderTest, second: Claim) -> None:
    table.messages.record_unknown(MESSAGE_ID, second, AGAIN + 5)

    assert (None, None) == (_read(table).due_at, _read(table).resend)
    assert table.messages.claim_again(MESSAGE_ID, AGAIN + 6, AGAIN + 25_006) is None


def test_what_was_not_sent_the_second_time_waits_with_its_leave(table: MessagesUnderTest, second: Claim) -> None:
    table.messages.release(MESSAGE_ID, second, AGAIN + 5, "131016", AGAIN + 900)

    assert (None, AGAIN + 900, Resend(AGAIN, "policy")) == (
        _read(table).claim, _read(table).due_at, _read(table).resend,
    )  # fmt: skip
    assert Claim(3, AGAIN + 26_000) == table.messages.claim_again(MESSAGE_ID, AGAIN + 900, AGAIN + 26_000)


def test_a_try_before_the_claim_waits_with_its_leave_too(table: MessagesUnderTest, first: Claim) -> None:
    table.messages.postpone(_read(table), AGAIN, "ReadTimeout", AGAIN + 900)

    assert (2, AGAIN + 900, Resend(AGAIN, "policy")) == (
        _read(table).tries, _read(table).due_at, _read(table).resend,
    )  # fmt: skip


def test_a_callback_during_the_second_call_settles_it(table: MessagesUnderTest, second: Claim) -> None:
    table.messages.record_status(callback(Status.SENT))
    table.messages.release(MESSAGE_ID, second, AGAIN + 5, "131016", AGAIN + 900)
    assert not table.messages.record_unknown(MESSAGE_ID, second, AGAIN + 6, AGAIN + 900)

    assert (Status.SENT, None, None) == (_read(table).status, _read(table).due_at, _read(table).resend)


def test_without_a_claim_it_does_not_fail(table: MessagesUnderTest, first: Claim) -> None:
    table.messages.record_failed(MESSAGE_ID, NOW + 9, ERROR)

    assert Status.UNKNOWN == _read(table).status


def test_its_leave_can_be_taken_back(table: MessagesUnderTest, first: Claim) -> None:
    table.messages.leave_unknown(_read(table))

    assert (Status.UNKNOWN, None, None) == (_read(table).status, _read(table).due_at, _read(table).resend)
    assert table.messages.claim_again(MESSAGE_ID, AGAIN, AGAIN + 25_000) is None
    table.messages.leave_unknown(_read(table))


def test_a_leave_given_meanwhile_is_not_taken_back(table: MessagesUnderTest, first: Claim) -> None:
    seen = _read(table)
    table.unsettled.resend(MESSAGE_ID, "mystore", NOW + 9)
    table.messages.leave_unknown(seen)

    assert Resend(NOW + 9, "operator") == _read(table).resend


def test_a_leave_in_use_is_not_taken_back(table: MessagesUnderTest, first: Claim) -> None:
    seen = _read(table)
    second = table.messages.claim_again(MESSAGE_ID, AGAIN, AGAIN + 25_000)
    table.messages.leave_unknown(seen)

    assert (second, seen.resend) == (_read(table).claim, _read(table).resend)
