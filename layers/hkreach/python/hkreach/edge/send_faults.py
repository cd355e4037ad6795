"""What is wrong with the fields of a send, in words that say what would be right."""

from collections.abc import Collection, Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hkreach.domain.errors import Fault
from hkreach.edge.fault_words import words
from hkreach.edge.send_fields import HEADERS, RequestFields

_BUTTON = "must be an object with index, type (url, quick_reply or copy_code) and its text, payload or code"
_NO_BUTTON = {"model_attributes_type", "union_tag_invalid", "union_tag_not_found"}
_BUTTON_TYPES = {"url", "quick_reply", "copy_code"}


def validate[Fields: RequestFields](
    model: type[Fields],
    values: object,
    beside: Collection[str] = (),
    local_targets: frozenset[str] = frozenset(),
) -> tuple[Fields | None, list[Fault]]:
    """The fields, or None and what is wrong with each.

    `beside`: the headers that came otherwise, a file. `local_targets`: what addresses may name on this machine.
    """
    given = {name for name, value in values.items() if value is not None} if isinstance(values, Mapping) else set()
    faults = _more_than_one_header(given | set(beside))
    named = {fault.field for fault in faults}
    try:
        fields = model.model_validate(values, context=local_targets)
    except ValidationError as error:
        found = (_fault(model, details) for details in error.errors(include_url=False, include_input=False))
        return None, [*faults, *(fault for fault in found if fault.field not in named)]
    return (None if faults else fields), faults


def _more_than_one_header(given: Collection[str]) -> list[Fault]:
    headers = [name for name in HEADERS if name in given]
    if len(headers) < 2:
        return []
    others = {name: " and ".join(other for other in headers if other != name) for name in headers}
    return [Fault(name, f"{name} cannot go with {others[name]}: a template has one header") for name in headers]


def _location(details: ErrorDetails) -> tuple[int | str, ...]:
    """Where the fault is, without pydantic's own marks inside `bodyParams` and `buttonParams`."""
    match details["loc"]:
        case ("bodyParams", "positional" | "named", name, "[key]"):
            return ("bodyParams", name)
        case ("bodyParams", "positional" | "named", *inner):
            return ("bodyParams", *inner)
        case ("buttonParams", int(position), str(kind), *inner) if kind in _BUTTON_TYPES:
            return ("buttonParams", position, *inner)
        case location:
            return location


def _fault(model: type[RequestFields], details: ErrorDetails) -> Fault:
    parts = _location(details)
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")[:200]
    said = words(details)
    match details["type"], path:
        case "extra_forbidden", _:
            said = model.not_here.get(path, said)
        case "list_type", "bodyParams":
            said = "must be a list of texts, or an object of named texts"
        case kind, _ if kind in _NO_BUTTON:
            said = _BUTTON
    return Fault(path or "body", f"{path or 'body'} {said}")
