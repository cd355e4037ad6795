"""The endpoints' health as one process of many sees it."""

from collections.abc import Callable

from hkreach.domain.delivery import EndpointKey
from hkreach.domain.endpoint_health import EndpointHealth
from hkreach.domain.time import SECOND
from hkreach.ports import Clock
from tests.fakes.deliveries import FakeEndpointHealths

REMEMBERED = 3 * SECOND


class RememberedHealths(FakeEndpointHealths):
    """One process's: what it saw of an endpoint's health it believes for three seconds."""

    def __init__(self, shared: FakeEndpointHealths, now: Clock) -> None:
        super().__init__()
        self._shared, self._now = shared, now
        self._seen: dict[EndpointKey, tuple[int, EndpointHealth]] = {}

    def look(self, endpoint: EndpointKey) -> EndpointHealth:
        at, health = self._seen.get(endpoint, (-REMEMBERED, EndpointHealth()))
        if self._now() - at >= REMEMBERED:
            at, health = self._seen[endpoint] = self._now(), self._shared.look(endpoint)
        return health

    def change[T](self, endpoint: EndpointKey, decide: Callable[[EndpointHealth], tuple[EndpointHealth, T]]) -> T:
        told = self._shared.change(endpoint, decide)
        self._seen[endpoint] = self._now(), self._shared.look(endpoint)
        return told
