"""20 producers with 200 events each to the endpoints of 20 apps, of which some are bad: what the others notice.

In simulated time: production's steps on simulated processes, as many as template.yaml has and each with a batch of ten
and a memory of its own. A process is busy until the slowest of its batch is done, as Lambda's is; that is how one
app's server could delay another's. The queues are first come, first served: what SQS's fair queues add is not in it.
`pytest tests/usecases/test_webhook_neighbours.py -s` prints the figures.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Literal

import pytest

from hkreach.domain.app import App
from hkreach.domain.delivery import DeliveryKey, DueDelivery, EndpointKey, Plan, new_delivery
from hkreach.domain.endpoint_health import EndpointLimits
from hkreach.domain.event import Event, status_event
from hkreach.domain.message import Status
from hkreach.domain.progress import Progress
from hkreach.domain.time import DAY, HOUR, MINUTE, SECOND
from hkreach.domain.webhook_answer import Answer
from hkreach.usecases.deliver_webhook import DeliverWebhook
from hkreach.usecases.deliver_webhook_try import TryDelivery
from hkreach.usecases.wake_due_deliveries import WakeDeliveries
from tests.builders import NOW, app, endpoint, hooks, outbound
from tests.fakes.apps import FakeApps
from tests.fakes.deliveries import FakeDeliveries, FakeEndpointHealths, FakeEventFacts
from tests.fakes.remembered_healths import REMEMBERED, RememberedHealths
from tests.fakes.secrets import FakeSealedSecrets
from tests.fakes.stores import FakeEventBus
from tests.replay.queues import SimulatedQueue, Work, Workers
from tests.replay.timeline import Steps, Timeline
from tests.template import resources

PRODUCERS, EACH, APPS = 20, 200, 20
_LANES = [
    source["Properties"]
    for source in resources("AWS::Serverless::Function")["DeliverWebhookFunction"]["Events"].values()
]
PROCESSES, SLOW_PROCESSES = (
    Workers(lane["ScalingConfig"]["MaximumConcurrency"]["Fn::If"][2], lane["BatchSize"]) for lane in _LANES
)
ANSWER = 10 * SECOND
LATE = 9 * SECOND
BUSY = 80
"""More events a second for the slow one: with one lane that was ten seconds for everybody else."""
ONE_LANE = EndpointLimits(suspect_after=DAY, slow_after=DAY)
BAD_FOR = 10 * MINUTE

type Kind = Literal["healthy", "dead", "hanging", "flapping", "limiting", "slow"]
BAD: Mapping[str, Kind] = {"app00": "dead", "app01": "hanging", "app02": "flapping", "app03": "limiting"}


class Neighbours:
    """The apps with their servers, the queue with its processes, and `wake_due` every minute."""

    def __init__(self, bad: Mapping[str, Kind], limits: EndpointLimits | None = None) -> None:
        self.bad, self.random, self.limits = bad, random.Random(7), limits or EndpointLimits()
        self.timeline = Timeline(NOW)
        self._steps = Steps(self.timeline)
        self.published: dict[str, tuple[str, int]] = {}
        """Of each event whose it is, and when the bus had it."""
        self.taken: defaultdict[str, list[int]] = defaultdict(list)
        self.posts: Counter[str] = Counter()
        self.apps = FakeApps(*(self._app(number) for number in range(APPS)))
        self.deliveries, self.healths = FakeDeliveries(self.timeline), FakeEndpointHealths()
        self.facts, self.bus = FakeEventFacts(), FakeEventBus()
        self._bodies: dict[str, Event | DueDelivery | tuple[Event, str]] = {}
        self.queue = SimulatedQueue(self.timeline, self._steps, PROCESSES, self._process, twice=0)
        self.slow_lane = SimulatedQueue(self.timeline, self._steps, SLOW_PROCESSES, self._process, twice=0)
        wake = WakeDeliveries(self.deliveries, self.healths, self, self.timeline, 5)
        self.timeline.every(MINUTE, lambda: wake(lambda: 50_000))

    def _app(self, number: int) -> App:
        name = f"app{number:02}"
        return app(name, meta=None, endpoints=hooks(endpoint(url=f"https://{name}.example.com/", secret=None)))

    def _process(self) -> Work:
        attempt = TryDelivery(
            self.deliveries, RememberedHealths(self.healths, self.timeline), self, self.bus, FakeSealedSecrets(), self,
            self.timeline, Plan(), self.limits, self.random.random, self._overdue,
        )  # fmt: skip
        deliver = DeliverWebhook(self.apps, self.facts, attempt)

        def work(message_id: str, time_left: Callable[[], int], receives: int, batch: int) -> Progress:
            body = self._bodies[message_id]
            if isinstance(body, DueDelivery):
                deliver.retry(body.key, body.version)
            elif isinstance(body, tuple):
                deliver.forwarded(*body, again=receives > 1)
            else:
                deliver(body, again=receives > 1)
            return "done"

        return work

    def put(self, deliveries: Sequence[DueDelivery], delays: Mapping[DeliveryKey, int]) -> Sequence[DueDelivery]:
        """Implements the port `DeliveryQueue`."""
        for due in deliveries:
            self._queue(self.slow_lane, due, delays.get(due.key, 0))
        return []

    def forward(self, event: Event, endpoint_id: str) -> bool:
        """See the port."""
        self._queue(self.slow_lane, (event, endpoint_id))
        return True

    def _queue(self, queue: SimulatedQueue, body: Event | DueDelivery | tuple[Event, str], delay: int = 0) -> None:
        name = str(len(self._bodies))
        self._bodies[name] = body
        queue.put(name, delay)

    @contextmanager
    def _overdue(self, milliseconds: int, ring: Callable[[], None]) -> Iterator[None]:
        waits = [True]
        self.timeline.after(milliseconds, lambda: ring() if waits else None)
        yield
        waits.clear()

    def produce(self) -> None:
        """Each producer publishes ten events a second, to the apps in turn."""
        for number in range(PRODUCERS * EACH):
            at = NOW + number // PRODUCERS * 100 + self.random.randrange(100)
            message = outbound(
                f"3fa85f64-5717-4562-b3fc-{number:012}", app_name=f"app{number % APPS:02}", facts={Status.SENT: at}
            )
            self.timeline.at(at, partial(self._publish, status_event(message, Status.SENT)))
        more = BUSY * EACH // 10 if "slow" in self.bad.values() else 0
        for number in range(more):
            at = NOW + number * SECOND // BUSY
            message = outbound(f"4fa85f64-5717-4562-b3fc-{number:012}", app_name="app00", facts={Status.SENT: at})
            self.timeline.at(at, partial(self._publish, status_event(message, Status.SENT)))
        self.produced = PRODUCERS * EACH + more

    def _publish(self, event: Event) -> None:
        self.published[event["id"]] = (event["appName"], self.timeline())
        source = new_delivery(EndpointKey(event["appName"], "we_operator"), event, 0).source
        self.facts.events[source] = event  # type: ignore[index]
        self._queue(self.queue, event)

    def post(self, _: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Implements the port `WebhookClient`: the server of the event's app."""
        event = json.loads(body)
        assert event["id"] == headers.get("webhook-id", event["id"])
        self.posts[event["appName"]] += 1
        kind, since = self.bad.get(event["appName"], "healthy"), self.timeline() - NOW
        is_bad = since < BAD_FOR
        if is_bad and kind == "hanging":
            self._steps.stand_still(ANSWER)
            return Answer(None)
        self._steps.stand_still(LATE if kind == "slow" else self.random.randrange(30, 150))
        if is_bad and kind == "dead":
            return Answer(None)
        if is_bad and kind == "flapping" and since // (4 * SECOND) % 2:
            return Answer(500)
        if is_bad and kind == "limiting":
            return Answer(429, retry_after=30 * SECOND)
        self.taken[event["id"]].append(self.timeline())
        return Answer(200)

    def run(self) -> None:
        """Until all is delivered, a day at most."""
        self.produce()
        self.timeline.run_until(NOW + 24 * HOUR, stop=lambda: len(self.taken) == self.produced)
        self.timeline.run_until(self.timeline() + HOUR)
        self._steps.close()

    def latencies(self, apps: set[str]) -> list[int]:
        """Milliseconds from the bus to the server, sorted."""
        return sorted(
            self.taken[event_id][0] - at for event_id, (name, at) in self.published.items() if name in apps
        )  # fmt: skip


@pytest.fixture(scope="module")
def both() -> tuple[Neighbours, Neighbours]:
    runs = Neighbours(BAD), Neighbours({})
    for run in runs:
        run.run()
    return runs


HEALTHY = {f"app{number:02}" for number in range(APPS)} - set(BAD)


def test_every_event_is_delivered_exactly_once_whatever_the_server_was(both: tuple[Neighbours, Neighbours]) -> None:
    for run in both:
        assert PRODUCERS * EACH == len(run.published)
        assert set(run.published) == set(run.taken)
        assert {1} == {len(times) for times in run.taken.values()}
        assert run.posts.total() - PRODUCERS * EACH == sum(run.posts[name] - EACH for name in run.bad)


def test_the_healthy_ones_are_never_kept_waiting(both: tuple[Neighbours, Neighbours]) -> None:
    with_bad, without = both
    title = f"{PRODUCERS * EACH} events, {PROCESSES.processes} processes; milliseconds to the server"
    print(f"\n{title}")  # noqa: T201
    for which, run in (("with four bad ones", with_bad), ("without", without)):
        times = run.latencies(HEALTHY)
        shown = ", ".join(f"p{p} {times[len(times) * p // 100]}" for p in (50, 90, 99))
        print(f"  the sixteen, {which}: {shown}, most {times[-1]}; writes of deliveries {len(run.deliveries.rows)}")  # noqa: T201
    for name, kind in BAD.items():
        posts, key = with_bad.posts[name], EndpointKey(name, "we_operator")
        rows = sum(row.key.endpoint == key for row in with_bad.deliveries.rows.values())
        last = max(with_bad.latencies({name}))
        print(f"  {kind:<9} {posts} POSTs for {EACH} events, {rows} waited; the last after {last // SECOND} s")  # noqa: T201

    p99_with, p99_without = (run.latencies(HEALTHY)[len(HEALTHY) * EACH * 99 // 100] for run in both)
    assert p99_with <= p99_without + SECOND
    assert max(with_bad.latencies(HEALTHY)) < ANSWER, "none stood behind the one that hangs"
    assert dict.fromkeys(HEALTHY, EACH) == {name: with_bad.posts[name] for name in HEALTHY}
    assert not [row for row in with_bad.deliveries.rows.values() if row.key.endpoint.app_name in HEALTHY]


def test_a_bad_one_gets_few_posts_while_it_is_bad(both: tuple[Neighbours, Neighbours]) -> None:
    with_bad, _ = both

    wasted = {kind: with_bad.posts[name] - EACH for name, kind in BAD.items()}
    assert max(wasted["dead"], wasted["limiting"]) <= 30
    # What comes until the first two have had no answer for ten seconds, and everybody knows of it.
    assert wasted["hanging"] <= (ANSWER + REMEMBERED) // 100 + 30
    assert 0 < wasted["flapping"] <= 100


def test_one_that_is_slow_and_takes_everything_keeps_nobody_waiting(both: tuple[Neighbours, Neighbours]) -> None:
    others = HEALTHY | set(BAD) - {"app00"}
    runs = {"two lanes": Neighbours({"app00": "slow"}), "one lane": Neighbours({"app00": "slow"}, ONE_LANE)}
    for run in runs.values():
        run.run()
    p99 = {
        name: times[len(times) * 99 // 100]
        for name, run in (runs | {"without": both[1]}).items()
        if (times := run.latencies(others))
    }
    two = runs["two lanes"]
    figures = f"p99 of the others {p99}; its own last after {two.latencies({'app00'})[-1] // SECOND} s"
    print(f"\n{BUSY + 10} events a second answered 200 after {LATE // SECOND} s: {figures}")  # noqa: T201

    assert p99["two lanes"] <= p99["without"] + SECOND // 10
    assert p99["one lane"] > 5 * SECOND, "the rate is one that would matter"
    assert (two.produced, set(two.published)) == (len(two.published), set(two.taken))
    assert {1} == {len(times) for times in two.taken.values()}
    assert [] == list(two.deliveries.rows), "what goes by the slow lane writes nothing unless it fails"
    assert two.healths.writes <= 3
