"""What comes in from Meta as items of the messages table. Its contents are JSON in a text: they may hold any number."""

import json
from collections.abc import Mapping
from typing import Any

from hkreach.adapters.dynamodb_items import to_item
from hkreach.domain.inbound import InboundMessage, MetaFile, MetaNews, Unread
from hkreach.domain.inbound_file import StoredFile
from hkreach.domain.lenient_json import as_json
from hkreach.domain.message import MessageError
from hkreach.domain.time import SECOND


def inbound_item(message: InboundMessage) -> dict[str, Any]:
    """The item of an inbound message. Its wamid lies inside, out of the index that is for outbound ones."""
    file = message.file
    inbound = {
        "wamid": message.wamid,
        "content": as_json(message.content),
        "contactName": message.contact_name,
        "userId": message.user_id,
        "parentUserId": message.parent_user_id,
        "username": message.username,
        "identityKeyHash": message.identity_key_hash,
        "file": file and _present(id=file.meta_id, type=file.mime_type, name=file.filename, sha256=file.sha256),
    }
    return to_item(
        {
            "messageId": message.message_id,
            "direction": "inbound",
            "appName": message.app_name,
            "phoneNumberId": message.phone_number_id,
            "from": message.sender,
            "receivedAt": message.received_at,
            "inbound": _present(**inbound),
            "waitsFor": message.waits_for,
            "expiresAt": message.expires_at // SECOND,
        }
    )


def news_item(news: MetaNews) -> dict[str, Any]:
    """The item of news."""
    return to_item(
        {
            "messageId": news.news_id,
            "direction": "meta",
            "appName": news.app_name,
            "phoneNumberId": news.phone_number_id,
            "field": news.field,
            "wabaId": news.waba_id,
            "receivedAt": news.at,
            "value": as_json(news.value),
            "expiresAt": news.expires_at // SECOND,
        }
    )


def unread_item(item: Unread) -> dict[str, Any]:
    """The item of what could not be read."""
    return to_item(
        {
            "messageId": item.item_id,
            "direction": "unread",
            "reason": item.reason,
            "excerpt": item.excerpt,
            "size": item.size,
            "receivedAt": item.at,
            "expiresAt": item.expires_at // SECOND,
        }
    )


def read_inbound(values: Mapping[str, Any]) -> InboundMessage:
    """The message in an item."""
    inbound = values["inbound"]
    content, file, error = inbound["content"], inbound.get("file"), values.get("error")
    return InboundMessage(
        message_id=values["messageId"],
        app_name=values["appName"],
        phone_number_id=values["phoneNumberId"],
        sender=values.get("from"),
        wamid=inbound["wamid"],
        received_at=values["receivedAt"],
        expires_at=values["expiresAt"] * SECOND,
        # Items from before there were other kinds hold a text's content as it is.
        content=json.loads(content) if isinstance(content, str) else content,
        contact_name=inbound.get("contactName"),
        user_id=inbound.get("userId"),
        parent_user_id=inbound.get("parentUserId"),
        username=inbound.get("username"),
        identity_key_hash=inbound.get("identityKeyHash"),
        file=MetaFile(file["id"], file.get("type"), file.get("name"), file.get("sha256")) if file else None,
        stored=_stored(values["media"]) if "media" in values else None,
        stored_at=values.get("mediaAt"),
        error=MessageError(**error) if error else None,
        waits_for=values.get("waitsFor"),
    )


def stored_value(stored: StoredFile) -> dict[str, Any]:
    """A customer's file, as it stands in the item of its message."""
    return {
        "key": stored.key,
        "type": stored.mime_type,
        "as": stored.served_as,
        "size": stored.size,
        "sha256": stored.sha256,
        "until": stored.kept_until,
    }


def _stored(value: Mapping[str, Any]) -> StoredFile:
    return StoredFile(value["key"], value["type"], value["as"], value["size"], value["sha256"], value["until"])


def read_news(values: Mapping[str, Any]) -> MetaNews:
    """The news in an item."""
    return MetaNews(
        news_id=values["messageId"],
        field=values["field"],
        waba_id=values.get("wabaId"),
        phone_number_id=values.get("phoneNumberId"),
        app_name=values.get("appName"),
        at=values["receivedAt"],
        value=json.loads(values["value"]),
        expires_at=values["expiresAt"] * SECOND,
    )


def read_unread(values: Mapping[str, Any]) -> Unread:
    """What could not be read, in an item."""
    return Unread(
        item_id=values["messageId"],
        reason=values["reason"],
        excerpt=values["excerpt"],
        size=values["size"],
        at=values["receivedAt"],
        expires_at=values["expiresAt"] * SECOND,
    )


def _present(**parts: Any) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value is not None}
