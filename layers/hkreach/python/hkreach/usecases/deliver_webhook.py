"""Deliver an event to the endpoints of its app that take it, and what one of them did not take to that one again."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from aws_lambda_powertools import Logger

from hkreach.domain.delivery import Delivery, DeliveryKey, DueDelivery, EndpointKey, LeadMove, new_delivery
from hkreach.domain.endpoint import Endpoint, in_order
from hkreach.domain.event import Event
from hkreach.domain.webhook_warning import WARNING
from hkreach.ports import Apps
from hkreach.ports.deliveries import EventFacts
from hkreach.usecases.deliver_webhook_try import TryDelivery

logger = Logger(service="hkreach", child=True)

type Each = Callable[[Callable[[Endpoint], None], Iterable[Endpoint]], Iterable[None]]
"""How the endpoints of one event are gone through: like `map`, or all at once."""


@dataclass(frozen=True)
class DeliverWebhook:
    """What comes off the webhook queues: an event of the bus, one for a slow endpoint, or a delivery."""

    apps: Apps
    facts: EventFacts
    attempt: TryDelivery

    def __call__(self, event: Event, each: Each = map, *, again: bool = False) -> None:
        """POST the event to each endpoint that takes it; what one does not take becomes a delivery that waits.

        Only a slow one does not get it here: it is put on the slow lane, and the record is done when that has it.

        `again`: the queue gave it before. Then what has a delivery already is that one's matter.
        """
        app = self.apps.get(event["appName"])
        endpoints = in_order(app.endpoints.values()) if app is not None else []
        takers = [endpoint for endpoint in endpoints if _takes(endpoint, event)]
        if not takers:
            logger.info("no webhook for this event", event_id=event["id"], app_name=event["appName"])

        def one(endpoint: Endpoint) -> None:
            self._first(endpoint, event, again, "main")

        for _ in each(one, takers):
            pass

    def forwarded(self, event: Event, endpoint_id: str, *, again: bool = False) -> None:
        """The same for the one endpoint for which the event was put on the slow lane."""
        endpoint = self._endpoint(EndpointKey(event["appName"], endpoint_id))
        if endpoint is None:
            logger.info("the webhook's endpoint is gone", event_id=event["id"], endpoint_id=endpoint_id)
        else:
            self._first(endpoint, event, again, "slow")

    def _first(self, endpoint: Endpoint, event: Event, again: bool, lane: Literal["main", "slow"]) -> None:
        key = EndpointKey(event["appName"], endpoint.endpoint_id)
        delivery = new_delivery(key, event, self.attempt.now(), endpoint.created_at)
        if again and self.attempt.deliveries.get(delivery.key) is not None:
            return
        if endpoint.state != "active":
            self.attempt.hold(delivery, None, endpoint.state)
        else:
            self.attempt(endpoint, event, delivery, None, may_forward=lane == "main")

    def in_turn(self, woken: Sequence[DueDelivery], time_left: Callable[[], int]) -> None:
        """Try again what was woken together, one after another; what there is no time for is queued anew.

        `time_left` in milliseconds. One that cannot be tried stops no other: its error is raised last.
        """
        faults: list[Exception] = []
        for number, due in enumerate(woken):
            if number and time_left() < self.attempt.limits.probe:
                self.attempt.queue.put(woken[number:], {})  # what that does not take comes due by itself
                break
            try:
                self.retry(due.key, due.version)
            except Exception as fault:
                logger.exception("delivery was not tried", event_id=due.key.event_id)
                faults.append(fault)
        if faults:
            raise faults[0]

    def retry(self, key: DeliveryKey, version: int) -> None:
        """Try a delivery again, if it still is as it was when it was woken."""
        stored = self.attempt.deliveries.get(key)
        if stored is None or stored.state != "waiting" or stored.version != version:
            logger.info("delivery is settled or woken again", event_id=key.event_id)
            return
        endpoint = self._endpoint(key.endpoint, stored)
        if endpoint is None or not stored.is_for(endpoint.created_at):
            self._give_up(stored, "gone")
            if endpoint is None:
                self._look_through(key.endpoint)
        elif endpoint.state != "active":
            self.attempt.hold(stored, stored, endpoint.state)
            self._look_after_no_more(key.endpoint)
        else:
            self._again(endpoint, stored)

    def _again(self, endpoint: Endpoint, stored: Delivery) -> None:
        key = stored.key
        try:
            event = self.facts.event(stored.source, key.endpoint.app_name)
        except Exception:  # NotYet too: it was told of before
            logger.exception("event could not be made anew", event_id=key.event_id, app_name=key.endpoint.app_name)
            self.attempt.put_off(stored, stored)
            return
        if event is None:
            self._give_up(stored, "erased" if isinstance(stored.source, LeadMove) else "expired")
        else:
            self.attempt(endpoint, event | {"id": key.event_id}, stored, stored)

    def _look_after_no_more(self, key: EndpointKey) -> None:
        """Its app has paused it. A resume changes the app and then the health: one of both shows it, read in turn."""
        seen = self.attempt.healths.look(key)
        if seen.wake_at is None:
            return
        endpoint = self._endpoint(key)
        if endpoint is not None and endpoint.state != "active":
            self.attempt.healths.change(key, lambda health: (health.paused() if health == seen else health, None))

    def _look_through(self, key: EndpointKey) -> None:
        """It was deleted: what else waits for it is to be given up, and not one by one as probes."""
        now = self.attempt.now()
        self.attempt.healths.change(key, lambda seen: (seen.resumed(now) if seen.drain_began is None else seen, None))

    def _endpoint(self, key: EndpointKey, stored: Delivery | None = None) -> Endpoint | None:
        """That it is gone, another, or gets nothing is not believed of a memory: it may just have been resumed."""
        for read in (self.apps.get, self.apps.get_fresh):
            app = read(key.app_name)
            endpoint = app.endpoints.get(key.endpoint_id) if app is not None else None
            fits = endpoint is not None and (stored is None or stored.is_for(endpoint.created_at))
            if endpoint is not None and fits and endpoint.state == "active":
                return endpoint
        return endpoint

    def _give_up(self, stored: Delivery, why: str) -> None:
        logger.info("delivery given up", event_id=stored.key.event_id, why=why)
        self.attempt.deliveries.replace(stored, stored.given_up(why, self.attempt.now()))


def _takes(endpoint: Endpoint, event: Event) -> bool:
    """One that is paused takes it too, later. Nobody is warned of itself: it would not hear it."""
    of_itself = event["event"] == WARNING and event["data"].get("endpointId") == endpoint.endpoint_id
    return endpoint.state != "unverified" and endpoint.takes(event) and not of_itself
