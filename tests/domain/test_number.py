"""What the senders of a number share: who goes, who waits until when and for what, and what an outcome teaches."""

from dataclasses import replace
from typing import Any

import pytest

from hkreach.domain.breaker import Breaker
from hkreach.domain.meta_outcome import Accepted, Halted, NotSent, Outcome, Refused, Uncertain
from hkreach.domain.number import Go, Later, NumberState, Request
from hkreach.domain.pace import Pace
from hkreach.domain.time import HOUR, SECOND
from tests.builders import ERROR, LIMITS, NOW

CLOSED = Breaker()
PATIENCE = LIMITS.patience
SLOT = 14
"""Milliseconds of one message at the standard rate."""


def _request(now: int = NOW, count: int = 1, account: str = "token", **parts: Any) -> Request:
    return Request(now, count, account, **parts)


def _admit(
    state: NumberState, asked: Request, meta: Breaker = CLOSED, probes: bool = False
) -> tuple[NumberState, Go | Later]:
    return state.admit(asked, LIMITS, meta, probes=probes)


def _after(state: NumberState, *outcomes: Outcome, now: int = NOW, **parts: Any) -> NumberState:
    for outcome in outcomes:
        state, _ = state.after(outcome, _request(now, **parts), LIMITS)
    return state


def _busy(live: int = 0, booked: int = 0) -> NumberState:
    return NumberState(Pace(live_at=NOW + live, booked_at=NOW + booked))


TORN = Uncertain("torn")
OPEN = _after(NumberState(), TORN, TORN)
HALF_OPEN = OPEN.breaker.open_until
HALTED = _after(NumberState(), Halted("190"))


def test_a_batch_goes_at_once_on_an_idle_number() -> None:
    state, turn = _admit(NumberState(), _request(count=3))

    assert Go([NOW] * 3) == turn
    assert NOW + 40 == state.pace.live_at


def test_a_place_at_the_end_of_patience_is_taken_and_one_behind_it_is_not() -> None:
    assert Go([NOW + PATIENCE], asks=True) == _admit(_busy(live=PATIENCE), _request())[1]
    state, turn = _admit(_busy(live=PATIENCE + 1), _request())

    assert Later(NOW + SECOND, "number_rate") == turn
    assert (NOW + PATIENCE + 1, NOW + SECOND + SLOT) == (state.pace.live_at, state.pace.booked_at)


def test_no_lease_reaches_behind_patience() -> None:
    """A batch of fifty on a number of one a second would hold its sender for fifty seconds."""
    state, turn = _admit(NumberState(), _request(count=50, messages_per_second=1.0))

    assert Go([NOW, NOW + 1_052, NOW + 2_105]) == turn
    assert NOW + 3_158 == state.pace.live_at, "and takes nothing that it cannot use"
    assert 6 == len(_times(_admit(NumberState(), _request(count=50, messages_per_second=1.0, urgent=True))[1]))


def _times(turn: Go | Later) -> list[int]:
    assert isinstance(turn, Go)
    return turn.times


def test_who_comes_new_stands_behind_those_who_wait() -> None:
    state, turn = _admit(_busy(booked=PATIENCE + 1), _request())

    assert (Later(NOW + PATIENCE + 1, "number_rate"), 0) == (turn, state.pace.live_at - NOW)


@pytest.mark.parametrize("parts", [{"waited": True}, {"urgent": True}])
def test_who_has_waited_and_who_is_urgent_does_not(parts: dict[str, Any]) -> None:
    assert Go([NOW]) == _admit(_busy(booked=HOUR), _request(**parts))[1]


def test_an_urgent_one_waits_twice_as_long_and_never_in_the_line() -> None:
    assert Go([NOW + 2 * PATIENCE], asks=True) == _admit(_busy(live=2 * PATIENCE), _request(urgent=True))[1]
    busy = _busy(live=2 * PATIENCE + 1, booked=HOUR)
    state, turn = _admit(busy, _request(urgent=True))

    assert isinstance(turn, Later)
    assert busy == state
    assert NOW + SECOND <= turn.at < NOW + 6 * SECOND


def test_meta_is_asked_what_it_grants_once_an_hour_and_when_messages_have_to_wait() -> None:
    assert Go([NOW + SECOND]) == _admit(_busy(live=SECOND), _request())[1], "a second is no wait"
    state, turn = _admit(_busy(live=SECOND + 1), _request())
    later = replace(state, pace=replace(state.pace, live_at=NOW + HOUR + 3 * SECOND))

    assert Go([NOW + SECOND + 1], asks=True) == turn
    assert [False, True] == [_asks(later, NOW + HOUR + since) for since in (0, 1)]
    assert Go([NOW + SECOND + 1]) == _admit(_busy(live=SECOND + 1), _request(messages_per_second=50.0))[1]


def _asks(state: NumberState, now: int) -> bool:
    _, turn = _admit(state, _request(now))
    assert isinstance(turn, Go)
    return turn.asks


def test_what_meta_grants_is_used() -> None:
    _, turn = _admit(NumberState().granted(1_000), _request(count=900))

    assert Go([NOW] * 900) == turn


def test_an_open_breaker_gives_places_from_its_end_on() -> None:
    state, first = _admit(OPEN, _request(NOW + 1))
    _, second = _admit(state, _request(NOW + 2, waited=True))

    assert [Later(HALF_OPEN, "breaker:unknown"), Later(HALF_OPEN + SLOT, "breaker:unknown")] == [first, second]


def test_half_open_one_goes_and_the_others_wait_for_it() -> None:
    state, probe = _admit(OPEN, _request(HALF_OPEN, count=10))
    _, other = _admit(state, _request(HALF_OPEN))

    assert (Go([HALF_OPEN]), Later(HALF_OPEN + LIMITS.probe, "breaker:unknown")) == (probe, other)
    assert NumberState() == _after(state, Accepted("wamid"), now=HALF_OPEN + 200)


def test_a_probe_that_was_never_heard_of_is_followed_by_another() -> None:
    state, _ = _admit(OPEN, _request(HALF_OPEN))

    assert Go([HALF_OPEN + LIMITS.probe]) == _admit(state, _request(HALF_OPEN + LIMITS.probe))[1]


@pytest.mark.parametrize("outcome", [Accepted("wamid"), Refused(ERROR), NotSent("130429"), NotSent("131056")])
def test_whatever_meta_answers_closes_it(outcome: Outcome) -> None:
    probing, _ = _admit(OPEN, _request(HALF_OPEN))

    assert CLOSED == _after(probing, outcome).breaker


@pytest.mark.parametrize("outcome", [Uncertain("torn"), NotSent("131016"), NotSent("no_connection")])
def test_a_probe_that_fails_opens_it_for_twice_as_long(outcome: Outcome) -> None:
    probing, _ = _admit(OPEN, _request(HALF_OPEN))

    assert HALF_OPEN + 30 * SECOND == _after(probing, outcome, now=HALF_OPEN).breaker.open_until


def test_a_halted_account_waits_and_another_token_does_not() -> None:
    assert (NOW + 300 * SECOND, "190", "token") == (
        HALTED.breaker.open_until, HALTED.breaker.code, HALTED.breaker.account
    )  # fmt: skip
    assert "halted:190" == _why(_admit(HALTED, _request())[1])
    state, turn = _admit(HALTED, _request(account="another", count=5))

    assert (Go([NOW] * 5), CLOSED) == (turn, state.breaker)


def _why(turn: Go | Later) -> str:
    assert isinstance(turn, Later)
    return turn.why


def test_nobody_stands_behind_those_who_waited_for_the_token_before() -> None:
    waiting, _ = _admit(_after(NumberState(), Halted("190")), _request())

    assert Go([NOW]) == _admit(waiting, _request(account="another"))[1]
    assert Go([NOW]) == _admit(waiting.resumed(), _request())[1]


@pytest.mark.parametrize("code", ["0", "368", "131048", "133016"])
def test_what_only_a_human_may_ask_again_is_never_probed(code: str) -> None:
    """Each message looks again in an hour, in case nobody makes it due; it takes no place and costs no write."""
    state, at = NumberState().after(Halted(code), _request(), LIMITS)
    month = NOW + 720 * HOUR

    assert NOW + HOUR == at
    assert (state, Later(month + HOUR, f"halted:{code}", (month + HOUR,))) == _admit(state, _request(month, at_hand=2))
    assert Later(month + HOUR, f"halted:{code}", ()) == _admit(state, _request(month, urgent=True))[1]
    assert state.refuses(_request(month))
    assert Go([month]) == _admit(state, _request(month, account="another"))[1]
    assert Go([month]) == _admit(state.resumed(), _request(month))[1]


@pytest.mark.parametrize("outcome", [Halted("190"), NotSent("80007"), NotSent("130429", 90), TORN, Accepted("wamid")])
def test_no_late_answer_lets_it_be_probed(outcome: Outcome) -> None:
    state = _after(NumberState(), Halted("131048"))

    assert state.breaker == _after(state, outcome).breaker


def test_metas_probe_is_not_made_by_a_number_that_must_not_ask() -> None:
    state = _after(NumberState(), Halted("131048"))

    assert "halted:131048" == _why(_admit(state, _request(), probes=True)[1])


def test_another_token_does_not_close_what_no_token_opened() -> None:
    assert "breaker:unknown" == _why(_admit(OPEN, _request(account="another"))[1])


def test_metas_breaker_stops_every_number_and_its_probe_goes_first() -> None:
    meta = Breaker(open_until=NOW + 15_000, code="2", opens=1)

    assert Later(NOW + 15_000, "breaker:2") == _admit(NumberState(), _request(), meta)[1]
    assert HALF_OPEN + 9 == _at(_admit(OPEN, _request(), replace(meta, open_until=HALF_OPEN + 9))[1])
    assert HALF_OPEN == _at(_admit(OPEN, _request(), replace(meta, open_until=NOW + 1))[1]), "the later of the two"
    assert Go([NOW]) == _admit(NumberState(), _request(), meta, probes=True)[1]


def _at(turn: Go | Later) -> int:
    assert isinstance(turn, Later)
    return turn.at


def test_metas_probe_goes_whatever_waits() -> None:
    """Were it given a place in the line, nobody else would probe for as long as a probe may take."""
    meta = Breaker(open_until=NOW + LIMITS.probe, probing=True, opens=1)

    assert Go([NOW]) == _admit(_busy(live=HOUR, booked=HOUR), _request(count=10), meta, probes=True)[1]


def test_too_fast_means_half_the_rate_and_a_place_in_the_line() -> None:
    state, at = NumberState().after(NotSent("130429"), _request(), LIMITS)

    assert (38.0, NOW + SECOND, CLOSED) == (state.pace.rate(NOW), at, state.breaker)


@pytest.mark.parametrize(("retry_after", "seconds"), [(30, 30), (86_400, 3_600)])
def test_too_fast_for_a_while_means_half_the_rate_and_nobody_goes_so_long(retry_after: int, seconds: int) -> None:
    """What Meta asks of one message it asks of the number: the next would be refused as well."""
    state, at = NumberState().after(NotSent("130429", retry_after), _request(), LIMITS)

    assert (38.0, (NOW + seconds * SECOND,) * 2) == (state.pace.rate(NOW), (at, state.breaker.open_until))
    assert "breaker:130429" == _why(_admit(state, _request())[1])
    assert Go([NOW + seconds * SECOND]) == _admit(state, _request(NOW + seconds * SECOND))[1]


def test_a_late_throttle_does_not_take_the_halt_away() -> None:
    """A call that was on its way when the account was refused."""
    assert HALTED.breaker == _after(HALTED, NotSent("130429", 30)).breaker
    longer = _after(HALTED, NotSent("130429", 600)).breaker
    assert (NOW + 600 * SECOND, "190", "token") == (longer.open_until, longer.code, longer.account)


@pytest.mark.parametrize(("retry_after", "seconds"), [(None, 60), (90, 90), (86_400, 3_600)])
def test_a_number_that_meta_stops_for_a_while_waits_so_long(retry_after: int | None, seconds: int) -> None:
    state, at = NumberState().after(NotSent("80007", retry_after), _request(), LIMITS)

    assert (NOW + seconds * SECOND,) * 2 == (state.breaker.open_until, at)


@pytest.mark.parametrize("outcome", [Accepted("wamid"), Refused(ERROR), NotSent("17"), NotSent("131056")])
def test_what_is_no_fault_of_the_numbers_changes_nothing(outcome: Outcome) -> None:
    state = NumberState()

    assert (state, None) == state.after(outcome, _request(), LIMITS)


def test_an_unknown_message_gets_no_time_to_be_sent_again() -> None:
    _, at = OPEN.after(Uncertain("torn"), _request(), LIMITS)

    assert at is None
