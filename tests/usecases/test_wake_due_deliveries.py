"""wake_due, for deliveries: what is due for its second, round the endpoints; probes; a backlog in order, paced."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from hkreach.domain.delivery import Delivery, DeliveryKey, DueDelivery, EndpointKey, new_delivery
from hkreach.domain.endpoint_health import EndpointHealth, EndpointLimits
from hkreach.domain.event import status_event
from hkreach.domain.message import Status
from hkreach.domain.time import MINUTE, SECOND
from hkreach.domain.webhook_answer import Answer
from hkreach.ports.deliveries import Line
from hkreach.usecases.wake_due_deliveries import WakeDeliveries
from tests.builders import NOW, outbound
from tests.fakes.clock import FakeClock
from tests.fakes.deliveries import FakeDeliveries, FakeDeliveryQueue, FakeEndpointHealths

SHOP, BANK = EndpointKey("shop", "we_operator"), EndpointKey("bank", "we_operator")
LIMITS = EndpointLimits()
PLENTY: Callable[[], int] = lambda: 50_000  # noqa: E731 - a name for an argument


class Woken:
    """wake_due with fakes around it."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.deliveries, self.healths = FakeDeliveries(clock), FakeEndpointHealths()
        self.queue = FakeDeliveryQueue()

    def wake(self, per_second: float = 2, time_left: Callable[[], int] = PLENTY) -> list[tuple[str, int]]:
        """What was queued, each with its delay."""
        self.queue.queued.clear()
        WakeDeliveries(self.deliveries, self.healths, self.queue, self.clock, per_second)(time_left)
        return [(due.key.event_id, delay) for due, delay in self.queue.queued]

    def add(self, name: str, due_at: int | None = None, endpoint: EndpointKey = SHOP, second: int = 0) -> Delivery:
        event = status_event(outbound(facts={Status.SENT: NOW + second * SECOND}), Status.SENT) | {"id": name}
        row = new_delivery(endpoint, event, self.clock())
        self.deliveries.add(row.held("breaker", self.clock()) if due_at is None else row.put_off(due_at, self.clock()))
        return self.deliveries.rows[row.key]

    def health(self, to: Callable[[EndpointHealth], EndpointHealth], endpoint: EndpointKey = SHOP) -> None:
        self.healths.change(endpoint, lambda health: (to(health), None))

    def is_open(self) -> None:
        for _ in range(2):
            self.health(lambda health: health.failed(self.clock(), Answer(None), LIMITS))
        self.health(lambda health: health.held(self.clock()))


@pytest.fixture
def world(clock: FakeClock) -> Woken:
    return Woken(clock)


def test_what_falls_due_within_the_minute_is_queued_for_its_second_and_comes_due_again_later(world: Woken) -> None:
    world.add("evt_late", NOW + MINUTE + 1)
    row = world.add("evt_soon", NOW + 4_500)

    assert [("evt_soon", 5)] == world.wake()
    assert [] == world.wake()
    assert NOW + 4_500 + 5 * MINUTE == world.deliveries.rows[row.key].due_at
    world.clock.advance(5 * MINUTE)
    assert [("evt_late", 0), ("evt_soon", 5)] == world.wake()


def test_the_endpoints_take_turns(world: Woken) -> None:
    for number in range(3):
        world.add(f"evt_s{number}", NOW + number)
    world.add("evt_b0", NOW + 9, BANK)

    assert ["evt_s0", "evt_b0", "evt_s1", "evt_s2"] == [name for name, _ in world.wake()]


def test_what_the_queue_refuses_stays_due_and_who_dies_wakes_twice(world: Woken) -> None:
    world.add("evt_1", NOW)
    world.queue.refuses = frozenset({"evt_1"})
    assert [] == world.wake()
    world.queue.refuses = frozenset()
    world.deliveries.fails("wait_again", OSError("killed"))
    with pytest.raises(OSError, match="killed"):
        world.wake()

    assert [("evt_1", 0)] == world.wake()


def test_what_there_is_no_time_for_is_the_next_calls(world: Woken) -> None:
    world.add("evt_1", NOW)
    world.add("evt_2")
    world.health(lambda health: health.drained(NOW))

    assert [] == world.wake(time_left=lambda: 4_000)
    assert [("evt_1", 0), ("evt_2", 0)] == world.wake()


def test_however_many_are_due_the_endpoints_have_their_half_of_the_time(world: Woken) -> None:
    for number in range(1_000):
        world.add(f"evt_{number}", NOW)
    world.add("evt_held", endpoint=BANK)
    world.health(lambda health: health.drained(NOW), BANK)
    left, put = [16_000], world.queue.put

    def slowly(some: Sequence[DueDelivery], delays: Mapping[DeliveryKey, int]) -> Sequence[DueDelivery]:
        left[0] -= 2_000
        return put(some, delays)

    world.queue.put = slowly  # type: ignore[method-assign]
    woken = [name for name, _ in world.wake(time_left=lambda: left[0])]
    assert (501, 200) == (len(woken), woken.index("evt_held")), "and what they leave of it is for the rest"


def test_an_endpoint_that_fails_stops_no_other_and_is_told_at_the_end(world: Woken) -> None:
    for endpoint in (SHOP, BANK):
        world.add(f"evt_{endpoint.app_name}", endpoint=endpoint)
        world.health(lambda health: health.drained(NOW), endpoint)
    world.healths.fails("look", OSError("the first in line"))

    with pytest.raises(OSError, match="first in line"):
        world.wake()
    assert ["evt_bank"] == [due.key.event_id for due, _ in world.queue.queued]
    assert ["evt_shop"] == [name for name, _ in world.wake()]


def test_of_what_is_held_one_is_queued_as_the_probe_when_the_breaker_ends(world: Woken) -> None:
    world.is_open()
    world.add("evt_2", second=2)
    world.add("evt_1", second=1)

    assert [("evt_1", 30)] == world.wake()
    assert NOW + 30_000 + 5 * MINUTE == world.healths.look(SHOP).wake_at, "in case it is lost"
    assert [] == world.wake()
    world.clock.advance(5 * MINUTE)
    assert [("evt_1", 30), ("evt_2", 30)] == world.wake(), "lost: it is due again, and another probes"


def test_nobody_probes_where_nothing_is_held(world: Woken) -> None:
    world.is_open()
    looked = []
    for _ in range(6):
        assert [] == world.wake()
        world.clock.advance(MINUTE)
        looked.append(world.healths.look(SHOP).wake_at is not None)

    assert [True, True, False, False, False, False] == looked


def test_a_probe_is_found_behind_thousands_that_wait_for_times_of_their_own(world: Woken) -> None:
    world.is_open()
    world.deliveries.read_at_once = 10
    for number in range(120):
        world.add(f"evt_{number}", NOW + 10**8, second=number)
    world.add("evt_held", second=120)
    queued = []
    for _ in range(4):
        queued += world.wake()
        world.clock.advance(MINUTE)

    assert [("evt_held", 0)] == queued, "fifty each minute"
    assert world.healths.look(SHOP).wake_at is not None


def test_two_searches_to_the_end_find_nothing_before_nobody_looks_any_more(world: Woken) -> None:
    world.is_open()
    world.deliveries.read_at_once = 10
    for number in range(120):
        world.add(f"evt_{number}", NOW + 10**8, second=number)
    looked = []
    for minute in range(9):
        assert [] == world.wake()
        world.clock.advance(MINUTE)
        looked.append(world.healths.look(SHOP).wake_at is not None)
        if minute == 2:
            assert world.healths.look(SHOP).ending

    assert [True] * 6 + [False] * 3 == looked


def test_who_closed_the_breaker_while_a_probe_was_sought_is_not_overruled(world: Woken) -> None:
    world.is_open()
    real_line = world.deliveries.line

    def line(endpoint: EndpointKey, after: str | None, most: int, before: int) -> Line:
        found = real_line(endpoint, after, most, before)
        world.health(lambda health: health.resumed(NOW + 5))
        return found

    world.deliveries.line = line  # type: ignore[method-assign]
    world.wake()
    assert EndpointHealth().resumed(NOW + 5) == world.healths.look(SHOP)


def test_a_backlog_is_queued_in_order_at_its_pace(world: Woken) -> None:
    names = [f"evt_{number:03}" for number in range(150)]
    for number, name in enumerate(names):
        world.add(name, second=number)
    world.health(lambda health: health.drained(NOW))
    queued: list[tuple[str, int]] = []
    for minute in range(8):
        woken = world.wake(per_second=1)
        assert len(woken) <= 60
        queued += [(name, minute * 60 + delay) for name, delay in woken]
        world.clock.advance(MINUTE)

    assert [(name, number) for number, name in enumerate(names)][:60] == queued[:60]
    assert names == [name for name, _ in queued[:150]]
    # None of them was tried, so each is woken again after five minutes, by its own time.
    assert set(names) >= {name for name, _ in queued[150:]}
    assert world.healths.look(SHOP).wake_at is None


def test_what_was_held_by_an_old_memory_while_the_backlog_went_is_found(world: Woken) -> None:
    world.add("evt_2", second=2)
    world.health(lambda health: health.drained(NOW))
    assert [("evt_2", 0)] == world.wake()
    world.clock.advance(MINUTE)
    world.add("evt_1", second=1)

    assert [("evt_1", 0)] == world.wake()


def test_what_failed_in_the_backlog_waits_for_its_own_time(world: Woken) -> None:
    row = world.add("evt_1")
    world.health(lambda health: health.drained(NOW))
    world.wake()
    world.clock.advance(SECOND)
    woken = world.deliveries.rows[row.key]
    world.deliveries.replace(woken, woken.put_off(NOW + 10**7, world.clock()))
    world.clock.advance(MINUTE)

    assert [] == world.wake()


def test_a_backlog_whose_endpoint_fails_again_stops(world: Woken) -> None:
    for number in range(3):
        world.add(f"evt_{number}", second=number)
    world.health(lambda health: health.drained(NOW))
    assert 1 == len(world.wake(per_second=1 / 60))
    world.is_open()
    world.clock.advance(MINUTE)

    assert [("evt_1", 0)] == world.wake(per_second=1 / 60), "the probe"
    assert world.healths.look(SHOP).drain_began is None


def test_an_endpoint_that_others_change_all_the_time_is_the_next_calls(world: Woken) -> None:
    world.add("evt_1")
    world.add("evt_2", endpoint=BANK)
    world.health(lambda health: health.drained(NOW))
    world.health(lambda health: health.drained(NOW), BANK)
    world.healths.contended = 1

    assert ["evt_1", "evt_2"] == [name for name, _ in world.wake()]
    assert [NOW, NOW + MINUTE // 2] == [world.healths.look(endpoint).wake_at for endpoint in (SHOP, BANK)]
