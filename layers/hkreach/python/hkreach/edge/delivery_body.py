"""The queries and bodies of the routes of deliveries."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, get_args

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from pydantic import AfterValidator, Field

from hkreach.domain.delivery import Delivery, DeliveryKey, DeliveryState, EndpointKey, LeadMove, MessageFact, place
from hkreach.domain.endpoint_health import EndpointHealth
from hkreach.domain.errors import Fault, Invalid
from hkreach.domain.message import Status, is_message_id
from hkreach.domain.time import SECOND, to_rfc3339
from hkreach.edge.http_api import json_body
from hkreach.edge.send_faults import validate
from hkreach.edge.send_fields import RequestFields
from hkreach.edge.webhook_body import MAX_JSON_BYTES
from hkreach.ports.deliveries import LogQuery

MOST_SHOWN, USUALLY_SHOWN = 100, 50
LOG_NAMES = ("deliveryId", "endpointId", "state", "from", "to", "limit", "cursor")
"""What a query of the log may name."""
_MOST_OF_A_BODY = 1_000
"""Bytes of each body in a list: an answer of 100 whole ones could be larger than the 6 MB that Lambda lets out."""
_STATES: tuple[str, ...] = get_args(DeliveryState.__value__)
_FACTS = (*(status.value for status in Status), "received")
_PLACE = re.compile(r"d#\d{15}#[A-Za-z0-9_-]{0,64}")
_DELIVERY_ID = re.compile(r"([A-Za-z0-9_-]{1,40})\.(\d{1,15})\.([A-Za-z0-9_-]{1,64})")
_NAMES = {"messages.received", "messages.status", "leads.status", "webhooks.warning", "webhooks.test"}
_OF_MESSAGE, _OF_LEAD = {"endpoint_id", "message_id", "status"}, {"endpoint_id", "lead_id", "move"}
_OF_RANGE = {"endpoint_id", "since", "until", "events", "cursor"}
_NOT_SENT = "Nothing is sent again."
_ONE_OF = "Name one of: deliveryId; endpointId with messageId and status, leadId and move, or from and to (and events)."


def _moment(text: str) -> str:
    _milliseconds(text)
    return text


def _milliseconds(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or at.year < 2000:
        raise ValueError("must be a time like 2026-11-22T09:00:00Z")
    return min(round(at.timestamp() * SECOND), 10**15 - 1)


def _name(text: str) -> str:
    if text not in _NAMES:
        raise ValueError(f"must be one of {', '.join(sorted(_NAMES))}")
    return text


type _Moment = Annotated[str, AfterValidator(_moment)]


class _ResendFields(RequestFields):
    """`POST /api/external/webhooks/deliveries/resend`."""

    delivery_id: str | None = None
    endpoint_id: str | None = None
    message_id: str | None = None
    status: str | None = None
    lead_id: Annotated[str, Field(max_length=64)] | None = None
    move: Annotated[int, Field(ge=1, le=999_999_999)] | None = None
    since: Annotated[_Moment | None, Field(alias="from")] = None
    until: Annotated[_Moment | None, Field(alias="to")] = None
    events: list[Annotated[str, AfterValidator(_name)]] | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class LogRequest:
    """What of the log is asked for."""

    endpoint_id: str | None
    query: LogQuery
    after: str | None
    most: int


@dataclass(frozen=True, slots=True)
class OneDelivery:
    """One delivery; its app is not known of the id alone."""

    endpoint_id: str
    created_at: int
    event_id: str

    def key(self, app_name: str) -> DeliveryKey:
        """Its key, if it is this app's."""
        return DeliveryKey(EndpointKey(app_name, self.endpoint_id), self.created_at, self.event_id)


@dataclass(frozen=True, slots=True)
class ResendEvent:
    """An event of a message or of a lead, for one endpoint."""

    endpoint_id: str
    source: MessageFact | LeadMove


@dataclass(frozen=True, slots=True)
class ResendRange:
    """An endpoint's undelivered ones of a time. No `events`: all."""

    endpoint_id: str
    query: LogQuery
    events: frozenset[str]
    after: str | None


def read_log_request(event: APIGatewayProxyEvent) -> LogRequest | OneDelivery:
    """What the query says. Raises Invalid that names every fault."""
    faults: list[Fault] = []
    names = set(event.query_string_parameters or {})
    if "deliveryId" in names:
        if names != {"deliveryId"}:
            raise Invalid("Nothing is shown.", [Fault("deliveryId", "deliveryId goes with nothing else")])
        return _read_delivery_id((event.query_string_parameters or {})["deliveryId"], "Nothing is shown.")

    def given(name: str) -> str:
        return event.get_query_string_value(name, "") or ""

    def moment(name: str, otherwise: int) -> int:
        try:
            return _milliseconds(given(name)) if given(name) else otherwise
        except ValueError as wrong:
            faults.append(Fault(name, f"{name} {wrong}"))
            return otherwise

    query = LogQuery(moment("from", LogQuery().since), moment("to", LogQuery().until))
    state, limit, cursor = given("state"), given("limit") or str(USUALLY_SHOWN), given("cursor")
    if state and state not in _STATES:
        faults.append(Fault("state", f"state must be one of {', '.join(_STATES)}"))
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:4]) <= MOST_SHOWN and len(limit) < 4):
        faults.append(Fault("limit", f"limit must be a whole number from 1 to {MOST_SHOWN}"))
    faults += _range_faults(query, cursor) if not faults else []
    if faults:
        raise Invalid("The query names what is wrong in errors.", faults)
    of_state: Any = state or None
    return LogRequest(given("endpointId") or None, replace(query, state=of_state), cursor or None, int(limit))


def read_resend(event: APIGatewayProxyEvent) -> OneDelivery | ResendEvent | ResendRange:
    """What is to be sent again. Raises the error that names every fault."""
    fields, faults = validate(_ResendFields, json_body(event, MAX_JSON_BYTES))
    if fields is None:
        raise Invalid("The request names what is wrong in errors.", faults)
    set_fields = {name for name in type(fields).model_fields if getattr(fields, name) is not None}
    if fields.delivery_id is not None and set_fields == {"delivery_id"}:
        return _read_delivery_id(fields.delivery_id, _NOT_SENT)
    if fields.endpoint_id and set_fields == _OF_MESSAGE:
        return ResendEvent(fields.endpoint_id, _read_fact(fields.message_id or "", fields.status or ""))
    if fields.endpoint_id and set_fields == _OF_LEAD:
        return ResendEvent(fields.endpoint_id, LeadMove(fields.lead_id or "", fields.move or 0))
    if fields.endpoint_id and fields.since and fields.until and set_fields <= _OF_RANGE:
        query = LogQuery(_milliseconds(fields.since), _milliseconds(fields.until))
        if faults := _range_faults(query, fields.cursor):
            raise Invalid(_NOT_SENT, faults)
        return ResendRange(fields.endpoint_id, query, frozenset(fields.events or ()), fields.cursor)
    raise Invalid(_NOT_SENT, [Fault("body", _ONE_OF)])


def delivery_id(key: DeliveryKey) -> str:
    """As it is shown: nothing of it says whose it is."""
    return f"{key.endpoint.endpoint_id}.{key.created_at}.{key.event_id}"


def shown_delivery(row: Delivery, most: int = _MOST_OF_A_BODY) -> dict[str, Any]:
    """A delivery as its app sees it, and `most` bytes of its body.

    `waitsFor`: what it is held for; without it there is `nextTryAt`.
    """
    shown: dict[str, Any] = {
        "deliveryId": delivery_id(row.key),
        "endpointId": row.key.endpoint.endpoint_id,
        "eventId": row.key.event_id,
        "event": row.event_name,
        "createdAt": to_rfc3339(row.key.created_at),
        "state": row.state,
        "tries": row.tries,
    }
    if not isinstance(row.source, dict):
        shown |= row.source.as_dict()
    if row.due_at is not None:
        shown["nextTryAt"] = to_rfc3339(row.due_at)
    if row.why is not None:
        shown["waitsFor" if row.state == "waiting" else "reason"] = row.why
    attempts = [
        {
            "number": attempt.number,
            "at": to_rfc3339(attempt.at),
            # Blocked and unreachable look the same, as everywhere: no time is told without an answer.
            "milliseconds": attempt.took if attempt.status is not None else None,
            "status": attempt.status,
            "failure": attempt.failure,
            **({"resend": True} if attempt.resend else {}),
        }
        for attempt in row.attempts
    ]
    return shown | {"attempts": attempts, "body": row.body[:most].decode("utf-8", "replace")}


def shown_health(health: EndpointHealth) -> dict[str, Any]:
    """How an endpoint is: healthy, failing since when, or disabled and why."""
    shown: dict[str, Any]
    if health.disabled_at is not None:
        shown = {"state": "disabled", "disabledAt": to_rfc3339(health.disabled_at), "reason": health.why}
    elif health.failing_since is None:
        return {"state": "healthy"}
    else:
        shown = {"state": "failing", "warned": health.warned}
        if not health.breaker.is_closed:
            shown["nextProbeAt"] = to_rfc3339(health.breaker.open_until)
    if health.failing_since is not None:
        shown["failingSince"] = to_rfc3339(health.failing_since)
    return shown


def _range_faults(query: LogQuery, cursor: str | None) -> list[Fault]:
    """The table refuses a range that ends before it begins, and a place outside it."""
    first, last = place(query.since), place(query.until)
    if first > last:
        return [Fault("to", "to must not be before from")]
    if cursor and not (_PLACE.fullmatch(cursor) and first <= cursor <= last):
        return [Fault("cursor", "cursor must be the nextCursor of an answer to the same from and to")]
    return []


def _read_delivery_id(text: str, otherwise: str) -> OneDelivery:
    parts = _DELIVERY_ID.fullmatch(text)
    if parts is None:
        raise Invalid(otherwise, [Fault("deliveryId", "deliveryId must be one that the log shows")])
    return OneDelivery(parts[1], int(parts[2]), parts[3])


def _read_fact(message_id: str, status: str) -> MessageFact:
    faults = []
    if not is_message_id(message_id):
        faults.append(Fault("messageId", "messageId must be the id of a message"))
    if status not in _FACTS:
        faults.append(Fault("status", f"status must be one of {', '.join(_FACTS)}"))
    if faults:
        raise Invalid(_NOT_SENT, faults)
    return MessageFact(message_id, status)
