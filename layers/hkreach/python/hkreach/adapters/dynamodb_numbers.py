"""The numbers table.

`number#<phone number id>`, `pair#<phone number id>#<recipient>`, `media#<phone number id>#<Media.content>`, `meta`.

An item is `{pk, version, state}`; `state` has the fields that the state's class has.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from hkreach.adapters.versioned_states import VersionedStates, known_fields, without_none
from hkreach.domain.breaker import Breaker
from hkreach.domain.meta_media import MetaMedia
from hkreach.domain.number import MetaState, NumberState
from hkreach.domain.pace import Pace
from hkreach.domain.pair_pace import PairPace
from hkreach.domain.time import DAY, SECOND

_NUMBER_SECONDS = 1
_META_SECONDS = 5
_MEDIA_SECONDS = 1

type _State = NumberState | MetaState | PairPace | MetaMedia


class DynamoDBNumbers:
    """Implements the port `Numbers`."""

    def __init__(self, client: Any, table: str, *, remembers: bool = True) -> None:
        """`remembers`: False for one whose changes must not be held for done already because of what it saw before."""

        def states[State: _State](
            read: Callable[[Mapping[str, Any]], State], remember_seconds: int = 0
        ) -> VersionedStates[str, State]:
            return VersionedStates(client, table, _key, _store, read, remember_seconds * remembers)

        self._numbers = states(_number, _NUMBER_SECONDS)
        self._pairs = states(_pair)
        self._media = states(_file, _MEDIA_SECONDS)
        self._meta = states(_meta, _META_SECONDS)

    def number[T](self, phone_number_id: str, decide: Callable[[NumberState], tuple[NumberState, T]]) -> T:
        """See the port."""
        return self._numbers.change(f"number#{phone_number_id}", decide)

    def pair[T](self, phone_number_id: str, to: str, decide: Callable[[PairPace], tuple[PairPace, T]]) -> T:
        """See the port."""
        return self._pairs.change(f"pair#{phone_number_id}#{to}", decide)

    def media[T](self, phone_number_id: str, content: str, decide: Callable[[MetaMedia], tuple[MetaMedia, T]]) -> T:
        """See the port."""
        return self._media.change(f"media#{phone_number_id}#{content}", decide)

    def meta[T](self, decide: Callable[[MetaState], tuple[MetaState, T]]) -> T:
        """See the port."""
        return self._meta.change("meta", decide)


def _key(pk: str) -> dict[str, str]:
    return {"pk": pk}


def _store(state: _State) -> dict[str, Any]:
    until = _needed_until(state)
    expires = {"expiresAt": (until + DAY) // SECOND} if until else {}
    return {"state": without_none(asdict(state))} | expires


def _needed_until(state: _State) -> int | None:
    """When a state says nothing any more. Of pairs and files there are as many as there are customers, and more."""
    match state:
        case PairPace():
            return state.used_until
        case MetaMedia():
            return state.needed_until
        case _:
            return None


def _stored(values: Mapping[str, Any]) -> Mapping[str, Any]:
    state: Mapping[str, Any] = values.get("state", {})
    return state


def _number(values: Mapping[str, Any]) -> NumberState:
    stored = _stored(values)
    pace, breaker = known_fields(Pace, stored.get("pace")), known_fields(Breaker, stored.get("breaker"))
    return NumberState(Pace(**pace), Breaker(**breaker))


def _meta(values: Mapping[str, Any]) -> MetaState:
    stored = _stored(values)
    breaker = Breaker(**known_fields(Breaker, stored.get("breaker")))
    return MetaState(**known_fields(MetaState, stored) | {"breaker": breaker})


def _pair(values: Mapping[str, Any]) -> PairPace:
    return PairPace(**known_fields(PairPace, _stored(values)))


def _file(values: Mapping[str, Any]) -> MetaMedia:
    return MetaMedia(**known_fields(MetaMedia, _stored(values)))
