"""A month of an endpoint that is dead, in simulated time: its tries against the plan, warnings, the end, the resume.

`pytest tests/usecases/test_webhook_month.py -s` prints them.
"""

import itertools
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from hkreach.domain.delivery import DeliveryKey, DueDelivery, EndpointKey, Plan, new_delivery
from hkreach.domain.endpoint_health import EndpointLimits
from hkreach.domain.event import Event, status_event
from hkreach.domain.message import Status
from hkreach.domain.time import DAY, HOUR, MINUTE, SECOND, to_rfc3339
from hkreach.domain.webhook_answer import Answer
from hkreach.ports.deliveries import LogQuery
from hkreach.usecases.manage_app import ManageApp
from hkreach.usecases.manage_app_deliveries import ManageDeliveries
from hkreach.usecases.wake_due_deliveries import WakeDeliveries
from tests.builders import NOW, app, endpoint, hooks, outbound
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.delivering import Delivering
from tests.fakes.outside import FakeWebhookClient
from tests.fakes.secrets import FakeSealedSecrets

PACE = 2
READ_AT_ONCE = 3
"""So few that a probe is sought over several minutes."""
DEAD = EndpointKey("mystore", "we_operator")
PLAN = Plan()
LIMITS = EndpointLimits()


class Month:
    """Events that come at their times, the queue with its delays, and `wake_due` every minute."""

    def __init__(self, events: Sequence[tuple[int, Event]], seed: int = 1) -> None:
        self.clock = FakeClock(NOW // MINUTE * MINUTE)
        self.is_dead = True
        self.posts: list[tuple[int, str]] = []
        """Of the dead endpoint: when, and the event's id. `taken`: those that it took when it was well again."""
        self.taken: list[tuple[int, str]] = []
        self.told: list[tuple[int, Event]] = []
        """What the other endpoint got of warnings."""
        dead = endpoint(url="https://dead.example.com/", secret=None)
        other = endpoint("we_2", url="https://ops.example.com/", secret=None, events=frozenset({"webhooks.warning"}))
        self.apps = FakeApps(app(endpoints=hooks(dead, replace(other, created_at=NOW + 1))))
        self.delivering = Delivering(self.apps, FakeSealedSecrets(), self, self.clock, PLAN, LIMITS)
        object.__setattr__(self.delivering.attempt, "draw", random.Random(seed).random)
        around = self.delivering
        around.deliveries.read_at_once = READ_AT_ONCE
        self.wake = WakeDeliveries(around.deliveries, around.healths, self, self.clock, PACE)
        object.__setattr__(around.attempt, "queue", self)
        manage_app = ManageApp(self.apps, FakeSealedSecrets(), FakeWebhookClient(), self.clock)
        self.manage = ManageDeliveries(manage_app, around.deliveries, around.healths, around.facts, self.clock)
        self._events = sorted(events, key=lambda each: each[0])
        self._queued: list[tuple[int, DueDelivery]] = []
        for _, event in events:
            self.around_knows(event)

    def around_knows(self, event: Event) -> None:
        source = new_delivery(DEAD, event, 0).source
        self.delivering.facts.events[source] = event  # type: ignore[index]

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        event = json.loads(body)
        assert headers["User-Agent"]
        if "ops" in url:
            self.told.append((self.clock(), event))
            return Answer(200)
        self.posts.append((self.clock(), event["id"]))
        if self.is_dead:
            return Answer(503)
        self.taken.append((self.clock(), event["id"]))
        return Answer(200)

    def put(self, deliveries: Sequence[DueDelivery], delays: Mapping[DeliveryKey, int]) -> Sequence[DueDelivery]:
        """Implements the port `DeliveryQueue`: a queue that keeps what it is given until its second."""
        self._queued += [(self.clock() + delays.get(each.key, 0) * SECOND, each) for each in deliveries]
        return []

    def forward(self, event: Event, endpoint_id: str) -> bool:
        raise AssertionError("none is slow")

    def run_until(self, end: int) -> None:
        """Minute by minute, but for those in which nothing can happen."""
        while self.clock() < end:
            self.wake(lambda: 50_000)
            minute = self.clock.now + MINUTE
            self._work_until(minute)
            self.clock.now = max(minute, min(end, self._next() // MINUTE * MINUTE - MINUTE))

    def _work_until(self, end: int) -> None:
        while True:
            self._queued.sort(key=lambda each: (each[0], each[1].key.place))
            event_at = self._events[0][0] if self._events else end
            queued_at = self._queued[0][0] if self._queued else end
            if min(event_at, queued_at) >= end:
                return
            self.clock.now = max(self.clock.now, min(event_at, queued_at))
            if queued_at <= event_at:
                _, due = self._queued.pop(0)
                self.delivering.deliver.retry(due.key, due.version)
            else:
                self.delivering.deliver(self._events.pop(0)[1])
            while self.delivering.bus.published:
                self.delivering.deliver(self.delivering.bus.published.pop(0))

    def _next(self) -> int:
        rows = self.delivering.deliveries.rows.values()
        times = [row.due_at for row in rows if row.due_at is not None]
        times += [health.wake_at for health in self.delivering.healths.healths.values() if health.wake_at is not None]
        times += [at for at, _ in self._queued[:1]] + [at for at, _ in self._events[:1]]
        return min(times, default=10**15)


def _event(number: int, at: int) -> tuple[int, Event]:
    name = f"3fa85f64-5717-4562-b3fc-{number:012}"
    return at, status_event(outbound(name, facts={Status.SENT: at}), Status.SENT)


def _span(milliseconds: int) -> str:
    return f"{milliseconds // HOUR:>3} h {milliseconds % HOUR // MINUTE:02} min {milliseconds % MINUTE // SECOND:02} s"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_event_is_tried_ten_times_as_planned(seed: int) -> None:
    month = Month([_event(1, NOW // MINUTE * MINUTE)], seed)
    month.run_until(NOW + 30 * DAY)

    tries = [at for at, _ in month.posts]
    waits = [after - before for before, after in itertools.pairwise(tries)]
    print("\ntry   planned wait     wait             since the first")  # noqa: T201
    for number, (planned, wait) in enumerate(zip(PLAN.waits, waits, strict=True), 2):
        print(f"{number:>3}  {_span(planned)}  {_span(wait)}  {_span(tries[number - 1] - tries[0])}")  # noqa: T201
        assert 0.8 * planned - SECOND <= wait <= 1.2 * planned + SECOND, "the queue counts in whole seconds"
    assert 1 == len({event_id for _, event_id in month.posts})
    ((row),) = month.delivering.rows
    assert ("failed", 10) == (row.state, row.tries)
    assert 60 * HOUR <= tries[-1] - tries[0] <= 91 * HOUR


def test_a_dead_month_and_its_end() -> None:
    hours = range(30 * 24)
    begin = NOW // MINUTE * MINUTE
    events = [_event(number, begin + number * HOUR + number % 59 * SECOND) for number in hours]
    month = Month(events)
    month.run_until(begin + 30 * DAY)

    health = month.delivering.healths.look(DEAD)
    assert [(50, "failing"), (70, "failing"), (90, "failing"), (100, "disabled")] == [
        (event["data"]["level"], event["data"]["state"]) for _, event in month.told
    ]
    for at, event in month.told:
        due = event["data"]["level"] * LIMITS.patience // 100
        assert due <= at - begin <= due + HOUR, "as soon as a try fails after it"
    assert (begin + 5 * DAY) <= (health.disabled_at or 0) <= begin + 5 * DAY + HOUR
    last = max(at for at, _ in month.posts)
    assert last == health.disabled_at, "then nothing is posted any more"
    states = Counter(row.state for row in month.delivering.rows)
    assert len(events) == states["waiting"] + states["failed"]
    tries = Counter(event_id for _, event_id in month.posts)
    assert max(tries.values()) == 10
    per_day = Counter((at - begin) // DAY for at, _ in month.posts)
    print(f"\n{len(events)} events in 30 days to a dead endpoint; POSTs on each day: {dict(per_day)}")  # noqa: T201
    for at, event in month.told:
        print(f"  {_span(at - begin)}: warned of {event['data']['level']} %, {event['data']['state']}")  # noqa: T201
    print(f"  waiting {states['waiting']}, failed after ten tries {states['failed']}")  # noqa: T201

    month.is_dead = False
    resumed = month.clock()
    month.manage.resume("mystore", DEAD.endpoint_id)
    month.run_until(resumed + HOUR)
    backlog = list(month.taken)
    _assert_in_order_paced_and_once(backlog, resumed)
    assert states["waiting"] == len(backlog)
    took = backlog[-1][0] - resumed
    print(f"  resumed on {to_rfc3339(resumed)}: {len(backlog)} delivered in order in {_span(took)}")  # noqa: T201

    again = month.manage.resend_range("mystore", DEAD.endpoint_id, LogQuery(), frozenset(), None)
    assert (states["failed"], None) == (again.count, again.next)
    before = len(month.taken)
    resent = month.clock()
    month.run_until(resent + HOUR)
    _assert_in_order_paced_and_once(month.taken[before:], resent)
    ids = {event["id"] for _, event in events}
    assert Counter(ids) == Counter(event_id for _, event_id in month.taken), "nothing lost, nothing doubled"
    assert {"delivered"} == {row.state for row in month.delivering.rows}
    assert month.delivering.healths.look(DEAD).wake_at is None


def _assert_in_order_paced_and_once(taken: Sequence[tuple[int, str]], since: int) -> None:
    ids = [event_id for _, event_id in taken]
    assert len(ids) == len(set(ids))
    per_second = Counter(at // SECOND for at, _ in taken)
    assert max(per_second.values()) <= PACE
    assert taken[0][0] - since <= 2 * MINUTE


def test_the_backlog_of_a_deleted_endpoint_is_given_up_and_the_next_one_gets_none_of_it() -> None:
    begin = NOW // MINUTE * MINUTE
    month = Month([_event(number, begin + number * HOUR) for number in range(200)])
    month.run_until(begin + 9 * DAY)
    ended = month.apps.apps["mystore"]
    month.manage.manage_app.delete("mystore", DEAD.endpoint_id)
    month.manage.deleted("mystore", DEAD.endpoint_id)
    month.is_dead, posted = False, len(month.posts)
    month.run_until(month.clock() + HOUR)

    reasons = Counter(row.why for row in month.delivering.rows if row.state == "failed")
    assert len(month.delivering.rows) == sum(reasons.values()), "none waits for nobody"
    assert 0 < reasons["gone"] == len(month.delivering.rows) - reasons[None]
    assert month.delivering.healths.look(DEAD).wake_at is None
    another = replace(ended.endpoints[DEAD.endpoint_id], created_at=month.clock())
    after = month.apps.apps["mystore"]
    month.apps.apps["mystore"] = replace(after, endpoints={**after.endpoints, DEAD.endpoint_id: another})
    month.manage.resume("mystore", DEAD.endpoint_id)
    month.run_until(month.clock() + HOUR)
    assert (posted, []) == (len(month.posts), month.taken)


def test_what_fails_at_first_and_then_not_comes_in_the_order_of_the_events() -> None:
    begin = NOW // MINUTE * MINUTE
    month = Month([_event(number, begin + number * SECOND) for number in range(500)])
    month.run_until(begin + 20 * MINUTE)
    assert [] == month.taken
    month.is_dead = False
    month.run_until(begin + 12 * HOUR)

    order = [int(event_id_of(month, event_id)) for _, event_id in month.taken]
    assert list(range(500)) == sorted(order), "each once"
    held = [number for number in order if number >= 10]  # the first ones were tried, and wait for times of their own
    assert held == sorted(held)


def event_id_of(month: Month, event_id: str) -> str:
    (name,) = (
        event["data"]["messageId"] for event in month.delivering.facts.events.values() if event["id"] == event_id
    )
    return str(name)[-12:]
