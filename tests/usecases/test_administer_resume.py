"""administer, on what waits for a number that was stopped: made due at the number's pace; repeated and late as well."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from hkreach.domain.errors import Conflict
from hkreach.domain.meta_outcome import Halted, NotSent
from hkreach.domain.time import HOUR, MINUTE, SECOND
from hkreach.usecases.administer import NewMetaAccount
from hkreach.usecases.read_message import timeline
from hkreach.usecases.wake_due import wake_due
from tests.builders import NOW, NUMBER, OTHER_NUMBER
from tests.fakes.stores import FakeSendQueue
from tests.usecases.paced_house import PLENTY, TORN, House

TOKEN = NewMetaAccount(NUMBER, "1", "EAAanother")


@pytest.fixture
def house(paced: House) -> House:
    return paced


def _stopped(house: House, *outcomes: Any, messages: int = 3, **parts: Any) -> list[str]:
    """Of the messages as many were tried as there are outcomes; they stopped the number."""
    house.answers(*outcomes)
    ids = [house.add(**parts) for _ in range(messages)]
    for message_id in ids:
        house.send(message_id, receives=10)
    return ids


def _woken(house: House) -> list[str]:
    """What `wake_due` queues now, and would send."""
    queue = FakeSendQueue()
    wake_due(messages=house.messages, queue=queue, now=house.clock, time_left=PLENTY)
    return [message.message_id for message in queue.queued]


@pytest.mark.parametrize("code", ["190", "131048"])
def test_what_waits_for_a_halted_account_goes_within_the_minute(house: House, code: str) -> None:
    ids = _stopped(house, Halted(code))
    house.clock.advance(MINUTE)
    assert [] == _woken(house)
    shown = house.administer.resume_number("mystore")

    assert {"resumed": 3, "more": False, "next": None} == {name: shown[name] for name in ("resumed", "more", "next")}
    assert ids == sorted(_woken(house))
    assert ["done"] * 3 == [house.send(message_id) for message_id in ids]
    assert [ids[0], *ids] == house.called()


def test_it_comes_back_in_line_at_the_numbers_pace_and_says_so(house: House) -> None:
    house.apps.apps["mystore"] = replace(house.apps.apps["mystore"], messages_per_second=1)
    ids = _stopped(house, Halted("131048"), messages=200)[1:]
    house.administer.resume_number("mystore")
    waits = [house.waits(message_id)[0] or 0 for message_id in ids]

    assert (sorted(waits), True) == (waits, 198 * 1_052 <= waits[-1] - waits[0] <= 199 * 1_053)
    assert "as many messages to send" in timeline(house.message(ids[-1]))["waiting"]["reason"]
    new = house.add()
    house.send(new)
    assert "number_rate" == house.waits(new)[1], "who comes new stands behind them"


def test_a_code_does_not_stand_in_line(house: House) -> None:
    _stopped(house, Halted("131048"), messages=300)
    code = house.add(purpose="authentication", deadline=NOW + 10 * MINUTE)
    house.send(code)
    house.administer.resume_number("mystore")

    assert (0, "number_rate") == house.waits(code)


def test_a_new_token_lets_them_go_when_every_process_knows_it(house: House) -> None:
    ids = _stopped(house, Halted("190"))
    shown = house.administer.set_meta_account("mystore", TOKEN)

    assert (3, False) == (shown["resumed"], shown["more"])
    assert [MINUTE + SECOND <= (house.waits(message_id)[0] or 0) < MINUTE + 2 * SECOND for message_id in ids] == [
        True
    ] * 3
    assert house.numbers.states[f"number#{NUMBER}"].breaker.account, "who has the token of before still waits"
    house.clock.advance(MINUTE + SECOND)
    assert ["done"] * 3 == [house.send(message_id) for message_id in _woken(house)]
    assert 4 == len(house.meta.sent)


def test_a_new_token_mends_no_breaker_and_another_number_nothing(house: House) -> None:
    waiting = _stopped(house, NotSent("80007", 600))
    before = [house.message(message_id) for message_id in waiting]

    assert 0 == house.administer.set_meta_account("mystore", TOKEN)["resumed"]
    assert "resumed" not in house.administer.set_meta_account("mystore", NewMetaAccount("999", "1", "EAA"))
    assert before == [house.message(message_id) for message_id in waiting]


@pytest.mark.parametrize("outcome", [NotSent("80007", 600), NotSent("130429", 600)])
def test_the_operator_resumes_what_a_breaker_stopped(house: House, outcome: NotSent) -> None:
    ids = _stopped(house, outcome)

    assert 3 == house.administer.resume_number("mystore")["resumed"]
    assert ids == sorted(_woken(house))


def test_while_meta_as_a_whole_is_stopped_they_go_when_that_is_over(house: House) -> None:
    ids = _stopped(house, NotSent("131016", 600))
    house.administer.resume_number("mystore")

    assert all((house.waits(message_id)[0] or 0) >= 600 * SECOND for message_id in ids)


def test_another_apps_messages_unknown_ones_and_other_waits_are_left(house: House) -> None:
    other = _stopped(house, Halted("190"), app_name="other", phone_number_id=OTHER_NUMBER)
    unknown, pair = house.add(), house.add()
    house.answers(TORN)
    house.send(unknown)
    house.messages.wait(house.message(pair), NOW + HOUR, "pair_rate")
    house.answers(NotSent("134101"))
    syncing = house.add()
    house.send(syncing)
    before = [house.message(message_id) for message_id in (*other, unknown, pair, syncing)]

    assert 0 == house.administer.resume_number("mystore")["resumed"]
    assert before == [house.message(message_id) for message_id in (*other, unknown, pair, syncing)]


def test_it_stops_in_time_and_goes_on_where_it_was(house: House) -> None:
    _stopped(house, Halted("131048"), messages=9)
    resumed, after = 0, None
    for _ in range(20):
        answer = house.administer.resume_number("mystore", after, _times(*[50_000] * 3, 0))
        resumed, after = resumed + answer["resumed"], answer["next"]
        if not answer["more"]:
            break

    assert 9 == resumed
    assert 9 == len(_woken(house))


def _times(*milliseconds: int) -> Callable[[], int]:
    given: Iterator[int] = iter(milliseconds)
    return lambda: next(given, milliseconds[-1])


def test_repeated_it_changes_nothing(house: House) -> None:
    ids = _stopped(house, Halted("131048"))
    house.administer.resume_number("mystore")
    before = [house.message(message_id) for message_id in ids]
    house.numbers.writes.clear()

    assert 0 == house.administer.resume_number("mystore")["resumed"]
    assert ([], before) == (house.numbers.writes, [house.message(message_id) for message_id in ids])


def test_a_number_that_was_refused_again_stays_so_on_the_next_page(house: House) -> None:
    _stopped(house, Halted("131048"))
    house.administer.resume_number("mystore", "0")

    assert house.numbers.states[f"number#{NUMBER}"].breaker.is_held


def test_a_crowd_of_writers_is_told(house: House) -> None:
    _stopped(house, Halted("190"))
    for _ in range(2):
        house.numbers.contended = 1
        with pytest.raises(Conflict, match="make the same call again"):
            house.administer.resume_number("mystore")
    house.numbers.contended = 1
    with pytest.raises(Conflict, match="make the same call again"):
        house.administer.set_meta_account("mystore", TOKEN)
    assert 3 == house.administer.resume_number("mystore")["resumed"]
