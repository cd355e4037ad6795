"""The numbers table.

`number#<phone number id>`, `pair#<phone number id>#<recipient>`, `media#<phone number id>#<key of the file>`, `meta`.

An item is `{pk, version, state}`; `state` has the fields that the state's class has.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from hkreach.adapters.dynamodb_items import from_item, to_item
from hkreach.adapters.remembered import Remembered
from hkreach.domain.breaker import Breaker
from hkreach.domain.meta_media import MetaMedia
from hkreach.domain.number import MetaState, NumberState
from hkreach.domain.pace import Pace
from hkreach.domain.pair_pace import PairPace
from hkreach.domain.time import DAY, SECOND
from hkreach.ports import Contended

_TRIES = 10
_NUMBER_SECONDS = 1
_META_SECONDS = 5
_MEDIA_SECONDS = 1
_MOST_REMEMBERED = 1_000

type _State = NumberState | MetaState | PairPace | MetaMedia
type _Seen = tuple[int, Mapping[str, Any]]
"""A version, and the state as it is stored; version 0: there is none yet."""


class DynamoDBNumbers:
    """Implements the port `Numbers`. A change of what was seen a moment ago is one request."""

    def __init__(self, client: Any, table: str, *, remembers: bool = True) -> None:
        """`remembers`: False for one whose changes must not be held for done already because of what it saw before."""
        self._client = client
        self._table = table
        self._numbers: Remembered[str, _Seen] = Remembered(_MOST_REMEMBERED, _NUMBER_SECONDS * remembers)
        self._media: Remembered[str, _Seen] = Remembered(_MOST_REMEMBERED, _MEDIA_SECONDS * remembers)
        self._meta: Remembered[str, _Seen] = Remembered(1, _META_SECONDS * remembers)

    def number[T](self, phone_number_id: str, decide: Callable[[NumberState], tuple[NumberState, T]]) -> T:
        """See the port."""
        return self._change(f"number#{phone_number_id}", _number, decide, self._numbers)

    def pair[T](self, phone_number_id: str, to: str, decide: Callable[[PairPace], tuple[PairPace, T]]) -> T:
        """See the port."""
        return self._change(f"pair#{phone_number_id}#{to}", _pair, decide, None)

    def media[T](self, phone_number_id: str, key: str, decide: Callable[[MetaMedia], tuple[MetaMedia, T]]) -> T:
        """See the port."""
        return self._change(f"media#{phone_number_id}#{key}", _file, decide, self._media)

    def meta[T](self, decide: Callable[[MetaState], tuple[MetaState, T]]) -> T:
        """See the port."""
        return self._change("meta", _meta, decide, self._meta)

    def _change[State: _State, T](
        self,
        pk: str,
        read: Callable[[Mapping[str, Any]], State],
        decide: Callable[[State], tuple[State, T]],
        remembered: Remembered[str, _Seen] | None,
    ) -> T:
        old = remembered.get(pk) if remembered else None
        seen = old or self._get(pk)
        for _ in range(_TRIES):
            version, stored = seen
            state = read(stored)
            after, told = decide(state)
            if after == state:
                written: _Seen | None = seen
            else:
                written, seen = self._put(pk, version, after)
            if written is not None:
                if remembered and written is not old:  # looking at it does not make it younger
                    remembered.set(pk, written)
                return told
        raise Contended(pk)

    def _get(self, pk: str) -> _Seen:
        answer = self._client.get_item(TableName=self._table, Key=to_item({"pk": pk}), ConsistentRead=True)
        return _seen(answer.get("Item"))

    def _put(self, pk: str, version: int, state: _State) -> tuple[_Seen | None, _Seen]:
        """What was written, or None; and what stands there now."""
        stored = _without_none(asdict(state))
        until = _needed_until(state)
        expires = {"expiresAt": (until + DAY) // SECOND} if until else {}
        try:
            self._client.put_item(
                TableName=self._table,
                Item=to_item({"pk": pk, "version": version + 1, "state": stored} | expires),
                ConditionExpression="version = :before" if version else "attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **({"ExpressionAttributeValues": to_item({":before": version})} if version else {}),
            )
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            return None, _seen(refused.response.get("Item"))
        return (version + 1, stored), (version + 1, stored)


def _needed_until(state: _State) -> int | None:
    """When a state says nothing any more. Of pairs and files there are as many as there are customers, and more."""
    match state:
        case PairPace():
            return state.used_until
        case MetaMedia():
            return state.needed_until
        case _:
            return None


def _seen(item: Mapping[str, Any] | None) -> _Seen:
    values = from_item(item) if item else {}
    return values.get("version", 0), values.get("state", {})


def _number(stored: Mapping[str, Any]) -> NumberState:
    return NumberState(Pace(**_known(Pace, stored.get("pace"))), Breaker(**_known(Breaker, stored.get("breaker"))))


def _meta(stored: Mapping[str, Any]) -> MetaState:
    return MetaState(**_known(MetaState, stored) | {"breaker": Breaker(**_known(Breaker, stored.get("breaker")))})


def _pair(stored: Mapping[str, Any]) -> PairPace:
    return PairPace(**_known(PairPace, stored))


def _file(stored: Mapping[str, Any]) -> MetaMedia:
    return MetaMedia(**_known(MetaMedia, stored))


def _known(kind: type[Any], stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the class still has of it: another version of this code may have written it."""
    return {each.name: stored[each.name] for each in fields(kind) if stored and each.name in stored}


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_none(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if value is not None
    }
