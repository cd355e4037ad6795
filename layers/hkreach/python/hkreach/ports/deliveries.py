"""The ports to deliveries that wait, and to the health of the endpoints that they wait for."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from hkreach.domain.delivery import Delivery, DeliveryKey, DeliveryState, DueDelivery, EndpointKey, EventSource
from hkreach.domain.endpoint_health import EndpointHealth
from hkreach.domain.event import Event


@dataclass(frozen=True, slots=True)
class Line:
    """Some of an endpoint's waiting deliveries, oldest first: only those that nobody else wakes.

    `next`: where the line goes on; None: that was its end.
    """

    deliveries: Sequence[DueDelivery]
    next: str | None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some of an endpoint's deliveries. `next` goes on behind them or where the reading stopped; None: that was all."""

    deliveries: Sequence[Delivery]
    next: str | None


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What is looked for. `since` and `until`: when the event was made, in milliseconds, the second not included."""

    since: int = 0
    until: int = 10**15 - 1
    state: DeliveryState | None = None
    newest_first: bool = True


class Deliveries(Protocol):
    """The deliveries table. Every write is conditional; expired items do not exist."""

    def get(self, key: DeliveryKey) -> Delivery | None:
        """The delivery, strongly consistent."""

    def add(self, delivery: Delivery) -> bool:
        """Write a new one; False if there is one already, and then nothing is written."""

    def replace(self, before: Delivery, after: Delivery) -> bool:
        """Write the next of a delivery; False if somebody else did meanwhile, and then nothing is written."""

    def due(self, until: int, most: int) -> Sequence[DueDelivery]:
        """Those due by then, up to `most`, those longest due first in each part of the index."""

    def wait_again(self, delivery: DueDelivery, due_at: int) -> None:
        """Let one that was put on its queue come due again, in case the queue loses it; not if it changed meanwhile."""

    def line(self, endpoint: EndpointKey, after: str | None, most: int, before: int) -> Line:
        """An endpoint's waiting deliveries that are held, or that were touched last before then.

        It may find fewer than there are, or none, and say where to go on.
        """

    def log(self, endpoint: EndpointKey, query: LogQuery, after: str | None, most: int) -> LogPage:
        """An endpoint's deliveries. It may find fewer than there are and say where to go on."""


class EndpointHealths(Protocol):
    """The health of endpoints, one item each beside its deliveries."""

    def look(self, endpoint: EndpointKey) -> EndpointHealth:
        """As it was a moment ago: up to some seconds."""

    def change[T](self, endpoint: EndpointKey, decide: Callable[[EndpointHealth], tuple[EndpointHealth, T]]) -> T:
        """Change it; `decide` gets what is there and gives what shall be, and what to tell the caller.

        It is called again if somebody was quicker, and must have no other effects. Nothing is written if nothing
        changes; what it gets first may be some seconds old. Raises Contended if somebody was quicker too often.
        """

    def due(self, until: int, most: int) -> Sequence[EndpointKey]:
        """The endpoints that somebody is to look after by then, those longest due first in each part of the index."""


class DeliveryQueue(Protocol):
    """The slow lane: the queue of what is tried again, and of first tries at endpoints that are slow."""

    def put(self, deliveries: Sequence[DueDelivery], delays: Mapping[DeliveryKey, int]) -> Sequence[DueDelivery]:
        """Queue each, for so many seconds later (to 900); returns those that the queue did not take.

        What is one endpoint's and for the same second is tried one after another, as it is given here; beyond that
        the queue has no order.
        """

    def forward(self, event: Event, endpoint_id: str) -> bool:
        """Queue the first try of an event at this endpoint of its app; whether the queue took it."""


class Overdue(Protocol):
    """A clock that rings."""

    def __call__(self, milliseconds: int, ring: Callable[[], None]) -> AbstractContextManager[None]:
        """A block in which `ring` is called once, from elsewhere, if it lasts so long."""


class NotYet(Exception):
    """What an event tells of is there, but has not happened so far: there is no such event yet."""


class EventFacts(Protocol):
    """What events are made of anew."""

    def event(self, source: EventSource, app_name: str) -> Event | None:
        """The event, as it was; None if what it tells of expired, was erased, or is another app's. Raises NotYet."""
