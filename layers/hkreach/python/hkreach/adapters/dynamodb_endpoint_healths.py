"""The deliveries table: each endpoint's health, an item of `{pk, sk: state, version, health, dueAt?, dueShard?}`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from hkreach.adapters.delivery_items import DUE_INDEX, HEALTH_SHARD, endpoint_text, read_endpoint
from hkreach.adapters.dynamodb_items import from_item, to_item
from hkreach.adapters.remembered import Remembered
from hkreach.domain.breaker import Breaker
from hkreach.domain.delivery import EndpointKey
from hkreach.domain.endpoint_health import EndpointHealth
from hkreach.ports import Contended

HEALTH = "state"
"""The sk of an endpoint's health."""
_TRIES = 10
_REMEMBERED_SECONDS = 3
"""How long a process may go on posting to an endpoint whose breaker another one has opened."""
_MOST_REMEMBERED = 1_000

type _Seen = tuple[int, Mapping[str, Any]]
"""A version, and the health as it is stored; version 0: there is none yet."""


class DynamoDBEndpointHealths:
    """Implements the port `EndpointHealths`. A healthy endpoint is read once in a few seconds and never written."""

    def __init__(self, client: Any, table: str, *, remembers: bool = True) -> None:
        """`remembers`: False for one whose changes must not be held for done already because of what it saw before."""
        self._client = client
        self._table = table
        self._seen: Remembered[EndpointKey, _Seen] = Remembered(_MOST_REMEMBERED, _REMEMBERED_SECONDS * remembers)

    def look(self, endpoint: EndpointKey) -> EndpointHealth:
        """See the port."""
        _, stored = self._seen.get_or_load(endpoint, lambda: self._get(endpoint))
        return _health(stored)

    def change[T](self, endpoint: EndpointKey, decide: Callable[[EndpointHealth], tuple[EndpointHealth, T]]) -> T:
        """See the port."""
        version, stored = self._seen.get_or_load(endpoint, lambda: self._get(endpoint))
        for _ in range(_TRIES):
            health = _health(stored)
            after, told = decide(health)
            if after == health:
                return told
            written, (version, stored) = self._put(endpoint, version, after)
            self._seen.set(endpoint, (version, stored))
            if written:
                return told
        raise Contended(endpoint_text(endpoint))

    def due(self, until: int, most: int) -> Sequence[EndpointKey]:
        """See the port."""
        answer = self._client.query(
            TableName=self._table,
            IndexName=DUE_INDEX,
            KeyConditionExpression="dueShard = :shard AND dueAt <= :until",
            ExpressionAttributeValues=to_item({":shard": HEALTH_SHARD, ":until": until}),
            Limit=most,
        )
        return [read_endpoint(item["pk"]["S"]) for item in answer["Items"]]

    def _get(self, endpoint: EndpointKey) -> _Seen:
        answer = self._client.get_item(TableName=self._table, Key=_key(endpoint), ConsistentRead=True)
        return _read(answer.get("Item"))

    def _put(self, endpoint: EndpointKey, version: int, health: EndpointHealth) -> tuple[bool, _Seen]:
        """Whether it was written; and what stands there now."""
        stored = _without_none(asdict(health))
        due = {"dueAt": health.wake_at, "dueShard": None if health.wake_at is None else HEALTH_SHARD}
        try:
            self._client.put_item(
                TableName=self._table,
                Item=_key(endpoint) | to_item({"version": version + 1, "health": stored} | due),
                ConditionExpression="version = :before" if version else "attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **({"ExpressionAttributeValues": to_item({":before": version})} if version else {}),
            )
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            return False, _read(refused.response.get("Item"))
        return True, (version + 1, stored)


def _key(endpoint: EndpointKey) -> dict[str, Any]:
    return to_item({"pk": endpoint_text(endpoint), "sk": HEALTH})


def _read(item: Mapping[str, Any] | None) -> _Seen:
    values = from_item(item) if item else {}
    return values.get("version", 0), values.get("health", {})


def _health(stored: Mapping[str, Any]) -> EndpointHealth:
    return EndpointHealth(
        **_known(EndpointHealth, stored) | {"breaker": Breaker(**_known(Breaker, stored.get("breaker")))}
    )


def _known(kind: type[Any], stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the class still has of it: another version of this code may have written it."""
    return {each.name: stored[each.name] for each in fields(kind) if stored and each.name in stored}


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_none(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if value is not None
    }
