"""deliver_webhook, where an endpoint fails: rows, tries, breaker, patience with its warnings, faults of ours."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from hkreach.domain.app import App
from hkreach.domain.delivery import Delivery, DeliveryKey, DueDelivery, EndpointKey
from hkreach.domain.endpoint import Endpoint, EndpointState
from hkreach.domain.endpoint_health import EndpointHealth
from hkreach.domain.event import Event, status_event
from hkreach.domain.message import Status
from hkreach.domain.time import DAY, HOUR, MINUTE, SECOND
from hkreach.domain.webhook_answer import Answer
from hkreach.ports.deliveries import NotYet
from hkreach.usecases.deliver_webhook_try import WarningRefused
from tests.builders import NOW, app, endpoint, hooks, outbound
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.delivering import Delivering
from tests.fakes.outside import FakeWebhookClient
from tests.fakes.secrets import FakeSealedSecrets
from tests.fakes.stores import FakeEventBus

SHOP = EndpointKey("mystore", "we_operator")
REFUSED, SILENT, TAKEN = Answer(500, body=b"no"), Answer(None), Answer(200)


def event(number: int = 1) -> Event:
    name = f"3fa85f64-5717-4562-b3fc-{number:012}"
    return status_event(outbound(name, facts={Status.SENT: NOW + number * SECOND}), Status.SENT)


class World(Delivering):
    """One app with one endpoint, and others if a test adds them."""

    def __init__(self, *endpoints: Endpoint) -> None:
        self.client = FakeWebhookClient()
        self.apps = FakeApps(app(endpoints=hooks(*(endpoints or (endpoint(secret=None),)))))
        self.time = FakeClock(NOW)
        super().__init__(self.apps, FakeSealedSecrets(), self.client, self.time)

    def first(self, *answers: Answer, number: int = 1) -> Delivery | None:
        """The first try of an event; what it leaves in the table."""
        self.client.answers = list(answers)
        told = event(number)
        self.deliver(told)
        key = DeliveryKey(SHOP, NOW // SECOND * SECOND + number * SECOND, told["id"])
        row = self.deliveries.rows.get(key)
        if row is not None:
            self.facts.events[row.source] = told  # type: ignore[index]
        return row

    def again(self, row: Delivery, *answers: Answer) -> Delivery:
        """Another try of what the table has; how it stands then."""
        self.client.answers = list(answers)
        self.deliver.retry(row.key, self.deliveries.rows[row.key].version)
        return self.deliveries.rows[row.key]

    def posts(self) -> int:
        return len(self.client.posted)

    def change(self, **parts: object) -> None:
        before = self.apps.get_fresh("mystore")
        assert before is not None
        self.apps.replace(before, replace(before, version=before.version + 1, **parts))  # type: ignore[arg-type]


@pytest.fixture
def world() -> World:
    return World()


def row_of(row: Delivery | None) -> Delivery:
    assert row is not None
    return row


def test_a_success_writes_nothing_and_looks_once_at_the_health_before_and_after(world: World) -> None:
    assert world.first(TAKEN) is None
    assert ([], ["look", "look"], [], 0) == (
        world.deliveries.calls, world.healths.calls, world.queue.queued, world.healths.writes,
    )  # fmt: skip


def test_a_failure_is_written_and_comes_back_through_the_queue_in_five_seconds(world: World) -> None:
    row = row_of(world.first(REFUSED))

    assert ("waiting", 1, b"no", NOW + 5 * SECOND + 5 * MINUTE) == (row.state, row.tries, row.body, row.due_at)
    ((due, delay),) = world.queue.queued
    assert (row.key, row.version, 5) == (due.key, due.version, delay)


def test_a_long_wait_is_spent_in_the_table_alone(world: World) -> None:
    row = world.again(row_of(world.first(REFUSED)), REFUSED)

    assert (2, NOW + 5 * MINUTE, 1) == (row.tries, row.due_at, len(world.queue.queued))
    world.deliver.retry(row.key, row.version - 1)
    assert 2 == world.posts(), "what woke the try before comes once more"


def test_a_retry_that_succeeds_is_the_same_event(world: World) -> None:
    row = row_of(world.first(REFUSED))
    world.time.advance(5 * SECOND)

    done = world.again(row, TAKEN)
    assert ("delivered", 2, None) == (done.state, done.tries, done.due_at)
    first, second = world.client.posted
    assert json.loads(first[1]) == json.loads(second[1])
    world.deliver.retry(row.key, row.version)
    world.deliver.retry(row.key, done.version)
    assert 2 == world.posts(), "what woke it comes once more"


def test_ten_tries_and_it_has_failed(world: World) -> None:
    row = row_of(world.first(REFUSED))
    for _ in range(9):
        world.time.now = row.due_at or 0
        row = world.again(row, REFUSED)

    assert ("failed", 10, None, 10) == (row.state, row.tries, row.due_at, world.posts())


def test_while_the_breaker_is_open_nothing_is_posted_and_nothing_counted(world: World) -> None:
    tried = row_of(world.first(SILENT))
    world.first(SILENT, number=2)
    held, again = row_of(world.first(TAKEN, number=3)), world.again(tried, TAKEN)

    assert 2 == world.posts()
    assert [(0, None, "breaker"), (1, None, "breaker")] == [(row.tries, row.due_at, row.why) for row in (held, again)]
    assert NOW + 30 * SECOND == world.healths.look(SHOP).wake_at


def test_one_probe_goes_and_its_success_lets_the_rest_go(world: World) -> None:
    world.first(SILENT)
    world.first(SILENT, number=2)
    held = row_of(world.first(number=3))
    world.time.advance(30 * SECOND)

    assert "delivered" == world.again(held, TAKEN).state
    health = world.healths.look(SHOP)
    assert (True, world.time(), world.time()) == (health.is_calm, health.wake_at, health.drain_began)
    assert world.first(TAKEN, number=4) is None


def test_who_holds_something_has_somebody_look_after_it_first(world: World) -> None:
    world.first(SILENT)
    world.first(SILENT, number=2)
    world.deliveries.fails("add", OSError("killed"))
    with pytest.raises(OSError, match="killed"):
        world.first(number=3)

    assert NOW + 30 * SECOND == world.healths.look(SHOP).wake_at


def test_who_dies_between_the_post_and_the_write_posts_again(world: World) -> None:
    world.deliveries.fails("add", OSError("killed"))
    with pytest.raises(OSError, match="killed"):
        world.first(REFUSED)

    assert row_of(world.first(REFUSED)).tries == 1
    assert world.client.posted[0][1] == world.client.posted[1][1]


def test_a_record_that_comes_again_leaves_what_has_a_delivery_to_it(world: World) -> None:
    world.first(REFUSED)
    world.deliver(event(), again=True)

    assert 1 == world.posts()


def test_410_disables_at_once_and_what_comes_is_held(world: World) -> None:
    gone, held = row_of(world.first(Answer(410))), row_of(world.first(number=2))

    assert 1 == world.posts()
    assert [("waiting", 1, None, "disabled"), ("waiting", 0, None, "disabled")] == [
        (row.state, row.tries, row.due_at, row.why) for row in (gone, held)
    ]
    ((warning),) = world.bus.published
    assert ("disabled", "410", 100) == tuple(warning["data"][name] for name in ("state", "reason", "level"))


def _fails_for(world: World, days: float) -> None:
    number = 0
    while world.time() <= NOW + round(days * DAY):
        number += 1
        world.first(REFUSED, number=number)
        world.time.advance(HOUR)


def test_its_app_is_warned_at_each_level_and_at_the_last_it_is_disabled(world: World) -> None:
    _fails_for(world, 5.5)

    assert [(50, "failing"), (70, "failing"), (90, "failing"), (100, "disabled")] == [
        (warning["data"]["level"], warning["data"]["state"]) for warning in world.bus.published
    ]
    assert "failing" == world.healths.look(SHOP).why


def test_a_warning_that_the_bus_refuses_is_not_forgotten(world: World) -> None:
    _fails_for(world, 2.4)
    world.time.now = NOW + round(2.5 * DAY)
    bus = world.bus
    object.__setattr__(world.attempt, "bus", FakeEventBus(refuses=frozenset({None})))  # type: ignore[arg-type]
    with pytest.raises(WarningRefused):
        world.first(REFUSED, number=900)
    assert 0 == world.healths.look(SHOP).warned

    object.__setattr__(world.attempt, "bus", bus)
    world.time.advance(MINUTE)  # the probe's time
    world.first(REFUSED, number=900)
    assert [50] == [warning["data"]["level"] for warning in world.bus.published]


def test_who_dies_after_warning_warns_again_with_the_same_event(world: World) -> None:
    _fails_for(world, 2.4)
    world.time.now = NOW + round(2.5 * DAY)
    world.deliveries.fails("add", OSError("killed"))
    before = world.healths.healths[SHOP]
    with pytest.raises(OSError, match="killed"):
        world.first(REFUSED, number=900)
    world.healths.healths[SHOP] = before
    world.first(REFUSED, number=900)

    one, other = world.bus.published
    assert one == other


def test_a_warning_goes_to_the_apps_other_endpoints() -> None:
    other = endpoint("we_2", url="https://other.example.com/", created_at=NOW + 1, secret=None)
    world = World(endpoint(secret=None), other)
    world.client.answers = [Answer(410)]
    world.deliver(event())
    ((warning),) = world.bus.published
    world.client.posted.clear()
    world.deliver(warning)

    assert ["https://other.example.com/"] == [url for url, _, _ in world.client.posted]
    assert 1 == len(world.rows), "nothing is kept for the one that it tells of"


def test_a_fault_of_ours_is_not_charged(world: World) -> None:
    row = row_of(world.first(Answer(None, ours=True)))

    assert ("waiting", 0, NOW + 5 * MINUTE) == (row.state, row.tries, row.due_at)
    assert 0 == world.healths.writes
    again = world.again(row, Answer(None, ours=True))
    assert ("waiting", 0) == (again.state, again.tries)


def test_the_longer_a_fault_of_ours_lasts_the_less_often_it_is_tried(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.change(endpoints=hooks(endpoint(secret=b"does not open")))
    row = row_of(world.first())
    waits = []
    for _ in range(7):
        assert row.due_at is not None
        waits.append((row.due_at - world.time()) // MINUTE)
        world.time.now = row.due_at
        row = world.again(row)

    assert [5, 10, 20, 40, 60, 60, 60] == waits
    assert 8 == [record.message for record in caplog.records].count("webhook is put off for a fault of ours")
    world.change(endpoints=hooks(endpoint(secret=None)))
    world.time.now = row.due_at or 0
    assert ("waiting", 1, 0) == ((tried := world.again(row, REFUSED)).state, tried.tries, tried.faults)


def test_while_a_fault_of_ours_lasts_one_at_a_time_is_tried_and_the_others_are_held(world: World) -> None:
    world.change(endpoints=hooks(endpoint(secret=b"does not open")))
    rows = [row_of(world.first(number=number)) for number in (1, 2, 3)]
    assert world.healths.look(SHOP).breaker.is_closed, "it may be this process's alone"
    world.time.advance(5 * MINUTE)
    for row in rows:
        world.again(row)
    held = row_of(world.first(number=4))

    assert [None, "breaker", "breaker", "breaker"] == [row.why for row in world.rows]
    assert [True, False, False, False] == [row.due_at is not None for row in world.rows]
    health = world.healths.look(SHOP)
    assert (world.time() + 30 * SECOND, None) == (health.wake_at, health.failing_since)
    world.time.advance(30 * SECOND)
    world.again(held)
    assert world.time() + 60 * SECOND == world.healths.look(SHOP).breaker.open_until, "the probe's first is enough"
    world.change(endpoints=hooks(endpoint(secret=None)))
    world.time.advance(60 * SECOND)
    assert "delivered" == world.again(world.rows[1], TAKEN).state
    assert world.time() == world.healths.look(SHOP).drain_began, "the others follow"


def test_an_event_that_cannot_be_made_anew_holds_up_no_other(world: World) -> None:
    row = row_of(world.first(REFUSED))
    for _ in range(3):
        world.facts.fails("event", OSError("this one is spoilt"))
        world.again(row)

    assert world.healths.look(SHOP).breaker.is_closed


def test_what_cannot_be_made_anew_is_put_off_and_not_given_up(world: World) -> None:
    row = row_of(world.first(REFUSED))
    for fault in (NotYet(row.source), OSError("the table does not answer")):
        world.facts.fails("event", fault)
        row = world.again(row)
        assert ("waiting", 1, 1) == (row.state, row.tries, world.posts())
    assert world.time() + 10 * MINUTE == row.due_at

    assert "delivered" == world.again(row, TAKEN).state


@pytest.mark.parametrize("moment", ["before it is held", "when the app was read"])
def test_a_resume_that_meets_a_retry_is_not_overwritten(world: World, moment: str) -> None:
    row = row_of(world.first(REFUSED))
    world.change(endpoints=hooks(endpoint(secret=None, state="paused")))
    world.healths.change(SHOP, lambda health: (health.drained(NOW), None))
    replaced, read, reads = world.deliveries.replace, world.apps.get_fresh, []

    def resume() -> None:
        world.deliveries.replace, world.apps.get_fresh = replaced, read  # type: ignore[method-assign]
        world.change(endpoints=hooks(endpoint(secret=None)))
        world.healths.change(SHOP, lambda health: (health.resumed(NOW + 1), None))

    def held(before: Delivery, after: Delivery) -> bool:
        resume()
        return replaced(before, after)

    def fresh(app_name: str) -> App | None:
        reads.append(found := read(app_name))
        if len(reads) == 2:
            resume()
        return found

    if moment == "before it is held":
        world.deliveries.replace = held  # type: ignore[method-assign]
    else:
        world.apps.get_fresh = fresh  # type: ignore[method-assign]
    assert "paused" == world.again(row).why
    assert NOW + 1 == world.healths.look(SHOP).wake_at, "somebody looks after what was held"


def test_a_retry_answered_429_comes_when_it_was_asked_to(world: World) -> None:
    row = world.again(row_of(world.first(REFUSED)), Answer(429, retry_after=7 * MINUTE))

    assert NOW + 7 * MINUTE == row.due_at
    assert not world.healths.look(SHOP).breaker.is_closed, "nor does it get anything else until then"


def test_what_comes_for_a_paused_endpoint_is_kept_and_nobody_looks_after_it(world: World) -> None:
    row = row_of(world.first(REFUSED))
    world.change(endpoints=hooks(endpoint(secret=None, state="paused")))
    world.healths.change(SHOP, lambda health: (health.drained(NOW), None))

    held = world.again(row)
    assert ("waiting", 1, None, "paused") == (held.state, held.tries, held.due_at, held.why)
    assert world.healths.look(SHOP).wake_at is None
    assert "paused" == row_of(world.first(number=2)).why
    assert 1 == world.posts()


def test_what_a_memory_says_is_paused_is_asked_for(world: World) -> None:
    row = row_of(world.first(REFUSED))
    paused = FakeApps(app(endpoints=hooks(endpoint(secret=None, state="paused"))))
    world.apps.get = paused.get  # type: ignore[method-assign]

    assert "delivered" == world.again(row, TAKEN).state


@pytest.mark.parametrize(("endpoints", "why"), [({}, "gone"), (None, "expired")])
def test_what_has_nobody_or_nothing_to_deliver_has_failed(
    world: World, endpoints: dict[str, Endpoint] | None, why: str
) -> None:
    row = row_of(world.first(REFUSED))
    if endpoints is None:
        world.facts.events.clear()
    else:
        world.change(endpoints=endpoints)

    done = world.again(row)
    assert ("failed", why, 1) == (done.state, done.why, world.posts())


@pytest.mark.parametrize("state", ["active", "paused"])
def test_what_waits_for_an_endpoint_that_was_ended_is_not_the_next_ones(world: World, state: EndpointState) -> None:
    row = row_of(world.first(REFUSED))
    world.change(endpoints=hooks(endpoint(secret=None, created_at=NOW + 1, state=state, url="https://else.example/")))

    done = world.again(row)
    assert ("failed", "gone", 1) == (done.state, done.why, world.posts())
    own = row_of(world.first(REFUSED, number=2))
    assert "waiting" == world.again(own, REFUSED).state


def test_what_waits_for_an_endpoint_goes_to_its_new_address(world: World) -> None:
    row = row_of(world.first(REFUSED))
    world.change(endpoints=hooks(endpoint(secret=None, url="https://else.example/")))

    assert "delivered" == world.again(row, TAKEN).state
    assert "https://else.example/" == world.client.posted[-1][0]


def test_an_old_memory_of_the_endpoint_gives_up_nothing_of_the_new_ones(world: World) -> None:
    before = world.apps.get("mystore")
    world.change(endpoints=hooks(endpoint(secret=None, created_at=NOW + 1)))
    row = row_of(world.first(REFUSED))
    world.apps.get = lambda _: before  # type: ignore[method-assign]

    assert "delivered" == world.again(row, TAKEN).state


def test_what_comes_due_of_a_deleted_endpoint_has_the_rest_looked_through(world: World) -> None:
    rows = [row_of(world.first(SILENT, number=number)) for number in (1, 2)]
    world.change(endpoints={})
    for row in rows:
        assert "gone" == world.again(row).why
        world.time.advance(SECOND)

    assert EndpointHealth().resumed(NOW) == world.healths.look(SHOP)


def test_a_resend_is_told_and_its_tries_are_counted_on(world: World) -> None:
    row = world.again(row_of(world.first(REFUSED)), TAKEN)
    world.deliveries.replace(row, row.again(NOW))
    row = world.again(world.again(row, REFUSED), TAKEN)

    assert [(1, False), (2, False), (3, True), (4, False)] == [(one.number, one.resend) for one in row.attempts]
    assert ("delivered", 2) == (row.state, row.tries)


class TestInTurn:
    @pytest.fixture
    def woken(self, world: World) -> Sequence[DueDelivery]:
        rows = [row_of(world.first(REFUSED, number=number)) for number in (3, 1, 2)]
        world.client.posted.clear()
        world.queue.queued.clear()
        return [DueDelivery(row.key, 0, row.version) for row in rows]

    def test_what_was_woken_together_is_tried_as_it_was_given(self, world: World, woken: Sequence[DueDelivery]) -> None:
        world.client.answers = [TAKEN, REFUSED, TAKEN]
        world.deliver.in_turn(woken, lambda: 30_000)

        assert [due.key.event_id for due in woken] == [json.loads(body)["id"] for _, body, _ in world.client.posted]
        assert ["delivered", "waiting", "delivered"] == [world.deliveries.rows[due.key].state for due in woken]

    def test_what_there_is_no_time_for_is_queued_anew_as_it_is(
        self, world: World, woken: Sequence[DueDelivery]
    ) -> None:
        left = iter([15_000, 14_999])
        world.client.answers = [TAKEN] * 3
        world.deliver.in_turn(woken, lambda: next(left))

        assert 2 == world.posts()
        assert [(woken[2], 0)] == world.queue.queued

    def test_one_that_cannot_be_tried_stops_no_other_and_comes_again(
        self, world: World, woken: Sequence[DueDelivery]
    ) -> None:
        world.client.answers = [TAKEN] * 3
        world.deliveries.fails("get", OSError("the table does not answer"))
        with pytest.raises(OSError, match="does not answer"):
            world.deliver.in_turn(woken, lambda: 30_000)
        assert 2 == world.posts()

        world.deliver.in_turn(woken, lambda: 30_000)
        assert 3 == world.posts(), "what is done is not done again"


def test_what_nobody_could_count_is_delivered_all_the_same(world: World) -> None:
    world.healths.contended = 9
    row = row_of(world.first(REFUSED))

    assert "waiting" == row.state
    assert "delivered" == world.again(row, TAKEN).state


def test_an_event_without_facts_is_kept_itself(world: World) -> None:
    lead = {"id": "evt_lead", "event": "leads.status", "createdAt": "2026-11-22T09:00:00Z", "appName": "mystore"}
    world.client.answers = [REFUSED]
    world.deliver(lead | {"data": {"leadId": "1"}})
    ((row),) = world.rows
    world.again(row, TAKEN)

    assert world.client.posted[0][1] == world.client.posted[1][1]
