"""Readers for JSON of somebody else's: what they cannot read is named and left out, and the rest is kept."""

import json
from collections.abc import Callable, Mapping
from typing import Any

type Read = Callable[[Any, list[str]], Any]
"""Reads a part; what it cannot read of it goes into the list. Raises ValueError if nothing of it can be read."""
_MOST = 1e300
"""NaN and infinity are not below it."""


class Unfit(ValueError):
    """Not of the form that was expected; names the part."""


def add(
    values: dict[str, Any], name: str, read: Read, value: object, lost: list[str], shown: str | None = None
) -> bool:
    """Read a part into `values`, as `shown`, or its name in camelCase; False if it is named as lost instead."""
    try:
        values[shown or camel(name)] = read(value, lost)
    except ValueError:
        lost.append(name)
        return False
    return True


def camel(name: str) -> str:
    """`source_url` → `sourceUrl`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def text(value: Any, _: list[str]) -> str:
    """A text."""
    if not isinstance(value, str):
        raise Unfit
    return value


def flag(value: Any, _: list[str]) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Unfit
    return value


def number(value: Any, _: list[str]) -> int | float:
    """A finite number; Meta writes some as text."""
    found = float(value) if isinstance(value, str) else value
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) <= _MOST:
        raise Unfit
    return found


def many(read: Read) -> Read:
    """A list of such parts."""

    def each(value: Any, lost: list[str]) -> list[Any]:
        if not isinstance(value, list):
            raise Unfit
        found: dict[str, Any] = {}
        for place, item in enumerate(value):
            add(found, str(place), read, item, lost)
        return list(found.values())

    return each


def record(*required: str, rename: Mapping[str, str] | None = None, **parts: Read) -> Read:
    """An object with these parts, all optional but the `required` ones; others of it are left out."""

    def shown(name: str) -> str:
        return camel((rename or {}).get(name, name))

    def read(value: Any, lost: list[str]) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise Unfit
        found: dict[str, Any] = {}
        for name, read_part in parts.items():
            if value.get(name) is not None:
                add(found, name, read_part, value[name], lost, shown(name))
        if any(shown(name) not in found for name in required):
            raise Unfit
        return found

    return read


def list_in(node: object, name: str) -> list[Any]:
    """The list of this name; empty if it is none."""
    items = node.get(name) if isinstance(node, Mapping) else None
    return items if isinstance(items, list) else []


def text_in(node: object, name: str, most: int = 512) -> str:
    """The text of this name. Raises ValueError, which names it, if it is none, empty or longer than `most`."""
    value = node.get(name) if isinstance(node, Mapping) else None
    if not isinstance(value, str) or not value or len(value) > most:
        raise Unfit(name)
    return storable(value)


def text_or_none(node: object, name: str, most: int) -> str | None:
    """The text of this name, cut if it is longer than `most`; None if it is none or empty."""
    value = node.get(name) if isinstance(node, Mapping) else None
    return storable(value[:most]) if isinstance(value, str) and value else None


def as_json(value: Any, *, sort_keys: bool = False) -> str:
    """JSON that can be stored and sent: half an emoji (a name cut at some length, say) is replaced.

    Raises ValueError for what JSON has no place for (infinity), RecursionError for what is nested too deep.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=sort_keys)
    return storable(text)


def cleaned(value: Any) -> Any:
    """The value with every text in it storable. Raises like `as_json`."""
    return json.loads(as_json(value))


def storable(text: str) -> str:
    """The text as UTF-8 can hold it."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
