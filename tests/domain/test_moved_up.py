"""What goes when a stopped number goes on, and when: in line, at its pace, and never later than it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.message import DueMessage, SendPurpose
from hkreach.domain.moved_up import moved_up, what_stopped
from hkreach.domain.number import NumberState
from hkreach.domain.pace import Pace
from hkreach.domain.time import HOUR, SECOND
from tests.builders import NOW


def _due(*since: int, purpose: SendPurpose = "utility") -> list[DueMessage]:
    return [DueMessage(f"{place}{purpose}", "mystore", NOW + at, purpose) for place, at in enumerate(since)]


@pytest.mark.parametrize(
    ("code", "why"),
    [("190", "halted"), ("131048", "halted"), ("80007", "breaker"), ("131016", "breaker"), ("no_connection", "breaker"),
     ("131056", None), ("134101", None), ("131026", None), ("HTTP 502 without a Graph error or an id", None)],
)  # fmt: skip
def test_what_an_attempt_tells_of_the_number(code: str, why: str | None) -> None:
    assert why == what_stopped(code)


def test_they_come_back_in_order_at_the_numbers_pace() -> None:
    state, times = moved_up(NumberState(), NOW, NOW + SECOND, _due(HOUR, HOUR + 1, 2 * HOUR), 1)

    assert [NOW + SECOND, NOW + 2_052, NOW + 3_105] == times
    assert NOW + SECOND + 3_158 == state.pace.booked_at
    assert [NOW + 4_158] == moved_up(state, NOW, NOW + SECOND, _due(HOUR), 1)[1], "the next page stands behind them"


def test_codes_do_not_stand_in_line() -> None:
    waiting = _due(HOUR, HOUR) + _due(HOUR, purpose="authentication")

    assert [NOW, NOW + 1_053, NOW] == moved_up(NumberState(), NOW, NOW, waiting, 1)[1]
    assert (NumberState(), [NOW]) == moved_up(NumberState(), NOW, NOW, waiting[2:], 1), "nor take a place"


def test_who_comes_sooner_by_itself_keeps_its_time() -> None:
    state = NumberState(Pace(booked_at=NOW + HOUR))

    assert (state, [NOW + HOUR, NOW + 7]) == moved_up(state, NOW, NOW, _due(HOUR, 7), None)


@given(st.lists(st.integers(0, 10 * SECOND), max_size=30), st.integers(0, 5 * SECOND), st.integers(1, 80))
def test_none_comes_later_than_it_was_nor_before_it_may(waits: list[int], line: int, rate: int) -> None:
    waiting = _due(*sorted(waits))
    state, times = moved_up(NumberState(Pace(booked_at=NOW + line)), NOW, NOW + SECOND, waiting, rate)

    assert all(at <= message.due_at for at, message in zip(times, waiting, strict=True))
    assert all(at >= NOW + SECOND or at == message.due_at for at, message in zip(times, waiting, strict=True))
    assert state.pace.booked_at >= NOW + line
