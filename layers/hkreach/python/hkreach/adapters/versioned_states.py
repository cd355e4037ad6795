"""States that many change at once, each an item of its key, `version` and the state's own attributes."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields
from typing import Any

from hkreach.adapters.dynamodb_items import from_item, to_item
from hkreach.adapters.remembered import Remembered
from hkreach.ports import Contended

_TRIES = 10
_MOST_REMEMBERED = 1_000
_OVERTAKEN_SECONDS = 30

type _Seen = tuple[int, Mapping[str, Any]]
"""A version, and the state as it is stored; version 0: there is none yet."""


class VersionedStates[Key: Hashable, State]:
    """An item is replaced whole, and only as it was seen. A change of what was seen a moment ago is one request."""

    def __init__(
        self,
        client: Any,
        table: str,
        key_of: Callable[[Key], Mapping[str, str]],
        store: Callable[[State], Mapping[str, Any]],
        read: Callable[[Mapping[str, Any]], State],
        remember_seconds: int = 0,
    ) -> None:
        """`store`: the state's own attributes; `read`: the state in them, or a new one if there are none."""
        self._client = client
        self._table = table
        self._key_of = key_of
        self._store = store
        self._read = read
        self._remembered: Remembered[Key, _Seen] = Remembered(_MOST_REMEMBERED, remember_seconds)
        self._overtaken: Remembered[Key, bool] = Remembered(_MOST_REMEMBERED, remember_seconds and _OVERTAKEN_SECONDS)
        """Others change these too: what is remembered is too old for a write, which would cost as much in vain."""

    def look(self, key: Key) -> State:
        """The state, as young as it is remembered."""
        return self._read(self._see(key)[1])

    def change[T](self, key: Key, decide: Callable[[State], tuple[State, T]]) -> T:
        """Replace the state by what `decide` makes of it, and return what that says of it.

        `decide` is asked again when somebody else was quicker. Raises Contended if that goes on.
        """
        seen, fresh = self._see(key), not self._overtaken.get(key)
        for _ in range(_TRIES):
            version, stored = seen
            state = self._read(stored)
            after, told = decide(state)
            if after == state:
                return told
            if not fresh:
                seen, fresh = self._get(key), True
                self._remembered.set(key, seen)
                if seen[0] != version:
                    continue
            written, seen = self._put(key, version, self._store(after))
            self._remembered.set(key, seen)
            if written:
                return told
            fresh = True
            self._overtaken.set(key, True)
        raise Contended(" ".join(self._key_of(key).values()))

    def _see(self, key: Key) -> _Seen:
        return self._remembered.get_or_load(key, lambda: self._get(key))

    def _get(self, key: Key) -> _Seen:
        answer = self._client.get_item(TableName=self._table, Key=to_item(self._key_of(key)), ConsistentRead=True)
        return _seen(answer.get("Item"))

    def _put(self, key: Key, version: int, stored: Mapping[str, Any]) -> tuple[bool, _Seen]:
        """Whether it was written; and what stands there now."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=to_item({**self._key_of(key), "version": version + 1, **stored}),
                ConditionExpression="version = :before" if version else "attribute_not_exists(version)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **({"ExpressionAttributeValues": to_item({":before": version})} if version else {}),
            )
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            return False, _seen(refused.response.get("Item"))
        return True, (version + 1, stored)


def _seen(item: Mapping[str, Any] | None) -> _Seen:
    values = from_item(item) if item else {}
    return values.get("version", 0), values


def known_fields(kind: type[Any], stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a dataclass still has of what is stored: another version of this code may have written it."""
    return {each.name: stored[each.name] for each in fields(kind) if stored and each.name in stored}


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is None is not written, at any depth."""
    return {
        name: without_none(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if value is not None
    }
