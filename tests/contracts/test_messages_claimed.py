"""Messages: the claim is the one way to Meta, and its number is the fence."""

from typing import Any

import pytest

from hkreach.adapters.dynamodb_messages import DynamoDBMessages
from hkreach.domain.message import Claim, OutboundMessage, Status
from tests.aws import MESSAGES_TABLE, aws
from tests.builders import ERROR, MESSAGE_ID, NOW, callback, outbound
from tests.contracts.conftest import MessagesUnderTest

UNTIL = NOW + 25_000


@pytest.fixture
def claim(table: MessagesUnderTest) -> Claim:
    table.messages.add(outbound())
    claim = table.messages.claim(MESSAGE_ID, NOW, UNTIL)
    assert claim is not None
    return claim


def _read(table: MessagesUnderTest) -> OutboundMessage:
    message = table.messages.get(MESSAGE_ID)
    assert message is not None
    return message


def test_the_first_claim_has_number_one_and_is_seen(table: MessagesUnderTest, claim: Claim) -> None:
    assert Claim(1, UNTIL) == claim
    assert claim == _read(table).claim
    assert Status.QUEUED == _read(table).status


def test_what_is_claimed_cannot_be_claimed_even_when_the_claim_ran_out(table: MessagesUnderTest, claim: Claim) -> None:
    assert table.messages.claim(MESSAGE_ID, NOW, UNTIL) is None
    assert table.messages.claim(MESSAGE_ID, UNTIL + 1, UNTIL + 25_001) is None


def test_a_released_message_can_be_claimed_with_the_next_number(table: MessagesUnderTest, claim: Claim) -> None:
    table.messages.release(MESSAGE_ID, claim, NOW + 1, "131016", None)

    assert _read(table).claim is None
    assert Claim(2, UNTIL + 5) == table.messages.claim(MESSAGE_ID, NOW, UNTIL + 5)
    assert [(1, NOW + 1, "131016")] == table.attempts(MESSAGE_ID)


def test_the_last_five_attempts_are_kept(table: MessagesUnderTest, claim: Claim) -> None:
    current: Claim | None = claim
    for number in range(1, 9):
        assert current is not None
        assert number == current.number
        table.messages.release(MESSAGE_ID, current, NOW + number, f"c{number}", None)
        current = table.messages.claim(MESSAGE_ID, NOW, UNTIL)

    assert [(n, NOW + n, f"c{n}") for n in range(4, 9)] == table.attempts(MESSAGE_ID)


def test_a_claim_that_is_no_more_releases_nothing(table: MessagesUnderTest, claim: Claim) -> None:
    table.messages.release(MESSAGE_ID, claim, NOW, "131016", None)
    second = table.messages.claim(MESSAGE_ID, NOW, UNTIL)

    table.messages.release(MESSAGE_ID, claim, NOW, "late", None)

    assert second == _read(table).claim
    assert 1 == len(table.attempts(MESSAGE_ID))


def test_acceptance_settles(table: MessagesUnderTest, claim: Claim) -> None:
    table.messages.record_accepted(MESSAGE_ID, claim, NOW + 2, "wamid.1")

    message = _read(table)
    assert (Status.ACCEPTED, "wamid.1", None) == (message.status, message.wamid, message.claim)
    assert table.messages.claim(MESSAGE_ID, NOW, UNTIL) is None


def test_failure_settles_with_its_error(table: MessagesUnderTest, claim: Claim) -> None:
    table.messages.record_failed(MESSAGE_ID, NOW + 2, ERROR, claim)

    message = _read(table)
    assert (Status.FAILED, ERROR, None) == (message.status, message.error, message.claim)
    assert NOW + 2 == message.facts[Status.FAILED]
    assert table.messages.claim(MESSAGE_ID, NOW, UNTIL) is None


def test_unknown_settles(table: MessagesUnderTest, claim: Claim) -> None:
    table.messages.record_unknown(MESSAGE_ID, claim, NOW + 2)

    assert (Status.UNKNOWN, None) == (_read(table).status, _read(table).claim)
    assert table.messages.claim(MESSAGE_ID, NOW, UNTIL) is None


def test_a_fact_is_set_once(table: MessagesUnderTest, claim: Claim) -> None:
    table.messages.record_accepted(MESSAGE_ID, claim, NOW + 2, "wamid.1")
    table.messages.record_accepted(MESSAGE_ID, claim, NOW + 9, "wamid.2")
    table.messages.record_failed(MESSAGE_ID, NOW + 3, ERROR, claim)
    table.messages.record_failed(MESSAGE_ID, NOW + 9, ERROR, claim)

    message = _read(table)
    assert {Status.QUEUED: NOW, Status.ACCEPTED: NOW + 2, Status.FAILED: NOW + 3} == message.facts
    assert "wamid.1" == message.wamid


@pytest.mark.parametrize("write", ["record_accepted", "record_failed", "record_unknown"])
def test_nobody_writes_with_a_claim_that_was_followed_by_another(
    table: MessagesUnderTest, claim: Claim, write: str
) -> None:
    table.messages.release(MESSAGE_ID, claim, NOW, "131016", None)
    second = table.messages.claim(MESSAGE_ID, NOW, UNTIL)
    match write:
        case "record_accepted":
            table.messages.record_accepted(MESSAGE_ID, claim, NOW, "wamid.late")
        case "record_failed":
            table.messages.record_failed(MESSAGE_ID, NOW, ERROR, claim)
        case _:
            table.messages.record_unknown(MESSAGE_ID, claim, NOW)

    assert (Status.QUEUED, second, None) == (_read(table).status, _read(table).claim, _read(table).wamid)


def test_a_definite_answer_that_comes_after_unknown_still_counts(table: MessagesUnderTest, claim: Claim) -> None:
    table.messages.record_unknown(MESSAGE_ID, claim, NOW + 1)
    table.messages.record_failed(MESSAGE_ID, NOW + 2, ERROR, claim)
    assert (Status.FAILED, ERROR) == (_read(table).status, _read(table).error)

    table.messages.record_accepted(MESSAGE_ID, claim, NOW + 3, "wamid.1")
    assert "wamid.1" == _read(table).wamid


def test_unknown_is_not_written_over_something_known(table: MessagesUnderTest, claim: Claim) -> None:
    table.messages.record_status(callback(Status.SENT))

    table.messages.record_unknown(MESSAGE_ID, claim, NOW + 2)

    assert Status.UNKNOWN not in _read(table).facts


def test_without_a_claim_failure_is_for_messages_that_nobody_has(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())
    table.messages.record_failed(MESSAGE_ID, NOW + 2, ERROR)

    assert (Status.FAILED, ERROR) == (_read(table).status, _read(table).error)


def test_without_a_claim_failure_is_refused_for_what_is_claimed(table: MessagesUnderTest, claim: Claim) -> None:
    table.messages.record_failed(MESSAGE_ID, NOW + 2, ERROR)

    assert (Status.QUEUED, claim) == (_read(table).status, _read(table).claim)


@pytest.mark.parametrize("status", [Status.SENT, Status.DELIVERED, Status.READ])
def test_without_a_claim_failure_is_refused_for_what_is_settled(table: MessagesUnderTest, status: Status) -> None:
    table.messages.add(outbound())
    table.messages.record_status(callback(status))

    table.messages.record_failed(MESSAGE_ID, NOW + 2, ERROR)

    assert Status.FAILED not in _read(table).facts


def test_without_a_claim_failure_does_not_make_a_message(table: MessagesUnderTest) -> None:
    table.messages.record_failed(MESSAGE_ID, NOW, ERROR)

    assert table.messages.get(MESSAGE_ID) is None


class AnswersGetLost:
    """A client whose SDK had to repeat every write: the first answer never came."""

    def __init__(self, client: Any) -> None:
        self.exceptions = client.exceptions
        self._client = client

    def update_item(self, **request: Any) -> Any:
        self._client.update_item(**request)
        return self._client.update_item(**request)


def test_a_claim_is_ours_even_if_its_first_answer_got_lost(imitated_aws: None) -> None:
    DynamoDBMessages(aws("dynamodb"), MESSAGES_TABLE, lambda: NOW).add(outbound())
    unlucky = DynamoDBMessages(AnswersGetLost(aws("dynamodb")), MESSAGES_TABLE, lambda: NOW)

    assert Claim(1, UNTIL) == unlucky.claim(MESSAGE_ID, NOW, UNTIL)
    assert unlucky.claim(MESSAGE_ID, NOW, UNTIL) is None
