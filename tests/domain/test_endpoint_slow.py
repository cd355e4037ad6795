"""An endpoint that is slow: when that begins, when it ends, and how few writes it takes."""

from hkreach.domain.endpoint_health import QUICK_TO_END, EndpointHealth, EndpointLimits
from hkreach.domain.time import MINUTE, SECOND
from hkreach.domain.webhook_answer import Answer
from tests.builders import NOW

LIMITS = EndpointLimits()
WELL = EndpointHealth()
SLOW = WELL.timed(NOW, LIMITS.slow_after, LIMITS)
HALF_OVER = NOW + LIMITS.slow_for // 2


def test_a_post_of_three_seconds_makes_it_slow_for_five_minutes() -> None:
    assert WELL == WELL.timed(NOW, 3 * SECOND - 1, LIMITS)
    assert (True, False) == (SLOW.is_slow(NOW + 5 * MINUTE - 1), SLOW.is_slow(NOW + 5 * MINUTE))


def test_one_that_is_not_answered_in_a_second_makes_it_so_until_it_may_be_known() -> None:
    suspected = WELL.suspected(NOW, LIMITS)

    assert NOW + LIMITS.probe == suspected.slow_until
    assert suspected == suspected.suspected(NOW + 1, LIMITS), "the others that wait write nothing"
    assert SLOW == SLOW.suspected(NOW, LIMITS)
    assert NOW + 9 * SECOND + LIMITS.slow_for == suspected.timed(NOW + 9 * SECOND, 9 * SECOND, LIMITS).slow_until
    assert suspected == suspected.timed(NOW + SECOND, 2 * SECOND, LIMITS), "neither quick nor slow: the time ends it"


def test_in_the_first_half_of_its_time_nothing_changes() -> None:
    for took in (0, 9 * SECOND):
        assert SLOW == SLOW.timed(HALF_OVER - 1, took, LIMITS)


def test_who_is_still_slow_when_it_is_half_over_stays_so() -> None:
    assert HALF_OVER + LIMITS.slow_for == SLOW.timed(HALF_OVER, 3 * SECOND, LIMITS).slow_until


def test_quick_answers_end_it_and_a_slow_one_between_begins_anew() -> None:
    quick = SLOW
    for _ in range(QUICK_TO_END - 1):
        quick = quick.timed(HALF_OVER, 100, LIMITS)

    assert quick.is_slow(HALF_OVER)
    assert WELL == quick.timed(HALF_OVER, 100, LIMITS)
    assert 0 == quick.timed(HALF_OVER, 9 * SECOND, LIMITS).quick


def test_after_its_time_it_begins_anew() -> None:
    over = NOW + LIMITS.slow_for

    assert SLOW == SLOW.timed(over, 100, LIMITS)
    assert over + LIMITS.slow_for == SLOW.timed(over, 9 * SECOND, LIMITS).slow_until


def test_what_would_be_held_is_held_and_not_put_on_the_slow_lane() -> None:
    now = NOW + 1
    silent = SLOW.failed(now, Answer(None), LIMITS).failed(now, Answer(None), LIMITS)

    assert (True, False, False) == (
        SLOW.goes_slowly(now), silent.goes_slowly(now), SLOW.failed(now, Answer(410), LIMITS).goes_slowly(now),
    )  # fmt: skip
    assert silent.goes_slowly(now + 30 * SECOND), "the probe must not hold up anybody either"


def test_to_be_slow_is_not_to_fail() -> None:
    assert SLOW.is_calm
    assert SLOW == SLOW.succeeded(NOW + 1)
    assert (NOW, "go") == (SLOW.failed(NOW, Answer(500), LIMITS).failing_since, SLOW.admit(NOW, LIMITS)[1])
