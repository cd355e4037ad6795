"""Messages: what Meta tells, in any order, twice, late, and about messages that are not ours."""

from itertools import permutations

import pytest

from hkreach.domain.message import MessageError, OutboundMessage, Status
from tests.builders import ERROR, MESSAGE_ID, NOW, OTHER_ID, OTHER_NUMBER, WAMID, callback, outbound
from tests.contracts.conftest import MessagesUnderTest

TOLD = {Status.SENT: NOW + 1000, Status.DELIVERED: NOW + 2000, Status.READ: NOW + 3000, Status.FAILED: NOW + 4000}


def _read(table: MessagesUnderTest) -> OutboundMessage:
    message = table.messages.get(MESSAGE_ID)
    assert message is not None
    return message


def test_each_status_is_a_fact_with_its_time(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())

    fates = [table.messages.record_status(callback(status, at)) for status, at in TOLD.items()]

    assert ["recorded"] * 4 == fates
    assert {Status.QUEUED: NOW, **TOLD} == _read(table).facts


@pytest.mark.parametrize("order", list(permutations(TOLD)))
def test_any_order_with_repetitions_ends_the_same(table: MessagesUnderTest, order: tuple[Status, ...]) -> None:
    table.messages.add(outbound())

    fates = [table.messages.record_status(callback(status, TOLD[status])) for status in (*order, *order)]

    assert ["recorded"] * 4 + ["repeated"] * 4 == fates
    assert ({Status.QUEUED: NOW, **TOLD}, Status.READ) == (_read(table).facts, _read(table).status)


def test_a_repeated_status_does_not_move_its_fact(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())
    table.messages.record_status(callback(Status.SENT, NOW + 1000))

    assert "repeated" == table.messages.record_status(callback(Status.SENT, NOW + 9000))
    assert NOW + 1000 == _read(table).facts[Status.SENT]


def test_a_failure_keeps_its_error_and_a_later_one_does_not_change_it(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())
    table.messages.record_status(callback(Status.FAILED, error=ERROR))
    table.messages.record_status(callback(Status.FAILED, error=MessageError("1", "another", "error")))

    assert (Status.FAILED, ERROR) == (_read(table).status, _read(table).error)


def test_the_echo_gives_the_message_its_wamid_once(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())
    table.messages.record_status(callback(Status.SENT, wamid="wamid.first"))
    table.messages.record_status(callback(Status.DELIVERED, wamid="wamid.second"))

    assert "wamid.first" == _read(table).wamid


def test_a_status_during_the_call_settles_and_the_answer_still_fits(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())
    claim = table.messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
    assert claim is not None

    table.messages.record_status(callback(Status.SENT))
    assert _read(table).is_settled
    table.messages.record_accepted(MESSAGE_ID, claim, NOW + 2, WAMID)

    assert (Status.SENT, WAMID, None) == (_read(table).status, _read(table).wamid, _read(table).claim)


def test_without_an_echo_the_message_is_found_by_its_wamid(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())
    claim = table.messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
    assert claim is not None
    table.messages.record_accepted(MESSAGE_ID, claim, NOW + 2, WAMID)

    assert "recorded" == table.messages.record_status(callback(Status.DELIVERED, message_id=None))
    assert "repeated" == table.messages.record_status(callback(Status.DELIVERED, message_id=None))
    assert Status.DELIVERED == _read(table).status


def test_without_an_echo_an_unheard_of_wamid_is_unknown(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())

    assert "unknown" == table.messages.record_status(callback(message_id=None, wamid="wamid.elsewhere"))


@pytest.mark.parametrize("message_id", [MESSAGE_ID, None], ids=["by echo", "by wamid"])
def test_a_status_from_another_number_opens_nothing(table: MessagesUnderTest, message_id: str | None) -> None:
    table.messages.add(outbound())
    claim = table.messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
    assert claim is not None
    table.messages.record_accepted(MESSAGE_ID, claim, NOW + 2, WAMID)
    before = _read(table)

    foreign = callback(Status.READ, message_id=message_id, phone_number_id=OTHER_NUMBER)

    assert "unknown" == table.messages.record_status(foreign)
    assert before == _read(table)


def test_a_repeated_status_from_another_number_is_unknown_not_repeated(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())
    table.messages.record_status(callback(Status.READ))

    assert "unknown" == table.messages.record_status(callback(Status.READ, phone_number_id=OTHER_NUMBER))


def test_an_echo_of_no_message_of_ours_writes_nothing(table: MessagesUnderTest) -> None:
    assert "unknown" == table.messages.record_status(callback(message_id=OTHER_ID))
    assert table.messages.get(OTHER_ID) is None
