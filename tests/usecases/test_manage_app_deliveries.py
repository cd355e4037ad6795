"""manage_app, for deliveries: the log over all endpoints, sending one, an event or a range again, pause and resume."""

from dataclasses import replace

import pytest

from hkreach.domain.delivery import Delivery, DeliveryKey, EndpointKey, MessageFact, new_delivery
from hkreach.domain.endpoint import EndpointState
from hkreach.domain.endpoint_health import EndpointHealth, EndpointLimits
from hkreach.domain.errors import ChangedMeanwhile, Conflict, NotFound
from hkreach.domain.event import received_event, status_event
from hkreach.domain.message import Status
from hkreach.domain.time import SECOND
from hkreach.domain.webhook_answer import Answer
from hkreach.ports.deliveries import LogQuery, NotYet
from hkreach.usecases.manage_app import ManageApp
from hkreach.usecases.manage_app_deliveries import MOST_AT_ONCE, ManageDeliveries
from tests.builders import MESSAGE_ID, NOW, app, endpoint, hooks, inbound, outbound
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.deliveries import FakeDeliveries, FakeEndpointHealths, FakeEventFacts
from tests.fakes.outside import FakeWebhookClient
from tests.fakes.secrets import FakeSealedSecrets

SHOP, SECOND_ONE = EndpointKey("mystore", "we_operator"), EndpointKey("mystore", "we_2")
SENT = status_event(outbound(facts={Status.SENT: NOW}), Status.SENT)
ALL = LogQuery()


class World:
    def __init__(self, clock: FakeClock, state: EndpointState = "active") -> None:
        ours = app(endpoints=hooks(endpoint(state=state), endpoint("we_2", created_at=NOW + 1)))
        apps = FakeApps(ours, app("other", meta=None, endpoints=hooks(endpoint())))
        self.clock, self.deliveries, self.healths = clock, FakeDeliveries(clock), FakeEndpointHealths()
        self.facts = FakeEventFacts()
        manage_app = ManageApp(apps, FakeSealedSecrets(), FakeWebhookClient(), clock)
        self.manage = ManageDeliveries(manage_app, self.deliveries, self.healths, self.facts, clock)

    def add(
        self, number: int, endpoint: EndpointKey = SHOP, *, why: str | None = "gone", received: bool = False
    ) -> None:
        """A failed delivery, or a waiting one, of an event that was made so many seconds after now."""
        at = NOW + number * SECOND
        event = received_event(inbound(received_at=at)) if received else {**SENT}
        event |= {
            "id": f"evt_{number:04}",
            "createdAt": status_event(outbound(facts={Status.SENT: at}), Status.SENT)["createdAt"],
        }
        row = new_delivery(endpoint, event, NOW)
        self.deliveries.add(row.given_up(why, NOW) if why else row.put_off(NOW + 10**7, NOW))

    def row(self, number: int, endpoint: EndpointKey = SHOP) -> Delivery:
        (found,) = (
            row
            for key, row in self.deliveries.rows.items()
            if (key.endpoint, key.event_id) == (endpoint, f"evt_{number:04}")
        )
        return found

    def waiting(self) -> list[str]:
        """What is held, and so goes when somebody looks after it."""
        return [due.key.event_id[-1] for due in self.deliveries.line(SHOP, None, 10_000, 0).deliveries]


@pytest.fixture
def world(clock: FakeClock) -> World:
    return World(clock)


def _pages(world: World, most: int, endpoint_id: str | None = None) -> list[list[str]]:
    pages: list[list[str]] = []
    after = None
    while True:
        log = world.manage.log("mystore", endpoint_id, ALL, after, most)
        pages.append([f"{row.key.event_id[-1]}{row.key.endpoint.endpoint_id[3]}" for row in log.deliveries])
        after = log.next
        if after is None:
            return pages


def test_the_log_is_of_all_endpoints_newest_first(world: World) -> None:
    for number, key in ((1, SHOP), (2, SECOND_ONE), (3, SHOP), (3, SECOND_ONE), (4, SECOND_ONE)):
        world.add(number, key)
    world.add(5, EndpointKey("other", "we_operator"))

    assert [["42", "3o", "32", "22", "1o"]] == _pages(world, 10)
    assert [["42"], ["3o", "32"], ["22"], ["1o"]] == [page for page in _pages(world, 1) if page], (
        "one event is one place"
    )
    assert [["3o", "1o"]] == _pages(world, 10, "we_operator")


def test_nothing_is_said_of_what_is_not_the_apps(world: World) -> None:
    world.add(1, EndpointKey("other", "we_operator"))
    theirs = world.row(1, EndpointKey("other", "we_operator")).key
    for call in (
        lambda: world.manage.log("mystore", "we_unknown", ALL, None, 10),
        lambda: world.manage.resend("mystore", theirs),
        lambda: world.manage.resend("mystore", DeliveryKey(SHOP, NOW, "evt_none")),
        lambda: world.manage.resend_event("mystore", "we_unknown", MessageFact(MESSAGE_ID, "sent")),
        lambda: world.manage.resend_event("mystore", "we_2", MessageFact(MESSAGE_ID, "sent")),
        lambda: world.manage.resend_range("mystore", "we_unknown", ALL, frozenset(), None),
    ):
        with pytest.raises(NotFound):
            call()
    assert "failed" == world.row(1, EndpointKey("other", "we_operator")).state


def test_one_is_sent_again_with_all_its_tries_and_by_wake_due(world: World) -> None:
    world.add(1)
    again = world.manage.resend("mystore", world.row(1).key)

    assert ("waiting", 0, None) == (again.state, again.tries, again.due_at)
    assert again == world.row(1)
    health = world.healths.look(SHOP)
    assert (NOW, 0) == (health.wake_at, health.drain_began)
    assert ["1"] == world.waiting()


def test_an_event_that_was_taken_is_sent_again_by_its_message(world: World) -> None:
    fact = MessageFact(MESSAGE_ID, "sent")
    world.facts.events[fact] = SENT
    first = world.manage.resend_event("mystore", "we_2", fact)
    second = world.manage.resend_event("mystore", "we_2", fact)

    assert (SENT["id"], "waiting", fact) == (first.key.event_id, first.state, first.source)
    assert (first.key, first.version + 1) == (second.key, second.version)
    assert 1 == len(world.deliveries.rows)


def test_an_event_that_is_not_there_yet_is_not_sent(world: World) -> None:
    world.facts.fails("event", NotYet("its file is on its way"))
    with pytest.raises(NotFound, match="so far"):
        world.manage.resend_event("mystore", "we_2", MessageFact(MESSAGE_ID, "received"))

    assert ({}, None) == (world.deliveries.rows, world.healths.look(SECOND_ONE).wake_at)


def test_a_range_is_its_undelivered_ones(world: World) -> None:
    for number in range(6):
        world.add(number, why=None if number == 3 else "gone", received=number == 4)
    delivered = world.row(2)
    object.__setattr__(delivered, "state", "delivered")
    second = NOW // SECOND * SECOND
    query = LogQuery(second + SECOND, second + 5 * SECOND)
    resent = world.manage.resend_range("mystore", "we_operator", query, frozenset({"messages.status"}), None)

    assert (2, None) == (resent.count, resent.next)
    assert ["1", "3"] == world.waiting()
    assert 1 == world.manage.resend_range("mystore", "we_operator", query, frozenset({"messages.received"}), None).count


def test_a_long_range_is_sent_again_a_thousand_at_a_time(world: World) -> None:
    for number in range(MOST_AT_ONCE + 5):
        world.add(number)
    first = world.manage.resend_range("mystore", "we_operator", ALL, frozenset(), None)
    rest = world.manage.resend_range("mystore", "we_operator", ALL, frozenset(), first.next)

    assert (MOST_AT_ONCE, 5, None) == (first.count, rest.count, rest.next)
    assert MOST_AT_ONCE + 5 == len(world.waiting())


def test_an_endpoint_that_gets_nothing_is_to_be_resumed_first(world: World) -> None:
    world.add(1)
    world.healths.change(SHOP, lambda health: (health.failed(NOW, Answer(410), EndpointLimits()), None))
    key = world.row(1).key
    with pytest.raises(Conflict, match="Resume it first"):
        world.manage.resend("mystore", key)
    world.manage.resume("mystore", "we_operator")
    world.manage.resend("mystore", key)

    assert (NOW, NOW) == ((health := world.healths.look(SHOP)).wake_at, health.drain_began)


def test_so_is_a_paused_one(clock: FakeClock) -> None:
    world = World(clock, "paused")
    world.add(1)

    with pytest.raises(Conflict, match="Resume it first"):
        world.manage.resend("mystore", world.row(1).key)


def test_while_its_breaker_is_open_it_waits_for_the_probe(world: World) -> None:
    for _ in range(2):
        world.healths.change(SHOP, lambda health: (health.failed(NOW, Answer(None), EndpointLimits()), None))
    world.add(1)
    world.manage.resend("mystore", world.row(1).key)

    assert NOW + 30 * SECOND == world.healths.look(SHOP).wake_at


def test_pause_ends_the_looking_and_resume_begins_it(world: World) -> None:
    world.manage.resume("mystore", "we_operator")
    resumed = world.healths.look(SHOP)
    world.manage.pause("mystore", "we_operator")

    assert (NOW, NOW) == (resumed.wake_at, resumed.drain_began)
    assert world.healths.look(SHOP).wake_at is None


def test_what_was_an_earlier_endpoints_goes_to_this_one_if_its_app_says_so(world: World) -> None:
    fact = MessageFact(MESSAGE_ID, "sent")
    world.facts.events[fact] = SENT
    for number, why in ((1, "gone"), (2, "gone"), (3, None)):
        world.add(number, why=why)
        row = world.row(number)
        world.deliveries.rows[row.key] = replace(row, made_for=NOW - 1)

    resent = [world.manage.resend("mystore", world.row(1).key), world.manage.resend_event("mystore", "we_2", fact)]
    world.manage.resend_range("mystore", "we_operator", ALL, frozenset(), None)
    assert [NOW, NOW + 1] == [row.made_for for row in resent]
    assert [NOW, NOW] == [world.row(number).made_for for number in (2, 3)]


def test_what_waits_for_a_deleted_one_is_looked_through(world: World) -> None:
    world.healths.change(SHOP, lambda health: (health.failed(NOW, Answer(410), EndpointLimits()), None))
    world.healths.contended = 1
    world.manage.deleted("mystore", "we_operator")
    assert world.healths.look(SHOP).wake_at is None, "it is deleted all the same"

    world.manage.deleted("mystore", "we_operator")
    assert EndpointHealth().drained(NOW) == world.healths.look(SHOP)


def test_who_is_too_late_is_told_to_try_again(world: World) -> None:
    world.add(1)
    world.healths.contended = 1
    with pytest.raises(ChangedMeanwhile):
        world.manage.resend("mystore", world.row(1).key)
    stale = world.row(1)
    world.deliveries.replace(stale, stale.again(NOW))
    world.deliveries.get = lambda key: stale  # type: ignore[method-assign]
    with pytest.raises(ChangedMeanwhile):
        world.manage.resend("mystore", stale.key)
