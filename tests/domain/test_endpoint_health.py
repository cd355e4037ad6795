"""An endpoint's health: its breaker, its patience with the warnings on the way, and who looks after what is held."""

from dataclasses import replace
from itertools import accumulate

import pytest

from hkreach.domain.breaker import OpenTimes
from hkreach.domain.delivery import EndpointKey, Plan
from hkreach.domain.endpoint_health import EndpointHealth, EndpointLimits
from hkreach.domain.time import DAY, HOUR, MINUTE, SECOND
from hkreach.domain.webhook_answer import Answer
from hkreach.domain.webhook_warning import warning_event
from tests.builders import NOW

LIMITS = EndpointLimits()
WELL = EndpointHealth()
REFUSED, SILENT = Answer(500), Answer(None)
SHOP = EndpointKey("mystore", "we_operator")


def _failed(health: EndpointHealth, answer: Answer, *times: int) -> EndpointHealth:
    for at in times:
        health = health.failed(at, answer, LIMITS)
    return health


OPEN = _failed(WELL, SILENT, NOW, NOW)
OPEN_UNTIL = NOW + 30 * SECOND
HELD = OPEN.held(NOW + 1)


def _probing(at: int = OPEN_UNTIL, health: EndpointHealth = HELD) -> EndpointHealth:
    probing, admission = health.admit(at, LIMITS)
    assert "probe" == admission
    return probing


def test_a_healthy_endpoint_gets_everything_and_a_success_has_nothing_to_mend() -> None:
    assert (WELL, "go") == WELL.admit(NOW, LIMITS)
    assert WELL.is_calm
    assert WELL == WELL.succeeded(NOW)


@pytest.mark.parametrize(("answer", "failures"), [(SILENT, 2), (REFUSED, 5)])
def test_it_opens_at_the_second_silence_or_the_fifth_refusal(answer: Answer, failures: int) -> None:
    before = _failed(WELL, answer, *[NOW] * (failures - 1))

    assert "go" == before.admit(NOW, LIMITS)[1]
    assert "breaker" == _failed(before, answer, NOW).admit(OPEN_UNTIL - 1, LIMITS)[1]


def test_a_success_between_begins_anew() -> None:
    assert WELL == _failed(WELL, REFUSED, NOW, NOW, NOW).succeeded(NOW + 1)


def test_one_probe_goes_and_the_others_wait_for_it() -> None:
    probing = _probing()

    assert "breaker" == probing.admit(OPEN_UNTIL, LIMITS)[1]
    assert "probe" == probing.admit(OPEN_UNTIL + LIMITS.probe, LIMITS)[1], "whoever probed died"


def test_each_opening_lasts_twice_as_long_to_half_an_hour() -> None:
    health, lasted = OPEN, []
    for _ in range(8):
        at = health.breaker.open_until
        health = _failed(_probing(at, health), SILENT, at)
        lasted.append((health.breaker.open_until - at) // SECOND)

    assert [60, 120, 240, 480, 960, 1_800, 1_800, 1_800] == lasted


@pytest.mark.parametrize("status", [429, 503])
def test_who_says_how_long_it_wants_nothing_gets_nothing_so_long_to_half_an_hour(status: int) -> None:
    def until(seconds: int) -> int:
        return _failed(WELL, Answer(status, retry_after=seconds * SECOND), NOW).breaker.open_until - NOW

    assert [20 * SECOND, 1_800 * SECOND] == [until(20), until(86_400)]
    assert _failed(WELL, Answer(status), NOW).breaker.is_closed
    assert _failed(WELL, Answer(500, retry_after=20 * SECOND), NOW).breaker.is_closed


def test_what_is_held_is_looked_after_when_the_breaker_may_be_tried() -> None:
    assert (None, OPEN_UNTIL) == (OPEN.wake_at, HELD.wake_at)
    assert HELD == HELD.held(NOW + 2), "a second one changes nothing"
    assert HELD.wants_probe


def test_a_failed_probe_lets_them_wait_and_a_good_one_lets_them_go() -> None:
    failed = _failed(_probing(), SILENT, OPEN_UNTIL + 1)
    good = _probing().succeeded(OPEN_UNTIL + 1)

    assert OPEN_UNTIL + 1 + 60 * SECOND == failed.breaker.open_until == failed.wake_at
    assert WELL.drained(OPEN_UNTIL + 1) == good
    assert not good.wants_probe


def test_a_late_success_of_another_try_does_not_close_it_but_ends_the_failing() -> None:
    late = HELD.succeeded(NOW + 5)

    assert (HELD.breaker, None) == (late.breaker, late.failing_since)


def test_something_held_after_it_closed_is_let_go_too() -> None:
    assert WELL.drained(NOW) == WELL.held(NOW), "by the memory of one who knew it open"


def test_who_finds_nothing_held_twice_stops_looking_unless_somebody_held_something_between() -> None:
    draining = WELL.drained(NOW)
    once = draining.none_found(NOW + MINUTE)
    twice = once.none_found(NOW + 3 * MINUTE)

    assert (NOW + 3 * MINUTE, True) == (once.wake_at, once.ending)
    assert WELL == twice
    assert once.held(NOW + 2 * MINUTE).none_found(NOW + 3 * MINUTE).wake_at == NOW + 5 * MINUTE


def test_a_backlog_goes_on_where_it_was_and_then_from_the_beginning() -> None:
    draining = WELL.drained(NOW)
    some = draining.some_queued(NOW, "d#1")

    assert (NOW + 30_000, "d#1", NOW) == (some.wake_at, some.drained_to, some.drain_began)
    assert some.some_queued(NOW, None).drained_to is None


def test_a_backlog_stops_when_the_breaker_opens_again() -> None:
    again = _failed(WELL.drained(NOW), SILENT, NOW, NOW)

    assert (None, OPEN_UNTIL) == (again.drain_began, again.wake_at)


@pytest.mark.parametrize(("part", "level"), [(0.499, 0), (0.5, 50), (0.699, 50), (0.7, 70), (0.9, 90), (0.999, 90)])
def test_the_levels_are_parts_of_five_days_of_failing(part: float, level: int) -> None:
    failing = _failed(WELL, REFUSED, *range(NOW, NOW + round(5 * DAY * part), HOUR), NOW + round(5 * DAY * part))

    assert (level, None, NOW) == (failing.warned, failing.disabled_at, failing.failing_since)


def test_after_five_days_it_is_disabled_and_stays_so_until_it_is_resumed() -> None:
    disabled = _failed(HELD, REFUSED, *range(NOW, NOW + 5 * DAY + 1, HOUR))
    later = NOW + 9 * DAY

    assert (NOW + 5 * DAY, "failing", 100) == (disabled.disabled_at, disabled.why, disabled.warned)
    assert (disabled, "disabled") == disabled.admit(later, LIMITS)
    assert disabled == disabled.failed(later, REFUSED, LIMITS) == disabled.succeeded(later) == disabled.held(later)
    assert disabled.wake_at is None
    assert WELL.drained(later) == disabled.resumed(later)


def test_410_disables_at_once() -> None:
    gone = WELL.failed(NOW, Answer(410), LIMITS)

    assert (NOW, "410", 100) == (gone.disabled_at, gone.why, gone.warned)


def test_a_fault_of_ours_slows_and_is_not_charged() -> None:
    faulted = WELL.faulted(NOW, LIMITS)

    assert (OPEN_UNTIL, None, 0) == (faulted.breaker.open_until, faulted.failing_since, faulted.warned)
    assert faulted == faulted.faulted(NOW + 1, LIMITS), "what was under way"
    again = _probing(health=faulted.held(NOW)).faulted(OPEN_UNTIL, LIMITS)
    assert OPEN_UNTIL + 60 * SECOND == again.breaker.open_until == again.wake_at
    disabled = WELL.failed(NOW, Answer(410), LIMITS)
    assert disabled == disabled.faulted(NOW, LIMITS)


def test_one_success_in_five_days_is_enough() -> None:
    failing = _failed(WELL, REFUSED, *range(NOW, NOW + 4 * DAY, HOUR)).succeeded(NOW + 4 * DAY)
    again = _failed(failing, REFUSED, *range(NOW + 4 * DAY, NOW + 8 * DAY, HOUR))

    assert (NOW + 4 * DAY, 70) == (again.failing_since, again.warned)


def test_who_was_not_tried_for_long_is_not_said_to_have_failed_all_the_while() -> None:
    idle = _failed(WELL, REFUSED, NOW, NOW + 49 * HOUR)
    longer = _failed(WELL, REFUSED, NOW, NOW + 49 * HOUR + 1)

    assert (NOW, NOW + 49 * HOUR + 1) == (idle.failing_since, longer.failing_since)


def test_who_asks_for_the_longest_waits_has_no_more_patience_for_it() -> None:
    busy, plan = Answer(503, retry_after=99 * DAY), Plan()
    waits = [plan.wait(tries, busy, 0.5) for tries in range(1, plan.most_tries)]
    asking = _failed(WELL, busy, *accumulate(waits, initial=NOW))

    assert (48 * HOUR, NOW, "failing") == (max(waits), asking.failing_since, asking.why)


def test_paused_by_its_app_nobody_looks_after_it() -> None:
    assert (None, None) == (HELD.paused().wake_at, WELL.drained(NOW).paused().drain_began)
    assert HELD.breaker == HELD.paused().breaker


def test_times_can_be_shrunk() -> None:
    limits = EndpointLimits(patience=10 * SECOND, opens=OpenTimes(0.1, 0.2))
    failing = WELL.failed(NOW, REFUSED, limits).failed(NOW + 2 * SECOND, REFUSED, limits)

    assert 50 == failing.failed(NOW + 5 * SECOND, REFUSED, limits).warned


def test_a_warning_says_what_was_reached_and_is_the_same_whoever_makes_it() -> None:
    failing = _failed(WELL, REFUSED, *range(NOW, NOW + 3 * DAY, HOUR))
    warning = warning_event(SHOP, failing, LIMITS.patience)

    assert {
        "id": warning["id"],
        "event": "webhooks.warning",
        "createdAt": "2026-11-24T21:00:00Z",
        "appName": "mystore",
        "data": {
            "endpointId": "we_operator",
            "state": "failing",
            "level": 50,
            "failingSince": "2026-11-22T09:00:00Z",
            "timestamp": "2026-11-24T21:00:00Z",
            "disablesAt": "2026-11-27T09:00:00Z",
        },
    } == warning
    later = _failed(failing, REFUSED, NOW + 3 * DAY)
    assert warning == warning_event(SHOP, later, LIMITS.patience)
    assert warning["id"] != warning_event(SHOP, replace(later, warned=70), LIMITS.patience)["id"]


def test_the_last_warning_says_why_it_is_disabled() -> None:
    gone = warning_event(SHOP, WELL.failed(NOW, Answer(410), LIMITS), LIMITS.patience)

    assert ("disabled", 100, "410", "2026-11-22T09:00:00Z") == (
        gone["data"]["state"], gone["data"]["level"], gone["data"]["reason"], gone["createdAt"],
    )  # fmt: skip
