"""Messages: what waits stands in the table, until it is known what became of it."""

from collections.abc import Callable, Mapping

import pytest

from hkreach.domain.media import Media
from hkreach.domain.message import Claim, DueMessage, OutboundMessage, Status
from tests.builders import ERROR, MESSAGE_ID, NOW, callback, outbound
from tests.contracts.conftest import MessagesUnderTest

DUE = NOW + 300_000
CODE = "c0de0000-5717-4562-b3fc-2c963f66afa6"
IDS = [f"{number:08}-5717-4562-b3fc-2c963f66afa6" for number in range(20)]
MEDIA = Media("mystore/outbound/a", "application/pdf", 3, "a.pdf")


def _read(table: MessagesUnderTest) -> OutboundMessage:
    message = table.messages.get(MESSAGE_ID)
    assert message is not None
    return message


@pytest.fixture
def waiting(table: MessagesUnderTest) -> DueMessage:
    """A message that was claimed, released and waits."""
    table.messages.add(outbound())
    claim = table.messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
    assert claim is not None
    table.messages.release(MESSAGE_ID, claim, NOW + 1, "190", DUE)
    return DueMessage(MESSAGE_ID, "mystore", DUE)


def test_it_is_due_when_its_time_has_come(table: MessagesUnderTest, waiting: DueMessage) -> None:
    assert [] == list(table.messages.due(DUE - 1, 100))
    assert [waiting] == list(table.messages.due(DUE, 100))
    assert (DUE, None, [(1, NOW + 1, "190")]) == (_read(table).due_at, _read(table).claim, table.attempts(MESSAGE_ID))


def test_a_message_that_does_not_wait_is_never_due(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())
    table.messages.postpone(outbound(), NOW, "131016", None)

    assert [] == list(table.messages.due(NOW + 10**9, 100))
    assert [(1, NOW, "131016")] == table.attempts(MESSAGE_ID)


def test_what_waits_in_a_queue_is_due_later_than_it_is_tried(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())
    table.messages.postpone(outbound(), NOW, "131016", DUE, NOW + 2_000)
    assert (DUE, NOW + 2_000) == (_read(table).due_at, _read(table).next_try_at)

    claim = table.messages.claim(MESSAGE_ID, NOW + 2_000, NOW + 27_000)
    assert claim is not None
    assert table.messages.release(MESSAGE_ID, claim, NOW + 3_000, "131016", DUE + 1, NOW + 9_000)
    assert (DUE + 1, NOW + 9_000) == (_read(table).due_at, _read(table).next_try_at)
    assert table.messages.wait(_read(table), NOW + 10_000, "pair_rate", DUE + 2)
    assert (DUE + 2, NOW + 10_000) == (_read(table).due_at, _read(table).next_try_at)


def test_a_claim_takes_the_reason_away_and_leaves_it_due(table: MessagesUnderTest, waiting: DueMessage) -> None:
    """Who has the claim may die, and the queue's record be acknowledged by another."""
    table.messages.wait(_read(table), DUE, "number_rate")

    assert Claim(2, DUE + 25_000) == table.messages.claim(MESSAGE_ID, DUE, DUE + 25_000)
    assert [waiting] == list(table.messages.due(DUE, 100))
    assert (None, None) == (_read(table).next_try_at, _read(table).waits_for)


@pytest.mark.parametrize("outcome", ["accepted", "failed", "unknown"])
def test_a_calls_outcome_ends_the_wait(table: MessagesUnderTest, waiting: DueMessage, outcome: str) -> None:
    claim = table.messages.claim(MESSAGE_ID, DUE, DUE + 25_000)
    assert claim is not None
    if outcome == "accepted":
        table.messages.record_accepted(MESSAGE_ID, claim, DUE, "wamid.1")
    elif outcome == "failed":
        assert table.messages.record_failed(MESSAGE_ID, DUE, ERROR, claim)
    else:
        table.messages.record_unknown(MESSAGE_ID, claim, DUE)

    assert (Status(outcome), None) == (_read(table).status, _read(table).due_at)
    assert [] == list(table.messages.due(DUE, 100))


def test_failing_ends_the_wait(table: MessagesUnderTest, waiting: DueMessage) -> None:
    assert table.messages.record_failed(MESSAGE_ID, DUE, ERROR)

    assert (Status.FAILED, None) == (_read(table).status, _read(table).next_try_at)
    assert [] == list(table.messages.due(DUE, 100))
    assert not table.messages.record_failed(MESSAGE_ID, DUE, ERROR)


def test_past_its_deadline_it_is_not_claimed(table: MessagesUnderTest) -> None:
    table.messages.add(outbound(deadline=DUE))

    assert table.messages.claim(MESSAGE_ID, DUE, DUE + 25_000) is None
    assert table.messages.claim(MESSAGE_ID, DUE - 1, DUE + 25_000) is not None


def test_what_was_woken_comes_due_again_later(table: MessagesUnderTest, waiting: DueMessage) -> None:
    table.messages.wait_again(waiting, DUE + 1_000)

    assert [] == list(table.messages.due(DUE, 100))
    assert [DueMessage(MESSAGE_ID, "mystore", DUE + 1_000)] == list(table.messages.due(DUE + 1_000, 100))
    assert DUE == _read(table).next_try_at, "when it is tried is what it was"


def test_what_was_settled_meanwhile_does_not_wait_again(table: MessagesUnderTest, waiting: DueMessage) -> None:
    claim = table.messages.claim(MESSAGE_ID, DUE, DUE + 25_000)
    assert claim is not None
    table.messages.record_accepted(MESSAGE_ID, claim, DUE, "wamid.1")
    table.messages.wait_again(waiting, DUE + 1_000)

    assert _read(table).due_at is None


def test_a_try_without_a_claim_counts_and_can_wait(table: MessagesUnderTest, waiting: DueMessage) -> None:
    table.messages.postpone(_read(table), NOW + 2, "ReadTimeout", DUE + 5)

    assert (2, DUE + 5) == (_read(table).tries, _read(table).due_at)
    assert [(1, NOW + 1, "190"), (2, NOW + 2, "ReadTimeout")] == table.attempts(MESSAGE_ID)
    assert Claim(3, DUE + 25_000) == table.messages.claim(MESSAGE_ID, DUE, DUE + 25_000)


def test_a_message_that_was_touched_meanwhile_is_not_postponed(table: MessagesUnderTest) -> None:
    before = outbound()
    table.messages.add(before)
    claim = table.messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
    assert claim is not None
    assert not table.messages.postpone(before, NOW, "late", DUE)
    assert not table.messages.wait(before, DUE, "number_rate")
    assert not table.messages.record_failed(MESSAGE_ID, NOW, ERROR)
    assert table.messages.release(MESSAGE_ID, claim, NOW + 1, "131016", None)
    assert not table.messages.postpone(before, NOW, "late", DUE)
    assert not table.messages.wait(before, DUE, "number_rate")
    assert not table.messages.release(MESSAGE_ID, claim, NOW + 1, "131016", DUE)

    assert (None, [(1, NOW + 1, "131016")]) == (_read(table).due_at, table.attempts(MESSAGE_ID))


def test_a_settled_message_neither_waits_nor_counts(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())
    claim = table.messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
    assert claim is not None
    table.messages.record_status(callback(Status.SENT))
    table.messages.release(MESSAGE_ID, claim, NOW, "131016", DUE)

    assert (Status.SENT, None, []) == (_read(table).status, _read(table).due_at, table.attempts(MESSAGE_ID))


def test_all_are_found_however_few_are_read_at_once(table: MessagesUnderTest, waiting: DueMessage) -> None:
    for message_id in IDS:
        table.messages.add(outbound(message_id))
        table.messages.postpone(outbound(message_id), NOW, "131016", DUE + 1)

    for at_once in (4, 100):
        due = list(table.messages.due(DUE + 1, at_once))
        assert sorted((MESSAGE_ID, *IDS)) == sorted(message.message_id for message in due)


def _claimed(table: MessagesUnderTest, message: OutboundMessage) -> Claim:
    claim = table.messages.claim(message.message_id, NOW, NOW + 25_000)
    assert claim is not None
    return claim


def _resend(table: MessagesUnderTest, message: OutboundMessage) -> None:
    table.messages.record_unknown(message.message_id, _claimed(table, message), NOW)
    assert table.unsettled.resend(message.message_id, message.app_name, DUE)


WAYS_TO_WAIT: Mapping[str, Callable[[MessagesUnderTest, OutboundMessage], object]] = {
    "wait": lambda table, code: table.messages.wait(code, DUE, "pair_rate"),
    "postpone": lambda table, code: table.messages.postpone(code, NOW, "131016", DUE),
    "release": lambda table, code: table.messages.release(code.message_id, _claimed(table, code), NOW, "190", DUE),
    "record_unknown": lambda table, code: table.messages.record_unknown(
        code.message_id, _claimed(table, code), NOW, DUE
    ),
    "record_fetched": lambda table, code: table.messages.record_fetched(code.message_id, MEDIA, DUE),
    "put_back": lambda table, code: table.unsettled.put_back(code.message_id, DUE),
    "resend": _resend,
}


@pytest.mark.parametrize("way", WAYS_TO_WAIT)
def test_one_time_codes_are_due_first_whatever_they_wait_for(table: MessagesUnderTest, way: str) -> None:
    code = outbound(CODE, purpose="authentication", deadline=DUE + 1)
    for message in (*(outbound(message_id) for message_id in IDS), code):
        table.messages.add(message)
        if message is not code:
            table.messages.postpone(message, NOW, "131016", DUE - 1_000)
    WAYS_TO_WAIT[way](table, code)

    assert CODE == next(iter(table.messages.due(DUE, 4))).message_id
    assert [CODE, *IDS] == [due.message_id for due in table.messages.due(DUE, 4) if due.message_id == CODE] + sorted(
        due.message_id for due in table.messages.due(DUE, 100) if due.message_id != CODE
    )
