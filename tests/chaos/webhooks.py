"""What brings the events to the integrator's server, under faults: production's own steps, on simulated queues."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hkreach.domain.delivery import DeliveryKey, DueDelivery, EventSource, MessageFact, Plan
from hkreach.domain.endpoint_health import EndpointLimits
from hkreach.domain.event import Event, status_event
from hkreach.domain.message import OutboundMessage, Status
from hkreach.domain.webhook_answer import Answer
from hkreach.ports import Clock
from hkreach.usecases.deliver_webhook import DeliverWebhook
from hkreach.usecases.deliver_webhook_try import TryDelivery
from hkreach.usecases.wake_due_deliveries import WakeDeliveries
from tests.chaos.faults import Faults
from tests.chaos.outside import SimulatedQueue
from tests.fakes.clock import FakeClock
from tests.fakes.deliveries import FakeDeliveries, FakeEndpointHealths
from tests.fakes.overdue import FakeOverdue

_PLAN = Plan([5_000, *[60_000] * 9])


class SimulatedWebhooks:
    """The deliveries, and an integrator's server that sometimes refuses."""

    def __init__(self, faults: Faults, clock: FakeClock, records: SimulatedQueue) -> None:
        self.told: dict[str, set[str]] = {}
        """The statuses that the server took, by message."""
        self._faults, self._clock, self._records = faults, clock, records
        self.rows = FakeDeliveries(clock)

    def wire(
        self, struck: Callable[[str, Any], Any], apps: Any, secrets: Any, bus: Any, read: Callable[[str], Any]
    ) -> None:
        """`struck`: puts faults before and after an adapter's calls. `read`: a message by its id."""
        deliveries = struck("deliveries", self.rows)
        healths, queue = struck("healths", FakeEndpointHealths()), struck("webhook_queue", self)
        limits, now, draw = EndpointLimits(), self._clock, self._faults.random.random
        attempt = TryDelivery(
            deliveries, healths, queue, bus, secrets, self, now, _PLAN, limits, draw, FakeOverdue(now)
        )
        self._deliver = DeliverWebhook(apps, struck("facts", _Facts(read, now)), attempt)
        self._wake = WakeDeliveries(deliveries, healths, queue, now, 5)

    def work(self) -> None:
        """One record of the queue. Raises what the step stops with, and then the queue keeps the record."""
        record = self._records.receive()
        if record is None:
            return
        if isinstance(record.body, DueDelivery):
            self._deliver.retry(record.body.key, record.body.version)
        elif isinstance(record.body, tuple):
            self._deliver.forwarded(*record.body, again=record.receives > 1)
        else:
            self._deliver(record.body, again=record.receives > 1)
        self._records.acknowledge(record)

    def wake(self) -> None:
        """The minute's waking."""
        self._wake(lambda: 50_000)

    @property
    def waiting(self) -> bool:
        """Whether a delivery waits in the table."""
        return any(row.state == "waiting" for row in self.rows.rows.values())

    def put(self, deliveries: Sequence[DueDelivery], delays: Mapping[DeliveryKey, int]) -> Sequence[DueDelivery]:
        """Implements the port `DeliveryQueue`."""
        refused = [delivery for delivery in deliveries if self._faults.happens("queue refused an entry")]
        for delivery in deliveries:
            if delivery not in refused:
                self._records.add(delivery, delays.get(delivery.key, 0))
        return refused

    def forward(self, event: Event, endpoint_id: str) -> bool:
        """See the port."""
        self._records.add((event, endpoint_id), 0)
        return True

    def post(self, _: str, body: bytes, __: dict[str, str]) -> Answer:
        """Implements the port `WebhookClient`: the integrator's server."""
        if self._faults.happens("webhook refused"):
            return Answer(503)
        data = json.loads(body)["data"]
        self.told.setdefault(data["messageId"], set()).add(data["status"])
        return Answer(200)


class _Facts:
    """Implements the port `EventFacts` on the messages that are there."""

    def __init__(self, read: Callable[[str], Any], now: Clock) -> None:
        self._read, self._now = read, now

    def event(self, source: EventSource, app_name: str) -> Event | None:
        assert isinstance(source, MessageFact)
        message = self._read(source.message_id)
        assert isinstance(message, OutboundMessage)
        return status_event(message, Status(source.fact)) if source.fact in message.facts else None
