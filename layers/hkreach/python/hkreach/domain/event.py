"""The events on the bus and in the webhooks. They are made from facts alone, so a repeated event is the same event."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from hkreach.domain.event_models import LeadStatusData, MessageStatusData, MetaNewsData
from hkreach.domain.inbound import InboundMessage, MetaNews
from hkreach.domain.inbound_content import FILE_KINDS, message_in
from hkreach.domain.lead import Move
from hkreach.domain.message import RANK, OutboundMessage, Status
from hkreach.domain.time import to_rfc3339

type Event = dict[str, Any]
"""`{"id", "event", "createdAt", "appName", "data"}`: the body of a webhook and the detail on the bus."""


def status_event(message: OutboundMessage, status: Status) -> Event:
    """`messages.status` for one fact of a message."""
    at = to_rfc3339(message.facts[status])
    data: MessageStatusData = {
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
    """`messages.received` for a customer's message that is complete: who, when, and what its kind says."""
    at = to_rfc3339(message.received_at)
    told = {
        "userId": message.user_id,
        "parentUserId": message.parent_user_id,
        "username": message.username,
        "contactName": message.contact_name,
        "identityKeyHash": message.identity_key_hash,
    }
    data: dict[str, Any] = {"messageId": message.message_id, "from": message.sender, "timestamp": at}
    data |= _with_file(message)
    data |= {name: value for name, value in told.items() if value is not None}
    return _event("messages.received", message.message_id, "received", at, message.app_name, data)


def moved_event(move: Move) -> Event:
    """`leads.status` for one move of a lead, or for its end in another; of two the higher `rank` is the later."""
    at, customer = to_rfc3339(move.at), move.customer
    data: LeadStatusData = {
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
    if move.joined_into is not None:
        data["joinedInto"] = move.joined_into
    return _event("leads.status", move.lead_id, f"move {move.number}", at, move.app_name, data)


def _with_file(message: InboundMessage) -> dict[str, Any]:
    content = dict(message.content)
    told = message_in(content)
    kind = told.get("type", "")
    if kind not in FILE_KINDS:
        return content
    complete = {**told, kind: told[kind] | _file(message)}
    return complete if told is content else {**content, "edit": {**content["edit"], "message": complete}}


def _file(message: InboundMessage) -> dict[str, Any]:
    """What became of a customer's file: where it can be had, or why not."""
    if message.error is not None:
        return {"error": message.error.as_dict()}
    stored = message.stored
    if stored is None:
        return {}
    return {
        "mediaId": message.media_id,
        "mimeType": stored.mime_type,
        "size": stored.size,
        "sha256": stored.sha256,
    }


def news_event(news: MetaNews) -> Event:
    """`meta.<field>`: for internal subscribers, no webhook carries it. `appName` is null where it cannot be told."""
    at = to_rfc3339(news.at)
    data: MetaNewsData = {
        "field": news.field,
        "wabaId": news.waba_id,
        "phoneNumberId": news.phone_number_id,
        "timestamp": at,
        "value": news.value,
    }
    return _event(f"meta.{news.field}", news.news_id, "news", at, news.app_name, data)


def _event(name: str, message_id: str, fact: str, at: str, app_name: str | None, data: Mapping[str, Any]) -> Event:
    event_id = f"evt_{uuid5(UUID(message_id), fact).hex}"
    return {"id": event_id, "event": name, "createdAt": at, "appName": app_name, "data": dict(data)}
