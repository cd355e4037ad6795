"""Meta says that a customer is called differently from now on: who changes the number gets another business-scoped id.

Source: Meta, "Business-scoped user IDs": system messages `user_changed_number` and `user_changed_user_id`, with
`previous_user_id` since August 2026; and the field `user_id_update`, which Meta's pages named until then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hkreach.domain.inbound import InboundMessage, MetaNews
from hkreach.domain.lead import Customer, Lead, LeadChange
from hkreach.domain.lead_customer import joined, recognised
from hkreach.domain.lenient_json import list_in, text_or_none

USER_ID_UPDATE = "user_id_update"
"""Meta's name of the field."""
_TOLD_BY = frozenset({"user_changed_number", "user_changed_user_id"})
_MAX_ID = 140


@dataclass(frozen=True, slots=True)
class Renamed:
    """Who somebody was to Meta, and is from now on."""

    before: Customer
    now: Customer


def renamed_by_message(message: InboundMessage) -> Renamed | None:
    """What a system message tells; None if the message is another one, or does not tell it."""
    system = message.content.get("system", {})
    if message.content.get("type") != "system" or system.get("type") not in _TOLD_BY:
        return None
    user_id = text_or_none(system, "userId", _MAX_ID)
    before = text_or_none(system, "previousUserId", _MAX_ID)
    if before is None and message.user_id != user_id:
        before = message.user_id
    phone = _phone(system, "waId") or _phone(system, "newWaId")
    return _renamed(Customer(message.sender, before), Customer(phone, user_id))


def renamed_by_news(news: MetaNews) -> list[Renamed]:
    """What a change of the field tells. Its number is only what the customer was found by."""
    if news.field != USER_ID_UPDATE:
        return []
    found = []
    for node in list_in(news.value, USER_ID_UPDATE):
        ids = node.get("user_id") if isinstance(node, Mapping) else None
        before = Customer(_phone(node, "wa_id"), text_or_none(ids, "previous", _MAX_ID))
        found.append(_renamed(before, Customer(None, text_or_none(ids, "current", _MAX_ID))))
    return [each for each in found if each is not None]


def followed(
    now: Customer, before: Lead, by_user: Lead | None, by_phone: Lead | None, new: LeadChange
) -> list[LeadChange]:
    """What is to be written so that the lead of `before` is found by what the customer is called now.

    `by_user`, `by_phone`: the leads that this leads to already: the customer may have written before Meta told it.
    """
    if by_user is None or by_user.lead_id == before.lead_id:
        return recognised(now, before, by_phone, new)
    if by_phone is not None and by_phone.lead_id not in {before.lead_id, by_user.lead_id}:
        now = Customer(None, now.user_id, now.name)  # a third one's: whoever writes from it next settles that
    kept, other = sorted((before, by_user), key=lambda lead: (lead.created_at, lead.lead_id))
    return joined(kept, other, now, new.after.last_move)


def _renamed(before: Customer, now: Customer) -> Renamed | None:
    return Renamed(before, now) if before.identities and now.identities else None


def _phone(node: Any, name: str) -> str | None:
    phone = text_or_none(node, name, _MAX_ID)
    return phone if phone is not None and phone.isascii() and phone.isdecimal() else None
