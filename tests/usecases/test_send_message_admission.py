"""When a message may go: the pace of its number and of the pair, as processes with memories of their own share it."""

from dataclasses import replace

import pytest

from hkreach.domain.app import MetaAccount
from hkreach.domain.meta_outcome import NotSent
from hkreach.domain.number import Go, Later, NumberState
from hkreach.domain.pace import Pace
from hkreach.domain.time import HOUR, MINUTE, SECOND
from tests.builders import NOW, NUMBER, OTHER_NUMBER, app
from tests.fakes.clock import FakeClock
from tests.fakes.numbers import FakeNumbers
from tests.usecases.process import ACCEPTED, Process


@pytest.mark.parametrize("batch", [10, 50])
def test_a_batch_leases_its_times_with_one_write(process: Process, numbers: FakeNumbers, batch: int) -> None:
    assert [0] * batch == process.times(batch, batch)
    assert [f"number#{NUMBER}"] == numbers.writes


def test_two_processes_share_the_rate(process: Process, other: Process) -> None:
    times = process.times(10, 10) + other.times(76, 76)

    assert [0] * 10 == times[:10]
    assert (132, 1_118) == (times[10], times[-1]), "the second hears what the first took"


@pytest.mark.parametrize(
    ("parts", "good_for"), [({}, 15_000), ({"booked_at": HOUR}, 1_000), ({"live_at": 16_000}, 1_000)]
)
def test_what_was_leased_is_good_for_a_second_and_for_some_while_the_number_has_room(
    process: Process, clock: FakeClock, numbers: FakeNumbers, parts: dict[str, int], good_for: int
) -> None:
    process.times(1, 10)
    busy = {name: NOW + since for name, since in parts.items()}
    state = numbers.states[f"number#{NUMBER}"]
    numbers.states[f"number#{NUMBER}"] = replace(state, pace=replace(state.pace, **busy))
    clock.advance(good_for)
    assert [good_for] == process.times(1, 10), "as late as it may be"
    before = len(process.numbers.writes)
    clock.advance(1)
    process.ask(10)

    assert before + 1 == len(process.numbers.writes)


@pytest.mark.parametrize("number", [NUMBER, OTHER_NUMBER])
def test_what_was_leased_is_void_when_something_stops_the_number(
    process: Process, other: Process, clock: FakeClock, number: str
) -> None:
    """Another process is told of it: this one looks before it uses what is old."""
    process.times(1, 10)
    other.tell(NotSent("4") if number != NUMBER else NotSent("80007"), number=number)
    clock.advance(1_001)

    assert not process.goes()


def test_after_a_refusal_there_is_no_room_for_what_is_old(process: Process, clock: FakeClock) -> None:
    """The rate is half: what was leased before counts no more, and nobody leases ahead."""
    process.times(1, 10)
    process.numbers.number(NUMBER, lambda state: (replace(state, pace=state.pace.slowed(NOW)), None))
    clock.advance(1_001)
    before = len(process.numbers.writes)

    assert process.goes()
    assert before + 1 == len(process.numbers.writes)


def test_who_is_busy_leases_no_more_than_it_needs(process: Process, numbers: FakeNumbers) -> None:
    numbers.states[f"number#{NUMBER}"] = NumberState(Pace(live_at=NOW + 14))
    process.ask()

    assert NOW + 14 + 14 == numbers.states[f"number#{NUMBER}"].pace.live_at


def test_who_sent_some_in_the_last_second_leases_as_many_ahead(process: Process, clock: FakeClock) -> None:
    for _ in range(40):
        assert process.goes()
        clock.advance(100)

    assert len(process.numbers.writes) <= 12
    clock.advance(2 * SECOND)
    before = len(process.numbers.writes)
    assert process.goes()
    assert before == len(process.numbers.writes), "alone on a quiet number it goes without a word"


def test_on_a_slow_number_nobody_goes_without_a_word(process: Process, numbers: FakeNumbers) -> None:
    slow = app(meta=MetaAccount(NUMBER, "w", b"sealed token"), messages_per_second=30)
    assert slow.meta is not None

    assert isinstance(process.admission.ask(process.message(), slow, slow.meta, 1, 1), Go)
    assert [f"number#{NUMBER}"] == numbers.writes


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

    assert [256_000, 263_500] == waits
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


def test_the_memory_of_a_process_does_not_grow_with_its_messages(process: Process, clock: FakeClock) -> None:
    for _ in range(3_000):
        process.ask(50)
        process.tell(ACCEPTED)
        clock.advance(20)
    admission = process.admission

    assert len(admission._used[NUMBER]) <= 51
    assert len(admission._leased[NUMBER]) <= 50
    assert (1, 1) == (len(admission._locks), len(admission._number_is_calm))


def test_who_waits_for_the_number_is_not_counted_in_its_pair(process: Process, numbers: FakeNumbers) -> None:
    process.times(300, 300)
    for _ in range(3):
        assert not process.goes(to="a")

    assert {f"number#{NUMBER}"} == set(numbers.writes)
