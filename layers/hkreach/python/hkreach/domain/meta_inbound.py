"""A customer's message, as Meta's callback tells it.

Source: Meta, "Webhooks", `value.contacts` and `value.messages`; "Business-scoped user ids".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hkreach.domain.inbound import InboundMessage, inbound_message_id
from hkreach.domain.inbound_content import content_of
from hkreach.domain.inbound_file import NEW_FILE
from hkreach.domain.lenient_json import list_in, text_in, text_or_none
from hkreach.domain.message import KEPT_FOR
from hkreach.domain.meta_callback import Unreadable, milliseconds_of

_MAX_ID = 140
_MAX_NAME = 256


@dataclass(frozen=True, slots=True)
class Received:
    """A customer's message; and, if not all of it could be read, what has to be kept."""

    message: InboundMessage
    lost: Unreadable | None = None


def inbound_of(
    value: Mapping[str, Any], node: object, name_of_number: Callable[[str], str | None], now: int
) -> Received | Unreadable:
    """One of `value.messages`. All that it needs is its id and a number of ours; the rest is read as far as it goes."""
    contacts = list_in(value, "contacts")
    source = {"metadata": value.get("metadata"), "contacts": contacts[:1], "message": node}
    try:
        phone_number_id, wamid = text_in(value.get("metadata"), "phone_number_id"), text_in(node, "id")
    except ValueError as fault:
        return Unreadable(f"message without {fault}", source)
    app_name = name_of_number(phone_number_id)
    if app_name is None:
        return Unreadable("message for a number of no app", source)
    assert isinstance(node, dict)
    content = content_of(node, phone_number_id)
    sender, user_id = text_or_none(node, "from", _MAX_ID), text_or_none(node, "from_user_id", _MAX_ID)
    contact, profile = _contact(contacts, sender, user_id)
    try:
        received_at = milliseconds_of(node)
    except ValueError:
        content.lost.append("timestamp")
        received_at = now
    if sender is None and node.get("from") is not None:
        content.lost.append("from")
    message = InboundMessage(
        message_id=inbound_message_id(phone_number_id, wamid),
        app_name=app_name,
        phone_number_id=phone_number_id,
        sender=sender,
        wamid=wamid,
        received_at=received_at,
        expires_at=now + KEPT_FOR,
        content=content.values,
        contact_name=text_or_none(profile, "name", _MAX_NAME),
        user_id=user_id or text_or_none(contact, "user_id", _MAX_ID),
        parent_user_id=text_or_none(node, "from_parent_user_id", _MAX_ID)
        or text_or_none(contact, "parent_user_id", _MAX_ID),
        username=text_or_none(profile, "username", _MAX_NAME),
        identity_key_hash=text_or_none(contact, "identity_key_hash", _MAX_ID),
        file=content.file,
        waits_for=NEW_FILE if content.file else None,
    )
    lost = f"message of which could not be read: {', '.join(content.lost)[:200]}" if content.lost else None
    return Received(message, Unreadable(lost, source) if lost else None)


def _contact(contacts: list[Any], sender: str | None, user_id: str | None) -> tuple[Any, Any]:
    """What `value.contacts` says of the sender, and its profile; a system message has none.

    If the message names nobody, the only contact is who wrote.
    """
    for contact in contacts:
        if isinstance(contact, dict) and (
            (sender is not None and contact.get("wa_id") == sender)
            or (user_id is not None and contact.get("user_id") == user_id)
        ):
            return contact, contact.get("profile")
    if sender is None and user_id is None and len(contacts) == 1 and isinstance(contacts[0], dict):
        return contacts[0], contacts[0].get("profile")
    return None, None
