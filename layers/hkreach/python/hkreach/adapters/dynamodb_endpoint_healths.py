"""The deliveries table: each endpoint's health, an item of `{pk, sk: state, version, health, dueAt?, dueShard?}`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hkreach.adapters.delivery_items import endpoint_text, read_endpoint
from hkreach.adapters.due_index import DUE_SHARDS, query_due
from hkreach.adapters.versioned_states import VersionedStates, known_fields, without_none
from hkreach.domain.breaker import Breaker
from hkreach.domain.delivery import EndpointKey
from hkreach.domain.endpoint_health import EndpointHealth

HEALTH = "state"
"""The sk of an endpoint's health."""
_SHARD = DUE_SHARDS
"""A part of its own in the index of what is due, beside those of the deliveries: there are few."""
_REMEMBERED_SECONDS = 3
"""How long a process may go on posting to an endpoint whose breaker another one has opened."""


class DynamoDBEndpointHealths:
    """Implements the port `EndpointHealths`. A healthy endpoint is read once in a few seconds and never written."""

    def __init__(self, client: Any, table: str, *, remembers: bool = True) -> None:
        """`remembers`: False for one whose changes must not be held for done already because of what it saw before."""
        self._client = client
        self._table = table
        self._states = VersionedStates(client, table, _key, _store, _health, _REMEMBERED_SECONDS * remembers)

    def look(self, endpoint: EndpointKey) -> EndpointHealth:
        """See the port."""
        return self._states.look(endpoint)

    def change[T](self, endpoint: EndpointKey, decide: Callable[[EndpointHealth], tuple[EndpointHealth, T]]) -> T:
        """See the port."""
        return self._states.change(endpoint, decide)

    def due(self, until: int, most: int) -> Sequence[EndpointKey]:
        """See the port."""
        return [read_endpoint(item["pk"]["S"]) for item in query_due(self._client, self._table, until, most, [_SHARD])]


def _key(endpoint: EndpointKey) -> dict[str, str]:
    return {"pk": endpoint_text(endpoint), "sk": HEALTH}


def _store(health: EndpointHealth) -> dict[str, Any]:
    due = {"dueAt": health.wake_at, "dueShard": _SHARD} if health.wake_at is not None else {}
    return {"health": without_none(asdict(health))} | due


def _health(values: Mapping[str, Any]) -> EndpointHealth:
    stored = values.get("health", {})
    breaker = Breaker(**known_fields(Breaker, stored.get("breaker")))
    return EndpointHealth(**known_fields(EndpointHealth, stored) | {"breaker": breaker})
