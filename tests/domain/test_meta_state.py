"""What the senders of all numbers share: when a number's trouble is everybody's, and who probes then."""

import pytest

from hkreach.domain.breaker import Breaker
from hkreach.domain.meta_outcome import Halted, NotSent, Outcome, Uncertain
from hkreach.domain.number import MetaState
from hkreach.domain.time import HOUR, MINUTE, SECOND
from tests.builders import LIMITS, NOW, NUMBER, OTHER_NUMBER

OVERLOADED = NotSent("131016")


def _opened(*numbers: tuple[str, int], outcome: Outcome = OVERLOADED) -> MetaState:
    state = MetaState()
    for number, now in numbers:
        state = state.after(outcome, number, now, LIMITS, opened=True)
    return state


def test_one_number_does_not_stop_the_others_and_two_within_a_minute_do() -> None:
    assert _opened((NUMBER, NOW), (NUMBER, NOW + 1)).breaker.is_closed
    assert _opened((NUMBER, NOW), (OTHER_NUMBER, NOW + MINUTE)).breaker.is_closed
    state = _opened((NUMBER, NOW), (OTHER_NUMBER, NOW + MINUTE - 1))

    assert (NOW + MINUTE - 1 + 15 * SECOND, "131016") == (state.breaker.open_until, state.breaker.code)


def test_a_third_number_changes_nothing_while_it_is_open() -> None:
    two = _opened((NUMBER, NOW), (OTHER_NUMBER, NOW))
    three = two.after(Uncertain("torn"), "third", NOW + 1, LIMITS, opened=True)

    assert two.breaker == three.breaker


@pytest.mark.parametrize("outcome", [Halted("190"), NotSent("80007"), NotSent("130429")])
def test_a_numbers_own_trouble_is_not_everybodys(outcome: Outcome) -> None:
    assert MetaState() == _opened((NUMBER, NOW), (OTHER_NUMBER, NOW), outcome=outcome)


def test_failures_that_open_no_numbers_breaker_are_not_counted() -> None:
    assert MetaState() == MetaState().after(Uncertain("torn"), NUMBER, NOW, LIMITS, opened=False)


def test_the_apps_own_limit_stops_everybody_at_once() -> None:
    state = MetaState().after(NotSent("4", 120), NUMBER, NOW, LIMITS, opened=False)

    assert (NOW + 120 * SECOND, "4") == (state.breaker.open_until, state.breaker.code)


@pytest.mark.parametrize("code", ["2", "131016", "133004"])
def test_whoever_meta_asks_to_wait_asks_it_for_everybody(code: str) -> None:
    state = MetaState().after(NotSent(code, 600), NUMBER, NOW, LIMITS, opened=False)

    assert (NOW + 600 * SECOND, code) == (state.breaker.open_until, state.breaker.code)
    day = MetaState().after(NotSent(code, 86_400), NUMBER, NOW, LIMITS, opened=False)
    assert NOW + HOUR == day.breaker.open_until


@pytest.mark.parametrize(("retry_after", "seconds"), [(None, 30), (1, 30), (90, 90)])
def test_a_probe_that_fails_stops_all_as_long_as_meta_asks_and_never_shorter_than_without(
    retry_after: int | None, seconds: int
) -> None:
    state = _opened((NUMBER, NOW), (OTHER_NUMBER, NOW))
    now = state.breaker.open_until
    probing, _ = state.probed(now, LIMITS)

    failed = probing.after(NotSent("131016", retry_after), NUMBER, now, LIMITS, opened=False)
    assert now + seconds * SECOND == failed.breaker.open_until


def test_one_probes() -> None:
    state = _opened((NUMBER, NOW), (OTHER_NUMBER, NOW))
    now = state.breaker.open_until

    assert (MetaState(), False) == MetaState().probed(now, LIMITS)
    assert (state, False) == state.probed(now - 1, LIMITS)
    probing, probes = state.probed(now, LIMITS)
    assert (True, False) == (probes, probing.probed(now + 1, LIMITS)[1])
    assert Breaker() == probing.after(Halted("190"), NUMBER, now, LIMITS, opened=True).breaker, "Meta answered"
    failed = probing.after(Uncertain("torn"), NUMBER, now, LIMITS, opened=False)
    assert now + 30 * SECOND == failed.breaker.open_until
