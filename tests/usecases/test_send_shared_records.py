"""send_message, where two senders hold the same record: either may acknowledge it, and either may die."""

from collections.abc import Callable

import pytest

from hkreach.domain.message import Status
from hkreach.domain.meta_outcome import Halted, NotSent, Refused, Uncertain
from hkreach.domain.time import HOUR, MINUTE, SECOND
from hkreach.usecases.wake_due import wake_due
from tests.builders import ERROR, MEDIA, NOW, PDF
from tests.fakes.stores import FakeMediaStore, FakeSendQueue
from tests.usecases.paced_house import PLENTY, TORN, House


@pytest.fixture
def house(paced: House) -> House:
    return paced


def _wakes(house: House, message_id: str) -> bool:
    queue = FakeSendQueue()
    wake_due(messages=house.messages, queue=queue, now=house.clock, time_left=PLENTY)
    return message_id in [message.message_id for message in queue.queued]


def test_a_wait_in_a_queue_whose_record_another_acknowledged_comes_due(house: House) -> None:
    house.busy(booked_at=NOW + HOUR)
    message_id = house.add()
    assert "done" == house.send(message_id), "it waits in the table: the record is deleted"
    house.answers(NotSent("131016"))
    seconds = house.send(message_id, receives=2)

    assert isinstance(seconds, int)
    message = house.message(message_id)
    assert (Status.QUEUED, None, house.clock() + seconds * SECOND) == (
        message.status, message.claim, message.next_try_at,
    )  # fmt: skip
    house.clock.advance(6 * MINUTE)
    assert _wakes(house, message_id)


def test_while_the_queue_has_it_the_table_does_not_wake_it(house: House) -> None:
    house.answers(NotSent("131016"))
    message_id = house.add()
    seconds = house.send(message_id)
    assert isinstance(seconds, int)
    house.clock.advance(seconds * SECOND)

    assert not _wakes(house, message_id)
    assert ("done", 2) == (house.send(message_id, receives=2), len(house.meta.sent))
    house.clock.advance(HOUR)
    assert not _wakes(house, message_id)


def test_an_upload_that_is_tried_again_by_the_queue_comes_due_too(house: House) -> None:
    media = house.step.upload.media
    assert isinstance(media, FakeMediaStore)
    media.files[MEDIA.key] = PDF
    house.meta.upload_answers.append(Uncertain("ReadTimeout"))
    message_id = house.add(media=MEDIA)

    assert isinstance(house.send(message_id), int)
    house.clock.advance(6 * MINUTE)
    assert _wakes(house, message_id)


def test_who_dies_with_a_claim_after_another_acknowledged_the_record_is_found(house: House) -> None:
    house.busy(booked_at=NOW + HOUR)
    message_id = house.add()
    assert "done" == house.send(message_id)
    house.messages.fails("record_accepted", OSError("killed"))
    with pytest.raises(OSError, match="killed"):
        house.send(message_id, receives=2)
    house.clock.advance(HOUR + MINUTE)

    assert _wakes(house, message_id)
    assert ("done", Status.UNKNOWN) == (house.send(message_id), house.message(message_id).status)


def _overtaken(house: House, message_id: str, write: str) -> None:
    """Before this write another sender claims the message."""
    real: Callable[..., object] = getattr(house.messages, write)

    def overtaken(*args: object, **kwargs: object) -> object:
        house.messages.claim(message_id, house.clock(), house.clock() + 25_000)
        return real(*args, **kwargs)

    setattr(house.messages, write, overtaken)


def test_who_finds_it_claimed_when_it_writes_its_wait_keeps_the_record(house: House) -> None:
    house.busy(booked_at=NOW + HOUR)
    message_id = house.add()
    _overtaken(house, message_id, "wait")

    assert 1 == house.send(message_id)


@pytest.mark.parametrize("outcome", [Halted("190"), Refused(ERROR)])
def test_who_finds_it_claimed_after_an_upload_keeps_the_record(house: House, outcome: Halted | Refused) -> None:
    media = house.step.upload.media
    assert isinstance(media, FakeMediaStore)
    media.files[MEDIA.key] = PDF
    house.meta.upload_answers.append(outcome)
    message_id = house.add(media=MEDIA)
    _overtaken(house, message_id, "record_failed" if isinstance(outcome, Refused) else "postpone")

    assert 1 == house.send(message_id)


def test_behind_an_open_breaker_the_wait_in_the_queue_is_written(house: House) -> None:
    house.answers(TORN, TORN)
    house.send()
    house.send()
    message_id = house.add()

    assert 15 == house.send(message_id)
    assert (15 * SECOND, "breaker:unknown") == house.waits(message_id)
    assert not _wakes(house, message_id)


class TestABurstWhoseRecordsComeTwice:
    """100 messages to one customer: 24 go, and the others have places."""

    def test_a_record_before_its_place_waits_for_it(self, house: House) -> None:
        message_ids = [house.add(to="91") for _ in range(100)]
        for message_id in message_ids:
            house.send(message_id, batch=10)
        places = [house.waits(message_id) for message_id in message_ids]
        house.clock.advance(1_000)
        again = [house.send(message_id, batch=10) for message_id in message_ids]

        assert 24 == len(house.meta.sent)
        assert places == [house.waits(message_id) for message_id in message_ids], "each keeps its own"
        # The first that waits is due in 7.5 s, and 8 are within a minute.
        assert [7, 14, 22, 29, 37, 44, 52, 59] == [seconds for seconds in again if isinstance(seconds, int)]

    def test_it_goes_when_its_place_has_come_and_not_twice(self, house: House) -> None:
        message_ids = [house.add(to="91") for _ in range(30)]
        for _ in range(120):
            for message_id in message_ids:
                house.send(message_id, batch=10)
            house.clock.advance(1_000)

        assert sorted(message_ids) == sorted(house.called())

    def test_a_place_that_was_moved_by_its_waking_holds(self, house: House) -> None:
        message_ids = [house.add(to="91") for _ in range(40)]
        for message_id in message_ids:
            house.send(message_id)
        last = message_ids[-1]
        place = house.waits(last)
        house.clock.advance(90 * SECOND)
        assert _wakes(house, last)

        assert place == house.waits(last)
        assert isinstance(house.send(last), int), "its place has not come"
