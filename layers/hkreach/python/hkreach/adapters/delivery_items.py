"""A delivery as an item of its table, and as the body of a queue record.

pk `<app>#<endpoint>`; sk `d#<when the event was made, 15 digits of milliseconds>#<event id>`, or `state` for the
endpoint's health.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from hkreach.adapters.due_index import due_shard
from hkreach.adapters.dynamodb_items import Item, from_item, to_item
from hkreach.domain.delivery import (
    Delivery,
    DeliveryAttempt,
    DeliveryKey,
    DueDelivery,
    EndpointKey,
    EventSource,
    LeadMove,
    MessageFact,
    source_of,
)
from hkreach.domain.event import Event
from hkreach.domain.time import SECOND

WAITING_INDEX = "waiting"
_MOST_INFLATED = 65_536


def endpoint_text(endpoint: EndpointKey) -> str:
    """The pk. An app's name has no `#`."""
    return f"{endpoint.app_name}#{endpoint.endpoint_id}"


def read_endpoint(text: str) -> EndpointKey:
    """The endpoint in a pk."""
    app_name, _, endpoint_id = text.partition("#")
    return EndpointKey(app_name, endpoint_id)


def key_texts(key: DeliveryKey) -> dict[str, str]:
    """`{pk, sk}`."""
    return {"pk": endpoint_text(key.endpoint), "sk": key.place}


def read_key(texts: Mapping[str, str]) -> DeliveryKey:
    """The key in `{pk, sk}`."""
    _, created_at, event_id = texts["sk"].split("#", 2)
    return DeliveryKey(read_endpoint(texts["pk"]), int(created_at), event_id)


def delivery_shard(key: DeliveryKey) -> int:
    """The part of the index of what is due that a delivery belongs to."""
    return due_shard(f"{endpoint_text(key.endpoint)}{key.event_id}")


def delivery_item(delivery: Delivery) -> dict[str, Any]:
    """The item. What waits is in the index `waiting`, and what has a time of its own in `due`."""
    key = key_texts(delivery.key)
    return to_item(
        {
            **key,
            "eventName": delivery.event_name,
            "source": _source_value(delivery.source),
            "state": delivery.state,
            "line": key["pk"] if delivery.state == "waiting" else None,
            "tries": delivery.tries,
            "dueAt": delivery.due_at,
            "dueShard": delivery_shard(delivery.key) if delivery.due_at is not None else None,
            "attempts": [_without_none(attempt) for attempt in delivery.attempts],
            # What a server says in HTML shrinks to a quarter, and each later write costs as much as the whole item.
            "body": zlib.compress(delivery.body) if delivery.body else None,
            "why": delivery.why,
            "faults": delivery.faults or None,
            "touchedAt": delivery.touched_at,
            "madeFor": delivery.made_for,
            "version": delivery.version,
            "expiresAt": delivery.expires_at // SECOND,
        }
    )


def read_delivery_item(item: Item) -> Delivery:
    """The delivery in an item."""
    values = from_item(item)
    return Delivery(
        key=read_key(values),
        event_name=values["eventName"],
        source=_source(values["source"]),
        state=values["state"],
        tries=values["tries"],
        due_at=values.get("dueAt"),
        attempts=tuple(
            DeliveryAttempt(
                each["n"], each["at"], each["took"], each.get("status"), each.get("failure"), each.get("resend", False)
            )
            for each in values["attempts"]
        ),
        body=zlib.decompressobj().decompress(values["body"], _MOST_INFLATED) if "body" in values else b"",
        why=values.get("why"),
        faults=values.get("faults", 0),
        touched_at=values["touchedAt"],
        made_for=values.get("madeFor"),
        version=values["version"],
    )


def read_due_item(item: Item) -> DueDelivery:
    """A delivery in an item of one of the indexes; one that is held is due at 0."""
    values = from_item(item)
    return DueDelivery(read_key(values), values.get("dueAt", 0), values["version"])


def record_body(deliveries: Sequence[DueDelivery]) -> str:
    """What wakes one delivery, or some of one endpoint in their turn, as the body of a queue record."""
    if len(deliveries) == 1:
        return json.dumps({"delivery": key_texts(deliveries[0].key), "version": deliveries[0].version})
    return json.dumps({"deliveries": [{**key_texts(each.key), "version": each.version} for each in deliveries]})


def read_record_body(body: Mapping[str, Any]) -> Sequence[DueDelivery]:
    """The deliveries in such a body, in their turn; none in another one. When they are due it does not say."""
    if "delivery" in body:
        return [DueDelivery(read_key(body["delivery"]), 0, body["version"])]
    return [DueDelivery(read_key(each), 0, each["version"]) for each in body.get("deliveries", ())]


def forwarded_body(event: Event, endpoint_id: str) -> str:
    """The first try of an event at one endpoint, as the body of a queue record."""
    return json.dumps({"event": event, "endpointId": endpoint_id}, ensure_ascii=False, separators=(",", ":"))


def _source_value(source: EventSource) -> dict[str, Any]:
    """An event as text: it may hold numbers that the table has not."""
    if isinstance(source, MessageFact):
        return {"message": source.message_id, "fact": source.fact}
    if isinstance(source, LeadMove):
        return {"lead": source.lead_id, "move": source.number}
    return {"event": json.dumps(source, ensure_ascii=False, separators=(",", ":"))}


def _source(value: Mapping[str, Any]) -> EventSource:
    """Rows of earlier days hold the whole event of a lead; it too is made anew, for the lead may be erased by now."""
    if "event" in value:
        return source_of(json.loads(value["event"]))
    if "lead" in value:
        return LeadMove(value["lead"], value["move"])
    return MessageFact(value["message"], value["fact"])


def _without_none(attempt: DeliveryAttempt) -> dict[str, Any]:
    values = {"n": attempt.number, "at": attempt.at, "took": attempt.took}
    words = {"status": attempt.status, "failure": attempt.failure, "resend": attempt.resend or None}
    return values | {name: value for name, value in words.items() if value is not None}
