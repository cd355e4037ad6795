"""The breaker that all senders share: when it opens, who probes, and what closes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.breaker import Breaker, OpenTimes
from hkreach.domain.time import HOUR, SECOND
from tests.builders import NOW

TIMES = OpenTimes()
PROBE = 25 * SECOND


def _failed(breaker: Breaker, *unknowns: bool, now: int = NOW) -> Breaker:
    for unknown in unknowns:
        breaker = breaker.failed(now, "131016", TIMES, unknown=unknown)
    return breaker


@pytest.mark.parametrize(
    "failures", [[True, True], [False, True, True], [True, False, True], [False] * 5, [False] * 4 + [True]]
)
def test_it_opens_at_two_unknowns_or_five_failures_in_a_row(failures: list[bool]) -> None:
    before, after = _failed(Breaker(), *failures[:-1]), _failed(Breaker(), *failures)

    assert (True, False, False) == (before.is_closed, before.is_calm, before.is_open(NOW))
    assert (False, NOW + 15 * SECOND, "131016", 1) == (after.is_closed, after.open_until, after.code, after.opens)


def test_an_answer_in_between_begins_the_count_anew() -> None:
    assert Breaker() == _failed(Breaker(), True).answered()
    assert _failed(_failed(Breaker(), True).answered(), True).is_closed


def test_a_closed_one_without_failures_is_calm() -> None:
    assert (True, True, False) == (Breaker().is_calm, Breaker().is_closed, Breaker().is_open(NOW))


def test_each_opening_in_a_row_lasts_twice_as_long_up_to_five_minutes() -> None:
    breaker, now, lasted = _failed(Breaker(), True, True), NOW, [15]
    for _ in range(6):
        now = breaker.open_until
        breaker = _failed(breaker.probed(now, PROBE), False, now=now)
        lasted.append((breaker.open_until - now) // SECOND)

    assert [15, 30, 60, 120, 240, 300, 300] == lasted


def test_an_hour_of_openings_does_not_overflow() -> None:
    assert 300 == TIMES.after(10**6)


def test_the_others_wait_for_the_probe_and_not_for_ever() -> None:
    breaker = _failed(Breaker(), True, True)
    now = breaker.open_until

    assert (True, False, False) == (breaker.is_open(now - 1), breaker.is_open(now), breaker.is_closed)
    assert (True, False) == tuple(breaker.probed(now, PROBE).is_open(now + since) for since in (PROBE - 1, PROBE))


def test_the_probes_answer_closes_it_and_no_earlier_one() -> None:
    breaker = _failed(Breaker(), True, True)

    assert breaker == breaker.answered(), "it was called before"
    assert Breaker() == breaker.probed(breaker.open_until, PROBE).answered()


def test_what_fails_while_it_is_open_changes_nothing() -> None:
    breaker = _failed(Breaker(), True, True)

    assert breaker == _failed(breaker, True, True, False, now=NOW + 5)
    assert breaker == _failed(breaker, True, now=breaker.open_until), "nor when it is half open"


@pytest.mark.parametrize(("seconds", "lasts"), [(60, 60 * SECOND), (0.5, 500), (86_400, HOUR)])
def test_what_meta_asks_for_counts_up_to_an_hour(seconds: float, lasts: int) -> None:
    assert NOW + lasts == Breaker().opened(NOW, seconds, "4").open_until


def test_a_shorter_wait_does_not_end_a_longer_one_but_the_probes_does() -> None:
    halted = Breaker().opened(NOW, 300, "190", "token")

    assert halted.open_until == halted.opened(NOW, 60, "80007").open_until
    assert NOW + 60_000 == halted.probed(NOW, 300_000).opened(NOW, 60, "80007").open_until


def test_refusals_of_one_batch_are_one_opening() -> None:
    breaker = Breaker()
    for _ in range(10):
        breaker = breaker.opened(NOW, 60, "4")
    again = _failed(breaker.probed(breaker.open_until, PROBE), False, now=breaker.open_until)

    assert breaker.open_until + 30 * SECOND == again.open_until


class World:
    """Any order of events; the probe may be lost."""

    def __init__(self) -> None:
        self.breaker, self.now = Breaker(), NOW

    def do(self, event: str, since: int) -> None:
        self.now += since
        if event == "ask" and not self.breaker.is_closed and not self.breaker.is_open(self.now):
            self.breaker = self.breaker.probed(self.now, PROBE)
        elif event == "answer":
            self.breaker = self.breaker.answered()
        elif event == "throttle":
            self.breaker = self.breaker.opened(self.now, 86_400, "4")
        elif event != "ask":
            self.breaker = self.breaker.failed(self.now, "unknown", TIMES, unknown=event == "unknown")


@given(
    st.lists(
        st.tuples(st.sampled_from(["ask", "answer", "failure", "unknown", "throttle"]), st.integers(0, 400 * SECOND))
    )
)
def test_whatever_happened_an_hour_later_a_probe_closes_it(events: list[tuple[str, int]]) -> None:
    world = World()
    for event, since in events:
        world.do(event, since)
        assert world.breaker.open_until <= world.now + HOUR
    world.do("ask", HOUR)
    world.do("answer", 200)

    assert Breaker() == world.breaker
