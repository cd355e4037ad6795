"""The bodies of the webhook routes."""

from typing import Annotated, Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from pydantic import AfterValidator, StringConstraints, ValidationInfo

from hkreach.domain.endpoint import DEFAULT_EVENTS, EVENT_NAMES, MAX_DESCRIPTION, OLD_SECRET_LIVES, Endpoint
from hkreach.domain.errors import Fault, Invalid
from hkreach.domain.public_address import check_public_address
from hkreach.domain.time import HOUR, to_rfc3339
from hkreach.domain.webhook_test import WebhookTest
from hkreach.edge.http_api import json_body
from hkreach.edge.send_faults import validate
from hkreach.edge.send_fields import RequestFields
from hkreach.usecases.manage_app import EndpointChange, NewEndpoint

MAX_JSON_BYTES = 10_000
_SHOWN_BYTES = 1_000
_LONGEST_HOURS = OLD_SECRET_LIVES // HOUR


def _address(url: str, info: ValidationInfo) -> str:
    return check_public_address(url, info.context or frozenset())


def _event_name(name: str) -> str:
    if name not in EVENT_NAMES:
        raise ValueError(f"must be one of {', '.join(sorted(EVENT_NAMES))}")
    return name


def _some(names: list[str]) -> list[str]:
    if not names:
        raise ValueError("must name an event; to get none, pause the endpoint")
    return names


def _printable(text: str) -> str:
    if not text.isprintable() or len(text) > MAX_DESCRIPTION:
        raise ValueError(f"must be at most {MAX_DESCRIPTION} characters, and no control characters")
    return text


type _Address = Annotated[str, StringConstraints(min_length=1), AfterValidator(_address)]
type _Events = Annotated[list[Annotated[str, AfterValidator(_event_name)]], AfterValidator(_some)]
type _Description = Annotated[str, AfterValidator(_printable)]


class _NewFields(RequestFields):
    """`POST /api/external/webhooks`."""

    url: _Address
    events: _Events | None = None
    description: _Description = ""


class _ChangedFields(RequestFields):
    """`PATCH /api/external/webhooks`."""

    url: _Address | None = None
    events: _Events | None = None
    description: _Description | None = None


class _NoFields(RequestFields):
    """The routes that take none."""


def read_new_endpoint(event: APIGatewayProxyEvent, local_targets: frozenset[str]) -> NewEndpoint:
    """What the body says. Raises the error that names every fault."""
    fields = _read(event, _NewFields, local_targets)
    events = DEFAULT_EVENTS if fields.events is None else frozenset(fields.events)
    return NewEndpoint(fields.url, events, fields.description)


def read_endpoint_change(event: APIGatewayProxyEvent, local_targets: frozenset[str]) -> EndpointChange:
    """The same of a change, which names at least one part."""
    fields = _read(event, _ChangedFields, local_targets)
    events = None if fields.events is None else frozenset(fields.events)
    change = EndpointChange(fields.url, events, fields.description)
    if change == EndpointChange():
        raise Invalid("Nothing was changed.", [Fault("body", "body must have url, events or description")])
    return change


def expect_no_fields(event: APIGatewayProxyEvent) -> None:
    """Raises Invalid if there is a body that says something, for nobody would heed it."""
    if (event.body or "").strip():
        _read(event, _NoFields, frozenset())


def read_old_secret_lives(event: APIGatewayProxyEvent) -> int:
    """`oldSecretHours` of the query, in milliseconds."""
    text = event.get_query_string_value("oldSecretHours", str(_LONGEST_HOURS)) or ""
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and int(text) <= _LONGEST_HOURS):
        detail = f"oldSecretHours must be a whole number from 0 (the old secret ends at once) to {_LONGEST_HOURS}"
        raise Invalid("The secret was not rotated.", [Fault("oldSecretHours", detail)])
    return int(text) * HOUR


def shown_endpoint(endpoint: Endpoint, now: int) -> dict[str, Any]:
    """An endpoint as its app sees it: without its secrets."""
    shown: dict[str, Any] = {
        "endpointId": endpoint.endpoint_id,
        "url": endpoint.url,
        "events": sorted(endpoint.events),
        "description": endpoint.description,
        "state": endpoint.state,
        "createdAt": to_rfc3339(endpoint.created_at),
    }
    if endpoint.old_secret_until is not None and endpoint.live_old_secret(now):
        shown["oldSecretUntil"] = to_rfc3339(endpoint.old_secret_until)
    return shown


def shown_test(test: WebhookTest) -> dict[str, Any]:
    """What the server said to the test event; `failure` tells in words why it counts as not taken."""
    return {
        "eventId": test.event_id,
        "status": test.answer.status,
        "milliseconds": test.milliseconds,
        "failure": test.answer.failure,
        "body": test.answer.body[:_SHOWN_BYTES].decode("utf-8", "replace"),
    }


def not_taken(test: WebhookTest) -> Invalid:
    """The problem of a new address whose server did not take the test event; it shows what the server said."""
    refused = Invalid(
        "The endpoint stays as it was, and gets its events at its old address. Let the server at the new one answer "
        "the test event with a 2xx within ten seconds, then try again.",
        [Fault("url", f"did not take the test event: {test.answer.failure}")],
    )
    refused.shown = {"test": shown_test(test)}
    return refused


def _read[Fields: RequestFields](
    event: APIGatewayProxyEvent, model: type[Fields], local_targets: frozenset[str]
) -> Fields:
    fields, faults = validate(model, json_body(event, MAX_JSON_BYTES), local_targets=local_targets)
    if fields is None:
        raise Invalid("The request names what is wrong in errors.", faults)
    return fields
