"""How fast a number may send: what leases hold, what a refusal does, and who wins."""

from bisect import bisect_left
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hkreach.domain.pace import HIGH, STANDARD, Pace
from hkreach.domain.time import HOUR, SECOND
from tests.builders import NOW

RATES = st.floats(0.5, 1_000)
ASKS = st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 60)), min_size=1, max_size=60)
"""Each: milliseconds since the one before, and for how many messages. Whose process it is makes no difference."""


def _leases(rate: float, asks: list[tuple[int, int]]) -> list[list[int]]:
    pace, now, leases = Pace(), NOW, []
    for since, count in asks:
        now += since
        pace, times = pace.lease(now, count, rate)
        assert count == len(times)
        assert min(times) >= now, "no time is in the past"
        leases.append(times)
    return leases


@settings(max_examples=300)
@given(RATES, ASKS)
def test_no_second_holds_more_than_the_rate_and_one_message(rate: float, asks: list[tuple[int, int]]) -> None:
    """A window of a second that begins with a message holds it, and as many as the rate has behind it."""
    times = sorted(time for lease in _leases(rate, asks) for time in lease)

    most = max(bisect_left(times, time + SECOND) - place for place, time in enumerate(times))
    assert most <= rate + 1


@given(RATES, ASKS)
def test_no_lease_has_a_time_before_the_lease_before(rate: float, asks: list[tuple[int, int]]) -> None:
    times = [time for lease in _leases(rate, asks) for time in lease]

    assert sorted(times) == times


@given(RATES, ASKS)
def test_slots_never_decrease_and_hold_no_more_than_the_rate(rate: float, asks: list[tuple[int, int]]) -> None:
    pace, now, slots = Pace(), NOW, []
    for since, ahead in asks:
        now += since
        pace, (at,) = pace.book(now + ahead * SECOND, rate)
        assert at >= now + ahead * SECOND
        slots.append(at)

    assert all(after - before >= SECOND / rate for before, after in pairwise(slots))


def test_after_silence_a_batch_goes_at_once_and_the_next_is_spaced() -> None:
    pace, first = Pace().lease(NOW, 10, 100)
    pace, second = pace.lease(NOW, 4, 100)

    assert [NOW] * 10 == first
    assert [NOW + 100, NOW + 110, NOW + 120, NOW + 130] == second
    assert NOW + 140 == pace.live_at


def test_what_would_take_more_than_a_second_is_spaced_from_the_first_on() -> None:
    _, times = Pace().lease(NOW, 3, 1)

    assert [NOW, NOW + 1_000, NOW + 2_000] == times


def test_what_waits_does_not_take_from_what_goes_now() -> None:
    pace, _ = Pace().book(NOW + HOUR, 10)

    assert (0, NOW + HOUR + 100) == (pace.live_at, pace.booked_at)


def test_a_number_sends_nineteen_twentieths_of_what_meta_grants() -> None:
    assert 0.95 * STANDARD == Pace().rate(NOW)
    assert 0.95 * HIGH == Pace(granted=HIGH, granted_at=NOW).rate(NOW)


@pytest.mark.parametrize("granted", [STANDARD, HIGH])
def test_an_apps_own_setting_wins(granted: int) -> None:
    assert 0.95 * 20 == Pace(granted=granted).rate(NOW, 20)


@pytest.mark.parametrize(
    ("since", "part"), [(0, 0.5), (15 * SECOND, 0.7), (30 * SECOND, 0.9), (HOUR // 2 + 30 * SECOND, 0.95)]
)
def test_a_refusal_halves_the_rate_and_it_comes_back(since: int, part: float) -> None:
    pace = Pace().slowed(NOW)

    assert pytest.approx(0.95 * STANDARD * part) == pace.rate(NOW + since)


def test_within_an_hour_and_half_a_minute_all_of_it_is_back() -> None:
    pace = Pace().slowed(NOW)

    assert pace.rate(NOW + HOUR) < 0.95 * STANDARD
    assert [0.95 * STANDARD] * 2 == [pace.rate(NOW + HOUR + since) for since in (30 * SECOND, 5 * HOUR)]


@given(st.lists(st.integers(0, 2 * HOUR), max_size=12), st.one_of(st.none(), st.integers(1, 1_000)))
def test_no_row_of_refusals_stops_a_number_or_lets_it_go_faster(sinces: list[int], most: int | None) -> None:
    pace, now = Pace(), NOW
    for since in sinces:
        now += since
        pace = pace.slowed(now, most)
        assert 0.475 <= pace.rate(now, most) <= 0.95 * (most or STANDARD)
    assert pytest.approx(0.95 * (most or STANDARD)) == pace.rate(now + 2 * HOUR, most)


def test_a_refusal_after_a_raise_halves_what_was_raised() -> None:
    assert pytest.approx(0.95 * HIGH / 2) == Pace(granted=HIGH).slowed(NOW).rate(NOW)


def test_a_lower_setting_holds_while_a_number_recovers() -> None:
    assert 0.95 * 5 == Pace().slowed(NOW).rate(NOW, 5)


def test_refusals_of_one_second_count_once() -> None:
    pace = Pace().slowed(NOW)

    assert pace == pace.slowed(NOW + 999)
    assert pytest.approx(0.95 * 20, rel=0.05) == pace.slowed(NOW + 1_000).rate(NOW + 1_000)


def test_what_was_leased_at_the_old_rate_counts_once() -> None:
    """Senders hold messages for seconds: each of those seconds would halve the rate once more."""
    pace, _ = Pace().lease(NOW, 3 * 76, 76)
    pace = pace.slowed(NOW)

    assert pace == pace.slowed(NOW + 3_999), "the last of them went after three seconds, and Meta takes its time"
    assert pace != pace.slowed(NOW + 4_000)


@pytest.mark.parametrize("limit", [70, 40, 20])
def test_a_number_with_a_backlog_finds_what_meta_takes(limit: int) -> None:
    """Meta's side is a bucket of its own; a call takes 200 ms, and senders lease three seconds ahead."""
    pace, calls, told, sent, left, last = Pace(), list[int](), list[int](), 0, float(limit), NOW
    for now in range(NOW, NOW + 300 * SECOND, 10):  # five minutes, looked at every 10 ms
        while pace.live_at <= now + 3 * SECOND:
            pace, times = pace.lease(now, 10, pace.rate(now))
            calls += times
        while calls and calls[0] <= now:
            at = calls.pop(0)
            left, last = min(limit, left + (at - last) * limit / SECOND), at
            taken = left >= 1
            left, sent = left - taken, sent + taken
            told += [] if taken else [at + 200]
        while told and told[0] <= now:
            pace = pace.slowed(told.pop(0))

    assert sent > 0.55 * limit * 300
