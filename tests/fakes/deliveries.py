"""The deliveries table, the endpoints' health, the queue of deliveries and the facts of events, in memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from hkreach.domain.delivery import (
    Delivery,
    DeliveryKey,
    DueDelivery,
    EndpointKey,
    EventSource,
    LeadMove,
    MessageFact,
    place,
)
from hkreach.domain.endpoint_health import EndpointHealth
from hkreach.domain.event import Event
from hkreach.ports import Clock, Contended
from hkreach.ports.deliveries import Line, LogPage, LogQuery
from tests.fakes.faults import Faulty

_MOST_PAGES = 5


class FakeDeliveries(Faulty):
    """Implements the port `Deliveries`. A line is read in pages, and what is not looked for counts, as in the table."""

    def __init__(self, clock: Clock, read_at_once: int = 1_000) -> None:
        super().__init__()
        self._clock = clock
        self.read_at_once = read_at_once
        self.rows: dict[DeliveryKey, Delivery] = {}

    def get(self, key: DeliveryKey) -> Delivery | None:
        self._called("get")
        found = self.rows.get(key)
        return found if found is not None and found.expires_at > self._clock() else None

    def add(self, delivery: Delivery) -> bool:
        self._called("add")
        if delivery.key in self.rows:
            return False
        self.rows[delivery.key] = delivery
        return True

    def replace(self, before: Delivery, after: Delivery) -> bool:
        self._called("replace")
        if before.key not in self.rows or self.rows[before.key].version != before.version:
            return False
        self.rows[before.key] = after
        return True

    def due(self, until: int, most: int) -> Sequence[DueDelivery]:
        self._called("due")
        found = [row for row in self.rows.values() if row.due_at is not None and row.due_at <= until]
        return [_due(row) for row in sorted(found, key=lambda row: row.due_at or 0)[:most]]

    def wait_again(self, delivery: DueDelivery, due_at: int) -> None:
        self._called("wait_again")
        row = self.rows.get(delivery.key)
        if row is not None and row.state == "waiting" and row.version == delivery.version:
            self.rows[delivery.key] = replace(row, due_at=due_at, touched_at=self._clock())

    def line(self, endpoint: EndpointKey, after: str | None, most: int, before: int) -> Line:
        self._called("line")
        behind = [row for row in self._of(endpoint) if row.state == "waiting" and _sk(row) > (after or "")]
        read = behind[: _MOST_PAGES * self.read_at_once]
        found = [row for row in read if row.due_at is None or row.touched_at < before]
        if len(found) > most:
            return Line([_due(row) for row in found[:most]], _sk(found[most - 1]))
        return Line([_due(row) for row in found], _sk(read[-1]) if len(read) < len(behind) else None)

    def log(self, endpoint: EndpointKey, query: LogQuery, after: str | None, most: int) -> LogPage:
        self._called("log")
        rows = [row for row in self._of(endpoint) if row.expires_at > self._clock()]
        if query.newest_first:
            rows.reverse()
        found = [
            row
            for row in rows
            if place(query.since) <= _sk(row) <= place(query.until)
            and query.state in {None, row.state}
            and (after is None or (_sk(row) < after if query.newest_first else _sk(row) > after))
        ]
        return LogPage(found[:most], _sk(found[most - 1]) if len(found) > most else None)

    def _of(self, endpoint: EndpointKey) -> list[Delivery]:
        return sorted((row for row in self.rows.values() if row.key.endpoint == endpoint), key=_sk)


class FakeEndpointHealths(Faulty):
    """Implements the port `EndpointHealths`, without a memory. `contended` of the next changes come too late."""

    def __init__(self) -> None:
        super().__init__()
        self.healths: dict[EndpointKey, EndpointHealth] = {}
        self.writes = 0
        self.contended = 0

    def look(self, endpoint: EndpointKey) -> EndpointHealth:
        self._called("look")
        return self.healths.get(endpoint, EndpointHealth())

    def change[T](self, endpoint: EndpointKey, decide: Callable[[EndpointHealth], tuple[EndpointHealth, T]]) -> T:
        self._called("change")
        if self.contended:
            self.contended -= 1
            raise Contended(endpoint)
        before = self.healths.get(endpoint, EndpointHealth())
        after, told = decide(before)
        if after != before:
            self.writes += 1
            self.healths[endpoint] = after
        return told

    def due(self, until: int, most: int) -> Sequence[EndpointKey]:
        self._called("due")
        waking = [(health.wake_at, key) for key, health in self.healths.items() if health.wake_at is not None]
        return [key for at, key in sorted(waking, key=lambda pair: pair[0]) if at <= until][:most]


class FakeDeliveryQueue(Faulty):
    """Implements the port `DeliveryQueue`. What is in `refuses` by event id is not taken."""

    def __init__(self, *, refuses: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.refuses = refuses
        self.queued: list[tuple[DueDelivery, int]] = []
        """Each with its delay in seconds."""
        self.forwarded: list[tuple[Event, str]] = []

    def put(self, deliveries: Sequence[DueDelivery], delays: Mapping[DeliveryKey, int]) -> Sequence[DueDelivery]:
        self._called("put")
        taken = [each for each in deliveries if each.key.event_id not in self.refuses]
        self.queued += [(each, delays.get(each.key, 0)) for each in taken]
        return [each for each in deliveries if each not in taken]

    def forward(self, event: Event, endpoint_id: str) -> bool:
        self._called("forward")
        if event["id"] in self.refuses:
            return False
        self.forwarded.append((event, endpoint_id))
        return True


class FakeEventFacts(Faulty):
    """Implements the port `EventFacts`: it knows the events that a test gives it."""

    def __init__(self) -> None:
        super().__init__()
        self.events: dict[MessageFact | LeadMove, Event] = {}

    def event(self, source: EventSource, app_name: str) -> Event | None:
        self._called("event")
        found = source if isinstance(source, dict) else self.events.get(source)
        return found if found is not None and found["appName"] == app_name else None


def _sk(row: Delivery) -> str:
    return row.key.place


def _due(row: Delivery) -> DueDelivery:
    return DueDelivery(row.key, row.due_at or 0, row.version)
