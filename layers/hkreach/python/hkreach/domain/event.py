"""The events on the bus and in the webhooks. They are made from facts alone, so a repeated event is the same event."""

from typing import Any, Literal
from uuid import UUID, uuid5

from hkreach.domain.lead import Move
from hkreach.domain.message import RANK, InboundMessage, OutboundMessage, Status
from hkreach.domain.time import to_rfc3339

type Event = dict[str, Any]
"""`{"id", "event", "createdAt", "appName", "data"}`: the body of a webhook and the detail on the bus."""
type EventName = Literal["messages.status", "messages.received", "leads.status"]


def status_event(message: OutboundMessage, status: Status) -> Event:
    """`messages.status` for one fact of a message."""
    at = to_rfc3339(message.facts[status])
    data: dict[str, Any] = {
        "messageId": message.message_id,
        "status": status.value,
        "rank": RANK.get(status, 0),
        "to": message.to,
        "timestamp": at,
    }
    if message.third_party_app_name is not None:
        data["thirdPartyAppName"] = message.third_party_app_name
    if status is Status.FAILED and message.error is not None:
        data["error"] = message.error.as_dict()
    return _event("messages.status", message.message_id, status.value, at, message.app_name, data)


def received_event(message: InboundMessage) -> Event:
    """`messages.received` for a customer's message."""
    at = to_rfc3339(message.received_at)
    data: dict[str, Any] = {"messageId": message.message_id, "from": message.sender, "timestamp": at, **message.content}
    if message.contact_name is not None:
        data["contactName"] = message.contact_name
    return _event("messages.received", message.message_id, "received", at, message.app_name, data)


def moved_event(move: Move) -> Event:
    """`leads.status` for one move of a lead; of two the higher `rank` is the later."""
    at, customer = to_rfc3339(move.at), move.customer
    data: dict[str, Any] = {
        "leadId": move.lead_id,
        "phone": customer.phone,
        "name": customer.name,
        "from": move.from_stage,
        "to": move.to_stage,
        "movedAt": at,
        "movedBy": move.by,
        "rank": move.number,
    }
    if customer.user_id is not None:
        data["userId"] = customer.user_id
    return _event("leads.status", move.lead_id, f"move {move.number}", at, move.app_name, data)


def _event(name: EventName, message_id: str, fact: str, at: str, app_name: str, data: dict[str, Any]) -> Event:
    event_id = f"evt_{uuid5(UUID(message_id), fact).hex}"
    return {"id": event_id, "event": name, "createdAt": at, "appName": app_name, "data": data}
