"""Meta's callbacks, read item by item: one that cannot be read never hides its neighbours.

Source: Meta, "Webhooks", payload of the field `messages`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hkreach.domain.message import (
    KEPT_FOR,
    InboundMessage,
    Status,
    StatusCallback,
    inbound_message_id,
    is_message_id,
)
from hkreach.domain.meta_outcome import message_error
from hkreach.domain.time import SECOND

_STATUSES = {"sent": Status.SENT, "delivered": Status.DELIVERED, "read": Status.READ, "failed": Status.FAILED}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item that is passed over, and why; the reason holds nothing of the customer's."""

    reason: str


def values_of(callback: object) -> Iterator[Mapping[str, Any] | Unreadable]:
    """The `value` of each change of the field `messages`, over all entries; what else there is, is not taken yet."""
    for entry in _list(callback, "entry"):
        for change in _list(entry, "changes"):
            field = change.get("field") if isinstance(change, dict) else None
            if field == "messages" and isinstance(change.get("value"), dict):
                yield change["value"]
                for error in _list(change["value"], "errors"):
                    yield Unreadable(f"error of the account: {message_error(error).code[:40]}")
            else:
                yield Unreadable(f"change of a field that is not taken yet: {str(field)[:40]!r}")


def status_of_callback(value: Mapping[str, Any], node: object) -> StatusCallback | Unreadable:
    """One of `value.statuses`."""
    try:
        phone_number_id, wamid = _text(value["metadata"], "phone_number_id"), _text(node, "id")
        name, at = _text(node, "status"), _milliseconds(node)
    except (KeyError, TypeError, ValueError) as fault:
        return Unreadable(f"status without {fault}")
    if name not in _STATUSES:
        return Unreadable(f"status of an unknown kind: {name[:40]!r}")
    assert isinstance(node, dict)
    echo = node.get("biz_opaque_callback_data")
    errors = _list(node, "errors")
    return StatusCallback(
        status=_STATUSES[name],
        at=at,
        wamid=wamid,
        phone_number_id=phone_number_id,
        message_id=echo if isinstance(echo, str) and is_message_id(echo) else None,
        error=message_error(errors[0] if errors else None) if name == "failed" else None,
    )


def inbound_of(
    value: Mapping[str, Any], node: object, name_of_number: Callable[[str], str | None], now: int
) -> InboundMessage | Unreadable:
    """One of `value.messages`. Text only, so far; the other kinds are passed over."""
    try:
        phone_number_id, wamid = _text(value["metadata"], "phone_number_id"), _text(node, "id")
        kind, at = _text(node, "type"), _milliseconds(node)
        if kind != "text":
            return Unreadable(f"message of a kind that is not taken yet: {kind[:40]!r}")
        assert isinstance(node, dict)
        sender, text = _text(node, "from"), _text(node["text"], "body")
    except (KeyError, TypeError, ValueError) as fault:
        return Unreadable(f"message without {fault}")
    app_name = name_of_number(phone_number_id)
    if app_name is None:
        return Unreadable(f"message for a number of no app: {phone_number_id[:40]!r}")
    return InboundMessage(
        message_id=inbound_message_id(phone_number_id, wamid),
        app_name=app_name,
        phone_number_id=phone_number_id,
        sender=sender,
        wamid=wamid,
        received_at=at,
        expires_at=now + KEPT_FOR,
        content={"type": "text", "text": {"body": text}},
        contact_name=_contact_name(value, sender),
    )


def _contact_name(value: Mapping[str, Any], sender: str) -> str | None:
    for contact in _list(value, "contacts"):
        if isinstance(contact, dict) and contact.get("wa_id") == sender and isinstance(contact.get("profile"), dict):
            name = contact["profile"].get("name")
            return _storable(name) if isinstance(name, str) else None
    return None


def _list(node: object, name: str) -> list[Any]:
    items = node.get(name) if isinstance(node, dict) else None
    return items if isinstance(items, list) else []


def _text(node: object, name: str) -> str:
    value = node.get(name) if isinstance(node, dict) else None
    if not isinstance(value, str) or not value:
        raise ValueError(name)
    return _storable(value)


def _storable(text: str) -> str:
    """The text, with half an emoji (a name cut at some length, say) replaced: UTF-8 has no place for it."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _milliseconds(node: object) -> int:
    seconds = _text(node, "timestamp")
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) < 12):
        raise ValueError("timestamp")
    return int(seconds) * SECOND
