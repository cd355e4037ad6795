"""What an app does with its endpoints' deliveries: look at them, have them sent again, let them go on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from hkreach.domain.delivery import Delivery, DeliveryKey, EndpointKey, EventSource, new_delivery
from hkreach.domain.endpoint import Endpoint
from hkreach.domain.endpoint_health import EndpointHealth
from hkreach.domain.errors import ChangedMeanwhile, Conflict, NotFound
from hkreach.ports import Clock, Contended
from hkreach.ports.deliveries import Deliveries, EndpointHealths, EventFacts, LogQuery, NotYet
from hkreach.usecases.manage_app import ManageApp

logger = Logger(service="hkreach", child=True)

MOST_AT_ONCE = 1_000
"""Deliveries that one call sends again."""
_PAGE = 100
_NO_SUCH_DELIVERY = (
    "This app has no such delivery. GET /api/external/webhooks/deliveries lists those that there are. An event that "
    "was taken with the first try has none; it is sent again by its messageId and status, or its leadId and move."
)
_NO_SUCH_EVENT = "No message or lead of this app has such a fact or move so far, or it has expired or was erased."
_NOT_NOW = (
    "The endpoint gets no events just now. Resume it first, with POST /api/external/webhooks/resume?endpointId=…: that "
    "delivers what waits for it; what has failed can be sent again then."
)
_AGAIN = "The delivery was changed at the same time. Look at it, and try again."


@dataclass(frozen=True, slots=True)
class Log:
    """Deliveries newest first. `next` goes on behind them; None: that was all."""

    deliveries: Sequence[Delivery]
    next: str | None


@dataclass(frozen=True, slots=True)
class Resent:
    """How many are sent again. `next`: call again with it for the rest; None: that was all."""

    count: int
    next: str | None


@dataclass(frozen=True, slots=True)
class ManageDeliveries:
    """All calls raise NotFound for what is not the app's."""

    manage_app: ManageApp
    deliveries: Deliveries
    healths: EndpointHealths
    facts: EventFacts
    now: Clock

    def log(self, app_name: str, endpoint_id: str | None, query: LogQuery, after: str | None, most: int) -> Log:
        """The deliveries of one endpoint, or of all that the app has now; fewer than there are if they are rare."""
        if endpoint_id is None:
            endpoints = self.manage_app.endpoints(app_name)
        else:
            endpoints = [self.manage_app.endpoint(app_name, endpoint_id)]
        pages = [self.deliveries.log(_key(app_name, each), query, after, most) for each in endpoints]
        # Of an endpoint whose reading stopped nothing is known behind that place.
        known_to = max((page.next for page in pages if page.next is not None), default="")
        found = [row for page in pages for row in page.deliveries]
        found.sort(key=lambda row: (row.key.place, row.key.endpoint.endpoint_id), reverse=True)
        shown = [row for row in found if row.key.place >= known_to]
        if len(shown) > most:  # an event's deliveries to several endpoints have one place, and stay together
            known_to = shown[most - 1].key.place
            shown = [row for row in shown if row.key.place >= known_to]
        return Log(shown, known_to or None)

    def one(self, app_name: str, key: DeliveryKey) -> Delivery:
        """A delivery as it stands now."""
        stored = self.deliveries.get(key)
        if stored is None or key.endpoint.app_name != app_name:
            raise NotFound(_NO_SUCH_DELIVERY)
        return stored

    def resend(self, app_name: str, key: DeliveryKey) -> Delivery:
        """Have one delivery tried again, from the first try on. Raises Conflict if its endpoint gets nothing now."""
        endpoint = self._active(app_name, key.endpoint.endpoint_id)
        return self._again(self.one(app_name, key), endpoint)

    def resend_event(self, app_name: str, endpoint_id: str, source: EventSource) -> Delivery:
        """Have an event delivered again that may have no delivery: it was taken with the first try."""
        endpoint = self._active(app_name, endpoint_id)
        try:
            event = self.facts.event(source, app_name)
        except NotYet:
            event = None
        if event is None:
            raise NotFound(_NO_SUCH_EVENT)
        new = new_delivery(_key(app_name, endpoint), event, self.now(), endpoint.created_at)
        self._look_after(new.key.endpoint)
        held = new.held("resend", self.now())
        if self.deliveries.add(held):
            return held
        stored = self.deliveries.get(new.key)
        if stored is None:
            raise ChangedMeanwhile(_AGAIN)
        return self._again(stored, endpoint)

    def resend_range(
        self, app_name: str, endpoint_id: str, query: LogQuery, events: frozenset[str], after: str | None
    ) -> Resent:
        """Have an endpoint's undelivered ones of a time tried again, oldest first, up to a thousand; `events`: all."""
        endpoint = self._active(app_name, endpoint_id)
        key = _key(app_name, endpoint)
        self._look_after(key)
        count = seen = 0
        while True:
            page = self.deliveries.log(key, replace(query, newest_first=False), after, _PAGE)
            for row in page.deliveries:
                if row.state != "delivered" and (not events or row.event_name in events):
                    count += self.deliveries.replace(row, self._next(row, endpoint))
            seen, after = seen + len(page.deliveries), page.next
            if after is None or seen >= MOST_AT_ONCE:
                logger.info("deliveries sent again", app_name=app_name, endpoint_id=endpoint_id, count=count)
                return Resent(count, after)

    def health(self, app_name: str, endpoint_id: str) -> EndpointHealth:
        """How an endpoint is."""
        return self.healths.look(EndpointKey(app_name, endpoint_id))

    def resume(self, app_name: str, endpoint_id: str) -> None:
        """Forget that it failed, and let what waits for it go."""
        self._change(EndpointKey(app_name, endpoint_id), lambda health: health.resumed(self.now()))

    def test_taken(self, app_name: str, endpoint_id: str) -> None:
        """A test event is as good as a probe: what waits goes, but not to one that is disabled."""
        now = self.now()
        self._change(
            EndpointKey(app_name, endpoint_id),
            lambda health: health.resumed(now) if health.disabled_at is None else health,
        )

    def pause(self, app_name: str, endpoint_id: str) -> None:
        """Let nobody look after what waits for it."""
        self._change(EndpointKey(app_name, endpoint_id), lambda health: health.paused())

    def deleted(self, app_name: str, endpoint_id: str) -> None:
        """Have what waits for an endpoint that is no more looked through: it is given up as `gone`."""
        try:
            self.resume(app_name, endpoint_id)
        except ChangedMeanwhile:  # what comes due of it by itself has the rest looked through
            logger.info("what waits for a deleted endpoint is not looked through yet", endpoint_id=endpoint_id)

    def _again(self, stored: Delivery, endpoint: Endpoint) -> Delivery:
        self._look_after(stored.key.endpoint)
        again = replace(stored.again(self.now()), made_for=endpoint.created_at)
        if not self.deliveries.replace(stored, again):
            raise ChangedMeanwhile(_AGAIN)
        return again

    def _next(self, row: Delivery, endpoint: Endpoint) -> Delivery:
        """What waits keeps its count of tries and goes earlier; what failed has all of them again."""
        after = row.again(self.now()) if row.state == "failed" else row.held("resend", self.now())
        return replace(after, made_for=endpoint.created_at)

    def _active(self, app_name: str, endpoint_id: str) -> Endpoint:
        endpoint = self.manage_app.endpoint(app_name, endpoint_id)
        if endpoint.state != "active" or self.health(app_name, endpoint_id).disabled_at is not None:
            raise Conflict(_NOT_NOW)
        return endpoint

    def _look_after(self, key: EndpointKey) -> None:
        """First this, then the deliveries: who dies between leaves nothing that nobody looks after."""
        self._change(key, lambda health: health.resending(self.now()))

    def _change(self, key: EndpointKey, to: Callable[[EndpointHealth], EndpointHealth]) -> None:
        try:
            self.healths.change(key, lambda health: (to(health), None))
        except Contended:
            raise ChangedMeanwhile(_AGAIN) from None


def _key(app_name: str, endpoint: Endpoint) -> EndpointKey:
    return EndpointKey(app_name, endpoint.endpoint_id)
