"""deliver_webhook, where an endpoint is slow: it gets its events by a lane of its own, and the others at once."""

import json
from collections.abc import Callable

import pytest

from hkreach.domain.delivery import EndpointKey
from hkreach.domain.endpoint import Endpoint
from hkreach.domain.event import Event, status_event
from hkreach.domain.message import Status
from hkreach.domain.time import MINUTE, SECOND
from hkreach.domain.webhook_answer import Answer
from hkreach.usecases.deliver_webhook_try import ForwardRefused
from tests.builders import NOW, app, endpoint, hooks, outbound
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.delivering import Delivering
from tests.fakes.secrets import FakeSealedSecrets

SLOW = EndpointKey("mystore", "we_1")
EVENT: Event = status_event(outbound(facts={Status.SENT: NOW}), Status.SENT)


def _endpoint(number: int, **parts: object) -> Endpoint:
    url = f"https://{number}.example.com/"
    return endpoint(f"we_{number}", url=url, created_at=number, secret=None, **parts)  # type: ignore[arg-type]


class World(Delivering):
    """An app with two endpoints, and a server that takes its time."""

    def __init__(self) -> None:
        self.time = FakeClock(NOW)
        self.apps = FakeApps(app(endpoints=hooks(_endpoint(1), _endpoint(2))))
        self.posted: list[str] = []
        self.takes: Callable[[str], int] = lambda _: 100
        self.answer = Answer(200)
        super().__init__(self.apps, FakeSealedSecrets(), self, self.time)

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        assert EVENT == json.loads(body)
        self.posted.append(url[8:9])
        self.time.advance(self.takes(url))
        return self.answer

    def is_slow(self) -> None:
        self.healths.change(SLOW, lambda health: (health.timed(self.time(), 9 * SECOND, self.attempt.limits), None))


@pytest.fixture
def world() -> World:
    return World()


def test_one_that_takes_three_seconds_is_slow_from_then_on(world: World) -> None:
    world.takes = lambda url: 3 * SECOND if "1" in url else 100
    world.deliver(EVENT)
    world.deliver(EVENT)

    assert ["1", "2", "2"] == world.posted
    assert [(EVENT, "we_1")] == world.queue.forwarded
    assert [SLOW] == list(world.healths.healths)


def test_that_one_waits_is_told_before_it_has_its_answer(world: World) -> None:
    world.takes = lambda url: SECOND if "1" in url else 100
    world.deliver(EVENT)

    assert NOW + SECOND + world.attempt.limits.probe == world.healths.look(SLOW).slow_until


def test_it_writes_once_however_much_it_gets(world: World) -> None:
    world.takes = lambda _: 3 * SECOND
    for _ in range(20):
        world.deliver.forwarded(EVENT, "we_1")

    assert 2 == world.healths.writes, "that it may be, and that it is"
    assert [] == world.rows


def test_what_was_put_on_the_slow_lane_is_posted_to_that_endpoint_alone(world: World) -> None:
    world.is_slow()
    world.deliver.forwarded(EVENT, "we_1")

    assert (["1"], [], []) == (world.posted, world.rows, world.queue.forwarded)


def test_a_failure_on_the_slow_lane_is_a_delivery_like_any_other(world: World) -> None:
    world.is_slow()
    world.answer = Answer(500)
    world.deliver.forwarded(EVENT, "we_1")
    world.deliver.forwarded(EVENT, "we_1", again=True)

    assert ["1"] == world.posted, "the record that comes again leaves it to the delivery"
    assert [("waiting", 1, SLOW)] == [(row.state, row.tries, row.key.endpoint) for row in world.rows]


def test_what_the_slow_lane_refuses_keeps_the_record(world: World) -> None:
    world.is_slow()
    world.queue.refuses = frozenset({EVENT["id"]})
    with pytest.raises(ForwardRefused):
        world.deliver(EVENT)
    assert [] == world.rows


def test_who_dies_after_putting_it_there_puts_it_there_again(world: World) -> None:
    world.is_slow()
    world.queue.fails("forward", OSError("killed"))
    with pytest.raises(OSError, match="killed"):
        world.deliver(EVENT)
    world.deliver(EVENT, again=True)

    assert (EVENT, "we_1") == world.queue.forwarded[-1]
    assert ["2"] == world.posted


def test_quick_answers_bring_it_back(world: World) -> None:
    world.is_slow()
    world.time.advance(3 * MINUTE)
    for _ in range(5):
        world.deliver.forwarded(EVENT, "we_1")
    world.deliver(EVENT)

    assert ["1"] * 6 + ["2"] == world.posted
    assert world.healths.look(SLOW).slow_until is None


def test_what_meets_an_open_breaker_is_held_at_once(world: World) -> None:
    world.is_slow()
    world.answer = Answer(None)
    for _ in range(2):
        world.healths.change(SLOW, lambda h: (h.failed(world.time(), Answer(None), world.attempt.limits), None))
    world.answer = Answer(200)
    world.deliver(EVENT)

    assert ([], ["2"], ["breaker"]) == (world.queue.forwarded, world.posted, [row.why for row in world.rows])


def test_what_comes_for_one_that_was_paused_meanwhile_is_kept_and_for_one_that_is_gone_is_not(world: World) -> None:
    world.apps.apps["mystore"] = app(endpoints=hooks(_endpoint(1, state="paused")))
    world.deliver.forwarded(EVENT, "we_1")
    world.deliver.forwarded(EVENT, "we_2")

    assert ([], ["paused"]) == (world.posted, [row.why for row in world.rows])
