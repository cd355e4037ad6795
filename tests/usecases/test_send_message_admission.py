"""Whether a message may go, as processes with memories of their own find out together."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from hkreach.domain.app import App, MetaAccount
from hkreach.domain.message import OutboundMessage
from hkreach.domain.meta_outcome import Accepted, Halted, NotSent, Outcome, Uncertain
from hkreach.domain.number import Go, Later, MetaState, NumberState
from hkreach.domain.time import MINUTE, SECOND
from hkreach.ports import Contended
from hkreach.usecases.send_message_admission import Admission
from tests.builders import LIMITS, NOW, NUMBER, OTHER_NUMBER, app, outbound
from tests.fakes.clock import FakeClock
from tests.fakes.numbers import FakeNumbers

ACCEPTED, TORN, OVERLOADED = Accepted("wamid"), Uncertain("torn"), NotSent("131016")


@dataclass
class Process:
    """Its messages are all to different customers, if nothing else is said."""

    numbers: FakeNumbers
    clock: FakeClock
    admission: Admission = field(init=False)
    customers: int = 0

    def __post_init__(self) -> None:
        self.admission = Admission(self.numbers, self.clock, LIMITS)

    def message(self, **parts: Any) -> OutboundMessage:
        self.customers += 1
        return outbound(**{"to": f"{id(self)}{self.customers}"} | parts)

    def ask(self, batch: int = 1, waited: bool = False, number: str = NUMBER, **parts: Any) -> Go | Later:
        app, account = _sender(number)
        return self.admission.ask(self.message(**parts), app, account, batch, waited=waited)

    def times(self, messages: int, batch: int = 1) -> list[int]:
        turns = [self.ask(batch) for _ in range(messages)]
        return [turn.times[0] - NOW for turn in turns if isinstance(turn, Go)]

    def tell(self, *outcomes: Outcome, number: str = NUMBER, **parts: Any) -> int | None:
        app, account = _sender(number)
        return [self.admission.tell(self.message(**parts), app, account, outcome) for outcome in outcomes][-1]

    def goes(self, **parts: Any) -> bool:
        return isinstance(self.ask(**parts), Go)


def _sender(number: str) -> tuple[App, MetaAccount]:
    account = MetaAccount(number, "w", b"sealed token")
    return app(meta=account), account


@pytest.fixture
def numbers() -> FakeNumbers:
    return FakeNumbers()


@pytest.fixture
def process(numbers: FakeNumbers, clock: FakeClock) -> Process:
    return Process(numbers, clock)


@pytest.fixture
def other(numbers: FakeNumbers, clock: FakeClock) -> Process:
    return Process(numbers, clock)


def _number(numbers: FakeNumbers, number: str = NUMBER) -> NumberState:
    state: NumberState = numbers.states.get(f"number#{number}", NumberState())
    return state


def _meta(numbers: FakeNumbers) -> MetaState:
    state: MetaState = numbers.states.get("meta", MetaState())
    return state


@pytest.mark.parametrize("batch", [10, 50])
def test_a_batch_leases_its_times_with_one_write(process: Process, numbers: FakeNumbers, batch: int) -> None:
    assert [0] * batch == process.times(batch, batch)
    assert [f"number#{NUMBER}"] == numbers.writes


def test_two_processes_share_the_rate(process: Process, other: Process) -> None:
    times = process.times(10, 10) + other.times(76, 76)

    assert [0] * 10 == times[:10]
    assert (132, 1_118) == (times[10], times[-1]), "the second hears what the first took"


def test_what_was_leased_and_not_used_in_half_a_second_is_lost(process: Process, clock: FakeClock) -> None:
    process.times(1, 10)
    clock.advance(500)
    assert [500] == process.times(1, 10), "as late as it may be"
    clock.advance(1)

    before = len(process.numbers.writes)
    assert [501] == process.times(1, 10)
    assert before + 1 == len(process.numbers.writes)


def test_who_sent_some_in_the_last_second_leases_as_many_ahead(process: Process, clock: FakeClock) -> None:
    for _ in range(40):
        assert process.goes()
        clock.advance(100)

    assert len(process.numbers.writes) <= 12
    clock.advance(SECOND)
    before = process.numbers.states[f"number#{NUMBER}"].pace.live_at
    process.ask()
    assert clock.now + 14 == process.numbers.states[f"number#{NUMBER}"].pace.live_at > before, "forgotten in a second"


def test_numbers_have_their_own_pace(process: Process) -> None:
    process.times(300, 300)

    assert process.goes(number=OTHER_NUMBER)


def test_a_pairs_first_message_costs_nothing_and_the_second_is_told(process: Process, numbers: FakeNumbers) -> None:
    process.ask(10, to="a")
    process.ask(10, to="a")

    assert [f"number#{NUMBER}", f"pair#{NUMBER}#a"] == numbers.writes


def test_a_burst_to_one_customer_gets_places_and_nobody_else_waits(process: Process, other: Process) -> None:
    turns = [process.ask(60, to="a") for _ in range(30)]
    waits = [(turn.at - NOW, turn.why) for turn in turns if isinstance(turn, Later)]

    assert [(7_500 * (n + 1), "pair_rate") for n in range(6)] == waits
    assert process.goes(to="b")
    assert other.goes(to="a"), "its first"
    assert not other.goes(to="a")


def test_who_waited_for_the_pair_has_its_place(process: Process, clock: FakeClock) -> None:
    for _ in range(30):
        process.ask(60, to="a")
    clock.advance(MINUTE)

    assert process.goes(to="a", waits_for="pair_rate", waited=True)


def test_what_meta_refused_meanwhile_holds_for_places_that_were_given_before(process: Process, other: Process) -> None:
    for _ in range(4):
        at = other.tell(NotSent("131056"), to="a")
        assert at is not None
        other.clock.now = at
    other.tell(NotSent("131056"), to="a")  # for 256 seconds
    waiting = [process.ask(to="a", waits_for="pair_rate", waited=True) for _ in range(2)]
    waits = [turn.at - process.clock() for turn in waiting if isinstance(turn, Later)]

    assert [263_500, 271_000] == waits, "behind the one that was refused"
    process.clock.advance(256 * SECOND)
    assert process.goes(to="a", waits_for="pair_rate", waited=True)


def test_131056_stops_that_customers_messages_only(process: Process, other: Process) -> None:
    assert NOW + SECOND == process.tell(NotSent("131056"), to="a")

    assert not process.goes(to="a")
    assert process.goes(to="b")
    assert other.goes(to="a"), "another process's first is free"
    assert not other.goes(to="a")


def test_a_crowd_of_writers_means_a_little_later(process: Process, numbers: FakeNumbers) -> None:
    numbers.contended = 1
    turn = process.ask()

    assert isinstance(turn, Later)
    assert ("number_rate", True) == (turn.why, NOW + SECOND <= turn.at < NOW + 5 * SECOND)
    assert process.goes()


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
    outcome = {"number": TORN, "meta": NotSent("4"), "pair": NotSent("131056")}[method]
    numbers.fails(method, error)

    assert process.tell(outcome) is None
    assert method == numbers.calls[-1]


def test_a_table_that_fails_when_asked_stops_the_message(process: Process, numbers: FakeNumbers) -> None:
    numbers.fails("number", OSError("table"))

    with pytest.raises(OSError, match="table"):
        process.ask()
    assert process.goes()


@pytest.mark.parametrize("error", [OSError("table"), Contended("table")])
def test_what_meta_grants_is_written_if_it_can_be(process: Process, numbers: FakeNumbers, error: Exception) -> None:
    _, account = _sender(NUMBER)
    numbers.fails("number", error)
    process.admission.granted(account, 1_000)
    assert 80 == _number(numbers).pace.granted
    process.admission.granted(account, 1_000)

    assert 1_000 == _number(numbers).pace.granted


def test_the_memory_of_a_process_does_not_grow_with_its_messages(process: Process, clock: FakeClock) -> None:
    for _ in range(3_000):
        process.ask(50)
        process.tell(ACCEPTED)
        clock.advance(20)
    admission = process.admission

    assert len(admission._used[NUMBER]) <= 51
    assert len(admission._leased[NUMBER]) <= 50
    assert (1, 1) == (len(admission._locks), len(admission._number_is_calm))
