"""send_message under pace: what goes, what waits, where, until when, and what is told of it."""

from typing import Any

import pytest

from hkreach.domain.message import Status
from hkreach.domain.meta_outcome import Outcome
from hkreach.domain.time import HOUR, SECOND, to_rfc3339
from hkreach.usecases.read_message import timeline
from tests.builders import MEDIA, NOW, PDF
from tests.fakes.stores import FakeMediaStore
from tests.usecases.paced_house import TORN, House


@pytest.fixture
def house(paced: House) -> House:
    return paced


def test_a_place_within_patience_is_waited_for_in_the_sender(house: House) -> None:
    house.busy(live_at=NOW + 2_500)

    assert ("done", [2.5]) == (house.send(), house.pauses)
    assert 1 == len(house.meta.sent)


def test_a_place_within_a_minute_is_waited_for_in_the_queue(house: House) -> None:
    house.busy(live_at=NOW + 3_001, booked_at=NOW + 30_000)
    message_id = house.add()

    assert 30 == house.send(message_id)
    assert ([], [], (None, None)) == (house.pauses, house.meta.sent, house.waits(message_id))
    house.clock.advance(30 * SECOND)
    assert "done" == house.send(message_id, receives=2)


def test_a_later_place_is_waited_for_in_the_table(house: House) -> None:
    house.busy(booked_at=NOW + HOUR)
    message_id = house.add()

    assert "done" == house.send(message_id)
    assert (HOUR, "number_rate") == house.waits(message_id)
    assert {
        "reason": "The app's number has as many messages to send as Meta takes from it in this time.",
        "nextTryAt": to_rfc3339(NOW + HOUR),
    } == timeline(house.message(message_id))["waiting"]
    assert "done" == house.send(message_id)
    assert [message_id] == house.called(), "it has waited"


def test_a_record_that_the_queue_gave_often_waits_in_the_table(house: House) -> None:
    house.busy(live_at=NOW + 10_000)
    message_id = house.add()

    assert isinstance(house.send(message_id, receives=9), int)
    assert "done" == house.send(message_id, receives=10)
    assert "number_rate" == house.waits(message_id)[1]


@pytest.mark.parametrize("parts", [{"tries": 1}, {"waits_for": "number_rate"}])
def test_what_has_waited_leases_a_time_of_its_own(house: House, parts: dict[str, Any]) -> None:
    house.busy(booked_at=NOW + HOUR)

    assert "done" == house.send(**parts)
    assert 1 == len(house.meta.sent)


def test_a_code_goes_before_what_waits(house: House) -> None:
    house.busy(live_at=NOW + 6_000, booked_at=NOW + HOUR)

    assert ("done", [6]) == (house.send(purpose="authentication"), house.pauses)


def test_no_wait_goes_past_the_deadline_and_there_it_fails(house: House) -> None:
    house.busy(booked_at=NOW + HOUR)
    message_id = house.add(deadline=NOW + 70_500)
    house.send(message_id)

    assert (70_500, "number_rate") == house.waits(message_id)
    house.clock.advance(70_500)
    house.send(message_id)
    assert (Status.FAILED, []) == (house.message(message_id).status, house.meta.sent)


def test_a_deadline_that_comes_while_the_sender_waits_holds(house: House) -> None:
    house.busy(live_at=NOW + 2_500)
    message_id = house.add(deadline=NOW + 2_000)
    house.send(message_id)

    assert (Status.FAILED, []) == (house.message(message_id).status, house.meta.sent)


def test_without_time_for_pause_and_call_it_comes_back(house: House) -> None:
    house.busy(live_at=NOW + 2_000)

    assert 1 == house.step(house.add(), lambda: 26_999)
    assert "done" == house.step(house.add(), lambda: 27_100)


def test_who_has_no_time_for_a_call_does_not_become_the_probe(house: House) -> None:
    house.answers(TORN, TORN)
    house.send()
    house.send()
    house.clock.advance(15 * SECOND)

    assert 1 == house.step(house.add(), lambda: 24_999)
    assert ("done", 3) == (house.send(), len(house.meta.sent))


def _slow_upload(house: House, seconds: int) -> None:
    media = house.step.upload.media
    assert isinstance(media, FakeMediaStore)
    media.files[MEDIA.key] = PDF
    upload = house.meta.upload

    def slow(*args: Any) -> Outcome:
        house.clock.advance(seconds * SECOND)
        return upload(*args)

    house.meta.upload = slow  # type: ignore[method-assign]


def test_a_deadline_that_comes_during_the_upload_holds(house: House) -> None:
    _slow_upload(house, 30)
    message_id = house.add(deadline=NOW + 30 * SECOND, media=MEDIA)

    assert "done" == house.send(message_id)
    error = house.message(message_id).error
    assert error is not None
    assert (Status.FAILED, "expired", []) == (house.message(message_id).status, error.code, house.meta.sent)


def test_a_deadline_that_comes_just_before_the_claim_holds(house: House) -> None:
    message_id = house.add(deadline=NOW + SECOND)
    claim = house.messages.claim

    def late(*_: Any) -> object:
        house.clock.advance(SECOND)
        return claim(message_id, house.clock(), house.clock() + 25_000)

    house.messages.claim = late  # type: ignore[method-assign, assignment]

    assert (1, []) == (house.send(message_id), house.meta.sent)
    assert ("done", Status.FAILED) == (house.send(message_id), house.message(message_id).status)


def test_without_time_for_the_upload_it_comes_back(house: House) -> None:
    _slow_upload(house, 1)
    message_id = house.add(media=MEDIA)

    assert 1 == house.step(message_id, lambda: 34_999)
    assert ([], {}) == (house.meta.uploads, house.numbers.states)
    assert "done" == house.step(message_id, lambda: 35_000)
    assert 1 == house.step(house.add(media=MEDIA), lambda: 24_999)
    assert "done" == house.step(house.add(media=MEDIA), lambda: 25_000), "Meta has the file"


@pytest.mark.parametrize(("left", "asked"), [(25_000, 1), (24_999, 0)])
def test_what_meta_grants_is_asked_for_if_there_is_time_for_another_call(house: House, left: int, asked: int) -> None:
    house.busy(live_at=NOW + 2_000)
    lefts = iter((60_000, 60_000, 60_000, 60_000, left))

    assert "done" == house.step(house.add(), lambda: next(lefts))
    assert (1, asked) == (len(house.meta.sent), len(house.meta.asked))
