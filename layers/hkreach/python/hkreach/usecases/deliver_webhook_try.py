"""One try of one event at one endpoint: may it be posted, the POST, what that teaches, and what is written of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from hkreach.domain.delivery import Delivery, DueDelivery, EndpointKey, Plan
from hkreach.domain.endpoint import Endpoint
from hkreach.domain.endpoint_health import Admission, EndpointHealth, EndpointLimits
from hkreach.domain.event import Event
from hkreach.domain.time import MINUTE, SECOND
from hkreach.domain.webhook_answer import Answer
from hkreach.domain.webhook_warning import warning_event
from hkreach.ports import Clock, Contended, EventBus, SealedSecrets, WebhookClient
from hkreach.ports.deliveries import Deliveries, DeliveryQueue, EndpointHealths, Overdue
from hkreach.usecases.deliver_webhook_post import post_event

logger = Logger(service="hkreach", child=True)

_LONGEST_IN_QUEUE = MINUTE
"""A wait up to here is the queue's; `wake_due` comes once a minute and would make five seconds a minute."""
_LATER = 5 * MINUTE
"""When what the queue holds is woken in case the queue loses it."""


class WarningRefused(Exception):
    """The bus did not take a warning: nothing is written of what it warns of, and the record comes again."""


class ForwardRefused(Exception):
    """The slow lane did not take a first try: its record comes again."""


@dataclass(frozen=True)
class TryDelivery:
    """All that a try needs. `draw` gives numbers even in [0, 1)."""

    deliveries: Deliveries
    healths: EndpointHealths
    queue: DeliveryQueue
    bus: EventBus
    secrets: SealedSecrets
    client: WebhookClient
    now: Clock
    plan: Plan
    limits: EndpointLimits
    draw: Callable[[], float]
    overdue: Overdue

    def __call__(
        self,
        endpoint: Endpoint,
        event: Event,
        delivery: Delivery,
        stored: Delivery | None,
        *,
        may_forward: bool = False,
    ) -> None:
        """Try it, hold it, or put it on the slow lane if its endpoint is slow.

        `stored`: as it stands in the table; None: this is the first try.

        A first try that succeeds writes nothing. The POST comes before all writes: who dies between repeats it, with
        the same event id.
        """
        key = delivery.key.endpoint
        seen = self.healths.look(key)
        if may_forward and seen.goes_slowly(self.now()):
            self._forward(key, event)
            return
        admission = self._admission(key, seen)
        if admission in {"breaker", "disabled"}:
            self.hold(delivery, stored, admission)
            return
        began = self.now()
        try:
            with self.overdue(self.limits.suspect_after, lambda: self._suspect(key)):
                answer = post_event(endpoint, event, began, secrets=self.secrets, client=self.client)
        except Exception:
            logger.exception("webhook could not be made", event_id=event["id"], endpoint_id=key.endpoint_id)
            answer = Answer(None, ours=True)
        took = self.now() - began
        logger.info(
            "webhook tried",
            event_id=event["id"],
            app_name=key.app_name,
            endpoint_id=key.endpoint_id,
            number=delivery.tries + 1,
            failure=answer.failure,
            milliseconds=took,
        )
        if answer.ours:  # the endpoint is not charged with it
            self.put_off(delivery, stored)
            if delivery.faults or admission == "probe":  # it lasts: not each of its deliveries is to find that out
                self._change(key, lambda health: health.faulted(self.now(), self.limits))
            return
        after = delivery.tried(delivery.attempt(began, took, answer), answer, self.plan, self.draw())
        if answer.failure is None:
            self._succeeded(key, took)
            if stored is not None:
                self._write(after, stored)
            return
        if self._failed(key, answer, took).disabled_at is not None and after.state == "waiting":
            after = after.held("disabled", self.now())
        self._write_and_queue(after, stored)

    def _forward(self, key: EndpointKey, event: Event) -> None:
        if not self.queue.forward(event, key.endpoint_id):
            raise ForwardRefused(event["id"])
        logger.info("webhook goes by the slow lane", event_id=event["id"], endpoint_id=key.endpoint_id)

    def hold(self, delivery: Delivery, stored: Delivery | None, why: str) -> None:
        """Keep it until its endpoint gets something again.

        First somebody is to look after it, for who dies between leaves nothing behind that nobody looks after.
        """
        if why == "breaker":
            self.healths.change(delivery.key.endpoint, lambda health: (health.held(self.now()), None))
        self._write(delivery.held(why, self.now()), stored)
        logger.info("webhook is held", event_id=delivery.key.event_id, why=why)

    def put_off(self, delivery: Delivery, stored: Delivery | None) -> None:
        """A fault of ours kept it from being tried: later, and each time a longer while later."""
        after = delivery.faulted(self.now())
        self._write(after, stored)
        # The template counts this line for its alarm; docs/operations.md says what to do.
        logger.error(
            "webhook is put off for a fault of ours",
            event_id=after.key.event_id,
            app_name=after.key.endpoint.app_name,
            endpoint_id=after.key.endpoint.endpoint_id,
            faults=after.faults,
        )

    def _admission(self, key: EndpointKey, seen: EndpointHealth) -> Admission:
        if seen.disabled_at is None and seen.breaker.is_closed:
            return "go"
        try:
            return self.healths.change(key, lambda health: health.admit(self.now(), self.limits))
        except Contended:
            return "breaker"

    def _suspect(self, key: EndpointKey) -> None:
        self._change(key, lambda health: health.suspected(self.now(), self.limits))

    def _succeeded(self, key: EndpointKey, took: int) -> None:
        now, seen = self.now(), self.healths.look(key)
        if not seen.is_calm or seen != seen.timed(now, took, self.limits):
            self._change(key, lambda health: health.timed(now, took, self.limits).succeeded(now))

    def _failed(self, key: EndpointKey, answer: Answer, took: int) -> EndpointHealth:
        """Count it. What is to be warned of is written when the bus has the warning.

        Who dies between warns twice, with the same event, and never not at all.
        """
        told: set[str] = set()
        now = self.now()

        def decide(health: EndpointHealth) -> tuple[EndpointHealth, Event | None]:
            after = health.timed(now, took, self.limits).failed(now, answer, self.limits)
            if after.warned > health.warned:
                warning = warning_event(key, after, self.limits.patience)
                if warning["id"] not in told:
                    return health, warning
            return after, None

        try:
            while warning := self.healths.change(key, decide):
                if self.bus.publish([warning]):
                    raise WarningRefused(warning["id"])
                logger.info("webhook warning", endpoint_id=key.endpoint_id, level=warning["data"]["level"])
                told.add(warning["id"])
        except Contended:
            logger.info("endpoint's failure was not counted", endpoint_id=key.endpoint_id)
        return self.healths.look(key)

    def _change(self, key: EndpointKey, to: Callable[[EndpointHealth], EndpointHealth]) -> None:
        """A change that does not matter so much that its try should be made again for it."""
        try:
            self.healths.change(key, lambda health: (to(health), None))
        except Contended:
            logger.info("endpoint's health was not changed", endpoint_id=key.endpoint_id)

    def _write_and_queue(self, after: Delivery, stored: Delivery | None) -> None:
        """A short wait is spent in the queue, a long one in the table alone."""
        wait = None if after.due_at is None else after.due_at - self.now()
        if after.due_at is None or wait is None or wait > _LONGEST_IN_QUEUE:
            self._write(after, stored)
            return
        if self._write(replace(after, due_at=after.due_at + _LATER), stored):
            due = DueDelivery(after.key, after.due_at, after.version)
            self.queue.put([due], {after.key: max(0, -(-wait // SECOND))})

    def _write(self, after: Delivery, stored: Delivery | None) -> bool:
        if stored is None:
            return self.deliveries.add(after)
        return self.deliveries.replace(stored, after)
