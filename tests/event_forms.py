"""The events' contract as tests hold events against it: closed, so that nothing goes out that no page tells of."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from local.event_docs import schema


def check_event(event: Mapping[str, Any]) -> None:
    """Raises ValidationError if an event has another form than docs/events/ says."""
    name = str(event["event"])
    strict("meta.field" if name.startswith("meta.") else name).validate(event)


@cache
def strict(name: str) -> Draft202012Validator:
    """The schema, that refuses the names which it does not have: receivers must not, but ours are to be in it."""
    closed = schema(name)
    for node in objects_in(closed):
        node["additionalProperties"] = False
    return Draft202012Validator(closed)


def objects_in(node: Any) -> Iterator[dict[str, Any]]:
    """Each part of a schema that names what an object has."""
    match node:
        case {"properties": _}:
            yield node
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for each in inner:
        yield from objects_in(each)
