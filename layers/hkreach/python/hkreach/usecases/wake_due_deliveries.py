"""Wake the deliveries that fall due, and look after what is held for endpoints that get something again."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched, chain, zip_longest

from aws_lambda_powertools import Logger

from hkreach.domain.delivery import DueDelivery, EndpointKey
from hkreach.domain.endpoint_health import EndpointHealth
from hkreach.domain.time import MINUTE, SECOND
from hkreach.ports import Clock, Contended
from hkreach.ports.deliveries import Deliveries, DeliveryQueue, EndpointHealths

logger = Logger(service="hkreach", child=True)

MOST_AT_ONCE = 10_000
MOST_ENDPOINTS = 500
_TOGETHER = 100
_TIME_TO_FINISH = 5 * SECOND
_SECOND_CALL = 5 * MINUTE
"""What was woken and is still what it was by then is woken again: the queue may have lost it."""

type Each = Callable[[Callable[[DueDelivery], None], Iterable[DueDelivery]], Iterable[None]]


@dataclass(frozen=True)
class WakeDeliveries:
    """It queues first and writes afterwards: who dies between wakes a delivery twice, and never not at all.

    `per_second`: how many of an endpoint's backlog are queued for each second. `each` may make the writes at once.
    """

    deliveries: Deliveries
    healths: EndpointHealths
    queue: DeliveryQueue
    now: Clock
    per_second: float
    each: Each = map

    def __call__(self, time_left: Callable[[], int]) -> int:
        """Queue what falls due within the minute until the next call, each for its second; returns how many.

        What it has no time for is the next call's: half of it is for the endpoints, however many deliveries are due.
        An endpoint that fails stops no other: its error is raised last.
        """
        half = time_left() // 2
        due = batched(_dealt(self.deliveries.due(self.now() + MINUTE, MOST_AT_ONCE)), _TOGETHER, strict=False)
        woken = self._wake(due, lambda: time_left() - half)
        faults: list[Exception] = []
        for endpoint in self.healths.due(self.now() + MINUTE, MOST_ENDPOINTS):
            if time_left() < _TIME_TO_FINISH:
                break
            try:
                woken += self._look_after(endpoint)
            except Contended:
                logger.info("endpoint is looked after in the next minute", endpoint_id=endpoint.endpoint_id)
            except Exception as fault:
                # It stays due, first in line: the others are not to wait for it.
                logger.exception("endpoint was not looked after", endpoint_id=endpoint.endpoint_id)
                faults.append(fault)
        woken += self._wake(due, time_left)
        if faults:
            raise faults[0]
        return woken

    def _wake(self, due: Iterator[Sequence[DueDelivery]], time_left: Callable[[], int]) -> int:
        woken = 0
        while time_left() >= _TIME_TO_FINISH and (some := next(due, None)):
            woken += self._queue(some, [max(self.now(), delivery.due_at) for delivery in some])
        return woken

    def _look_after(self, endpoint: EndpointKey) -> int:
        health = self.healths.look(endpoint)
        if health.wake_at is None or health.wake_at > self.now() + MINUTE:  # somebody did meanwhile
            return 0
        if health.wake_at > self.now() and (health.ending or not health.wants_probe):  # only a probe is queued ahead
            return 0
        if health.wants_probe:
            return self._queue_probe(endpoint, health, max(self.now(), health.wake_at, health.breaker.open_until))
        if health.drain_began is None:  # its breaker closed, and whoever closed it died
            health = self._change(endpoint, lambda health: health.drained(self.now()))
        return self._queue_backlog(endpoint, health)

    def _queue_probe(self, endpoint: EndpointKey, seen: EndpointHealth, at: int) -> int:
        """The oldest of those held goes when the breaker's time is over.

        There may be many before it that wait for times of their own: then the search for it takes several minutes.
        """
        line = self.deliveries.line(endpoint, seen.drained_to, 1, 0)
        if not line.deliveries:
            now = self.now()

            def none_here(health: EndpointHealth) -> EndpointHealth:
                if not health.wants_probe or health.drained_to != seen.drained_to:  # it is looked after otherwise
                    return health
                return health.none_found(now) if line.next is None else health.searched(now, line.next)

            self._change(endpoint, none_here)
            return 0
        queued = self._queue(line.deliveries, [at])
        if queued:
            self._change(endpoint, lambda health: health.probe_queued(at) if health.wants_probe else health)
        return queued

    def _queue_backlog(self, endpoint: EndpointKey, health: EndpointHealth) -> int:
        began = health.drain_began or 0
        most = max(1, round(self.per_second * MINUTE / SECOND))
        line = self.deliveries.line(endpoint, health.drained_to, most, began)
        now = self.now()
        if not line.deliveries and line.next is None and health.drained_to is None:
            self._change(endpoint, lambda health: health.none_found(now) if health.drain_began == began else health)
            return 0
        times = [now + round(number * SECOND / self.per_second) for number in range(len(line.deliveries))]
        queued = self._queue(line.deliveries, times)
        if queued == len(line.deliveries):
            self._change(
                endpoint, lambda health: health.some_queued(now, line.next) if health.drain_began == began else health
            )
            logger.info("backlog goes on", endpoint_id=endpoint.endpoint_id, queued=queued)
        return queued

    def _queue(self, some: Sequence[DueDelivery], times: Sequence[int]) -> int:
        """Queue them for these times, and let each come due again later; returns how many the queue took."""
        at = {delivery.key: time for delivery, time in zip(some, times, strict=True)}
        delays = {key: max(0, -((self.now() - time) // SECOND)) for key, time in at.items()}
        refused = {delivery.key for delivery in self.queue.put(some, delays)}
        if refused:
            logger.error("queue refused due deliveries", refused=len(refused))
        taken = [delivery for delivery in some if delivery.key not in refused]
        again = self.deliveries.wait_again
        for _ in self.each(lambda delivery: again(delivery, at[delivery.key] + _SECOND_CALL), taken):
            pass
        return len(taken)

    def _change(self, endpoint: EndpointKey, to: Callable[[EndpointHealth], EndpointHealth]) -> EndpointHealth:
        def decide(health: EndpointHealth) -> tuple[EndpointHealth, EndpointHealth]:
            after = to(health)
            return after, after

        return self.healths.change(endpoint, decide)


def _dealt(due: Sequence[DueDelivery]) -> list[DueDelivery]:
    """Round the endpoints, so that none waits for the end of another's line."""
    lines: defaultdict[EndpointKey, list[DueDelivery]] = defaultdict(list)
    for delivery in sorted(due, key=lambda delivery: delivery.due_at):
        lines[delivery.key.endpoint].append(delivery)
    return [delivery for delivery in chain.from_iterable(zip_longest(*lines.values())) if delivery is not None]
