"""What an outcome teaches all processes: when nobody goes, who probes, and when a message may be tried again."""

import pytest

from hkreach.domain.meta_outcome import Halted, NotSent, Outcome
from hkreach.domain.number import Later, MetaState, NumberState
from hkreach.domain.time import MINUTE, SECOND
from hkreach.ports import Contended
from tests.builders import NOW, NUMBER, OTHER_NUMBER
from tests.fakes.clock import FakeClock
from tests.fakes.numbers import FakeNumbers
from tests.usecases.process import ACCEPTED, OVERLOADED, TORN, Process, sender


def _number(numbers: FakeNumbers, number: str = NUMBER) -> NumberState:
    state: NumberState = numbers.states.get(f"number#{number}", NumberState())
    return state


def _meta(numbers: FakeNumbers) -> MetaState:
    state: MetaState = numbers.states.get("meta", MetaState())
    return state


def test_the_second_unknown_stops_all_processes_and_one_probes(
    process: Process, other: Process, clock: FakeClock
) -> None:
    process.times(2, 2)
    process.tell(TORN)
    assert other.goes()
    process.tell(TORN)

    assert [False, False, False] == [process.goes(), other.goes(), other.goes(waited=True)]
    clock.advance(15 * SECOND)
    assert [True, False, False] == [other.goes(), process.goes(), other.goes()]
    other.tell(ACCEPTED)
    assert process.goes(waited=True)


def test_times_that_were_leased_before_it_opened_are_void(process: Process) -> None:
    process.times(2, 10)
    process.tell(TORN, TORN)

    assert not process.goes()


def test_an_answer_between_two_unknowns_counts_although_no_lease_was_between(process: Process) -> None:
    process.times(3, 10)
    process.tell(TORN, ACCEPTED, TORN)

    assert process.goes()


def test_a_calm_numbers_good_news_are_not_written(process: Process, numbers: FakeNumbers) -> None:
    process.ask()
    numbers.calls.clear()
    process.tell(*[ACCEPTED] * 5)

    assert [] == numbers.calls


def test_one_numbers_trouble_is_its_own_and_two_numbers_is_everybodys(
    process: Process, numbers: FakeNumbers, clock: FakeClock
) -> None:
    process.tell(*[OVERLOADED] * 5)
    assert (False, True) == (process.goes(), process.goes(number=OTHER_NUMBER))
    process.tell(*[OVERLOADED] * 5, number=OTHER_NUMBER)

    turn = process.ask(number="third")
    assert isinstance(turn, Later)
    assert (NOW + 15 * SECOND, "breaker:131016") == (turn.at, turn.why)
    clock.advance(15 * SECOND)
    assert [True, False] == [process.goes(number="third"), process.goes(number="fourth")]
    process.tell(ACCEPTED, number="third")
    assert [True, True] == [process.goes(number="fifth"), process.goes(number="fourth", waited=True)]
    assert _meta(numbers).breaker.is_closed


def test_a_number_that_must_not_ask_leaves_the_probe_for_all_to_another(
    process: Process, numbers: FakeNumbers, clock: FakeClock
) -> None:
    process.tell(Halted("131048"))
    process.tell(NotSent("4"), number=OTHER_NUMBER)
    clock.advance(MINUTE)

    assert [False, True] == [process.goes(), process.goes(number=OTHER_NUMBER)]
    assert _meta(numbers).breaker.probing


def test_the_probe_for_all_goes_although_others_stand_in_line(process: Process, clock: FakeClock) -> None:
    process.tell(NotSent("4"))
    for _ in range(500):
        process.ask()
    clock.advance(MINUTE)

    assert process.goes(), "it comes new, and is the probe"
    process.tell(ACCEPTED)
    assert process.goes(waited=True)


@pytest.mark.parametrize(("outcome", "seconds"), [(NotSent("4"), 60), (NotSent("4", 90), 90)])
def test_the_apps_limit_stops_every_number(process: Process, outcome: NotSent, seconds: int) -> None:
    assert NOW + seconds * SECOND == process.tell(outcome)
    turn = process.ask(number=OTHER_NUMBER)

    assert isinstance(turn, Later)
    assert NOW + seconds * SECOND == turn.at


@pytest.mark.parametrize(("code", "others_go"), [("130429", True), ("131016", False), ("133004", False)])
def test_what_meta_asks_of_one_message_holds_for_its_number_or_for_all(
    process: Process, other: Process, clock: FakeClock, code: str, others_go: bool
) -> None:
    process.times(2, 10)
    process.tell(NotSent(code, 600))

    for turn in (process.ask(), other.ask(), other.ask(purpose="authentication")):
        assert isinstance(turn, Later)
        assert (f"breaker:{code}", True) == (turn.why, turn.at >= NOW + 600 * SECOND)
    assert others_go == other.goes(number=OTHER_NUMBER)
    clock.advance(600 * SECOND)
    assert [True, False] == [other.goes(), process.goes()], "one asks Meta whether it is over"
    other.tell(ACCEPTED)
    assert process.goes(waited=True)


@pytest.mark.parametrize(
    ("outcome", "at"),
    [
        (NotSent("130429"), NOW + SECOND),
        (NotSent("130429", 30), NOW + 30 * SECOND),
        (NotSent("131016"), None),
        (NotSent("131016", 7), NOW + 7 * SECOND),
        (NotSent("131056", 30), NOW + 30 * SECOND),
        (NotSent("134101"), NOW + 600 * SECOND),
        (Halted("190"), NOW + 300 * SECOND),
        (TORN, None),
        (ACCEPTED, None),
    ],
)
def test_when_the_message_may_be_tried_again_at_the_earliest(
    process: Process, outcome: Outcome, at: int | None
) -> None:
    assert at == process.tell(outcome)


def test_an_urgent_message_gets_no_place_behind_the_line(process: Process) -> None:
    for _ in range(300):
        process.ask()
    at = process.tell(NotSent("130429"), purpose="authentication")

    assert at is not None
    assert NOW + SECOND <= at < NOW + 6 * SECOND


@pytest.mark.parametrize("error", [OSError("table"), Contended("table")])
@pytest.mark.parametrize("method", ["number", "meta", "pair"])
def test_who_cannot_tell_says_nothing(process: Process, numbers: FakeNumbers, method: str, error: Exception) -> None:
    outcomes: dict[str, Outcome] = {"number": TORN, "meta": NotSent("4"), "pair": NotSent("131056")}
    numbers.fails(method, error)

    assert process.tell(outcomes[method]) is None
    assert method == numbers.calls[-1]


def test_a_table_that_fails_when_asked_stops_the_message(process: Process, numbers: FakeNumbers) -> None:
    numbers.fails("number", OSError("table"))

    with pytest.raises(OSError, match="table"):
        process.ask()
    assert process.goes()


@pytest.mark.parametrize("error", [OSError("table"), Contended("table")])
def test_what_meta_grants_is_written_if_it_can_be(process: Process, numbers: FakeNumbers, error: Exception) -> None:
    _, account = sender(NUMBER)
    numbers.fails("number", error)
    process.admission.granted(account, 1_000)
    assert 80 == _number(numbers).pace.granted
    process.admission.granted(account, 1_000)

    assert 1_000 == _number(numbers).pace.granted
