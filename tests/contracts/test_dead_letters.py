"""DeadLetters: a letter goes back to its queue as it was, and is deleted only when the queue has it."""

from typing import Any

import pytest

from hkreach.adapters.sqs_dead_letters import SQSDeadLetters
from tests.aws import SEND_BULK_QUEUE_URL, SEND_DEAD_LETTERS_URL, SEND_NOW_QUEUE_URL, aws, queued
from tests.fakes.stores import FakeDeadLetters

pytestmark = pytest.mark.usefixtures("imitated_aws")


def _letters(client: Any = None) -> SQSDeadLetters:
    return SQSDeadLetters(client or aws("sqs"), SEND_DEAD_LETTERS_URL, SEND_NOW_QUEUE_URL)


def _bury(*numbers: int) -> None:
    for number in numbers:
        aws("sqs").send_message(
            QueueUrl=SEND_DEAD_LETTERS_URL, MessageBody=f'{{"n": {number}}}', MessageGroupId=f"app-{number}"
        )


class SQSThat:
    """SQS with one call that goes wrong."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        if name not in self._answers:
            return getattr(aws("sqs"), name)

        def answer(**request: Any) -> Any:
            found = self._answers[name]
            if isinstance(found, Exception):
                raise found
            return found(**request)

        return answer


def test_none_is_none() -> None:
    for letters in (_letters(SQSThat(receive_message=lambda **_: {})), FakeDeadLetters()):
        assert (0, (0, 0)) == (letters.count(), letters.move())


def test_ten_at_a_time_are_moved_as_they_are() -> None:
    _bury(*range(12))
    assert 12 == _letters().count()

    assert (10, 10) == _letters().move()
    assert 2 == _letters().count()
    assert (2, 2) == _letters().move()

    records = [record for _ in range(3) for record in queued()]
    assert [(n, f"app-{n}") for n in range(12)] == sorted(
        (record["Body"]["n"], record["Attributes"]["MessageGroupId"]) for record in records
    )
    fake = FakeDeadLetters(*map(str, range(12)))
    assert [(10, 10), (2, 2), (0, 0)] == [fake.move() for _ in range(3)]


def test_letters_of_two_queues_go_each_to_its_own() -> None:
    _bury(*range(4))

    def queue_of(body: str) -> str:
        return SEND_BULK_QUEUE_URL if '"n": 3' in body else SEND_NOW_QUEUE_URL

    assert (4, 4) == SQSDeadLetters(aws("sqs"), SEND_DEAD_LETTERS_URL, queue_of).move()
    assert ([3], [0, 1, 2], 0) == (
        [record["Body"]["n"] for record in queued(SEND_BULK_QUEUE_URL)],
        sorted(record["Body"]["n"] for record in queued(SEND_NOW_QUEUE_URL)),
        _letters().count(),
    )


def test_a_letter_without_a_group_goes_without_one() -> None:
    aws("sqs").send_message(QueueUrl=SEND_DEAD_LETTERS_URL, MessageBody="{}")

    assert (1, 1) == _letters().move()
    assert ["{}"] == [m["Body"] for m in aws("sqs").receive_message(QueueUrl=SEND_NOW_QUEUE_URL)["Messages"]]


def test_what_the_queue_refuses_stays_a_dead_letter() -> None:
    _bury(0, 1, 2)

    def refuse_the_second(**request: Any) -> Any:
        first, _, third = request["Entries"]
        sent = aws("sqs").send_message_batch(**request | {"Entries": [first, third]})
        return sent | {"Failed": [{"Id": "1", "Code": "InternalError", "SenderFault": False}]}

    assert (3, 2) == _letters(SQSThat(send_message_batch=refuse_the_second)).move()
    assert (1, 2) == (_letters().count(), len(queued()))
    fake = FakeDeadLetters("0", "1", "2", refuses=frozenset({"1"}))
    assert ((3, 2), 1, (0, 0)) == (fake.move(), fake.count(), fake.move())


def test_a_queue_that_refuses_all_loses_none() -> None:
    _bury(0, 1)
    failed = [{"Id": str(n), "Code": "InternalError", "SenderFault": False} for n in range(2)]

    assert (2, 0) == _letters(SQSThat(send_message_batch=lambda **_: {"Failed": failed})).move()
    assert (2, []) == (_letters().count(), queued())


@pytest.mark.parametrize("call", ["send_message_batch", "delete_message_batch"])
def test_who_dies_between_loses_none(call: str) -> None:
    _bury(0)
    with pytest.raises(OSError, match="killed"):
        _letters(SQSThat(**{call: OSError("killed")})).move()

    assert 1 == _letters().count()


def test_a_letter_that_could_not_be_deleted_is_there_twice() -> None:
    _bury(0)
    failed = {"Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": False}]}

    assert (1, 1) == _letters(SQSThat(delete_message_batch=lambda **_: failed)).move()
    assert (1, 1) == (_letters().count(), len(queued()))
