"""Whom a message goes to: a phone number, a business-scoped user id or a group."""

import re
from dataclasses import dataclass

from local.meta.graph_errors import GraphError
from local.meta.params import Params
from local.meta.settings import Number
from local.meta.wire import user_id_of
from local.typed_json import JsonObject

_USER_ID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
_PHONE = re.compile(r"\+?[0-9 ()-]+")
_E164_DIGITS = range(7, 16)


@dataclass(frozen=True)
class Recipient:
    """The one a message goes to, a person or a group; `wa_id` are the digits of a phone number."""

    given: str
    wa_id: str | None = None
    user_id: str | None = None
    group_id: str | None = None

    @property
    def address(self) -> str:
        """The id that Meta uses: digits, a BSUID or a group's id."""
        return self.wa_id or self.group_id or self.user_id or ""

    def as_contact(self) -> JsonObject:
        """Return the answer's `contacts[]` item."""
        if self.wa_id or self.group_id:
            return {"input": self.given, "wa_id": self.address}
        return {"input": self.given, "user_id": self.user_id}

    def as_status_contact(self) -> JsonObject:
        """Return a callback's `contacts[]` item; someone addressed by BSUID keeps the phone number hidden."""
        wa_id = {"wa_id": self.wa_id} if self.wa_id else {}
        return {"profile": {"name": f"User {self.address[-4:]}"}, **wa_id, "user_id": self.user_id}


def read_recipient(params: Params, number: Number) -> Recipient:
    """Return the recipient of a message; when both `to` and `recipient` are given, `to` wins."""
    kind = params.choice("recipient_type", ("individual", "group")) if "recipient_type" in params else "individual"
    if kind == "group":
        group_id = params.text("to")
        return Recipient(given=group_id, group_id=group_id)
    if "to" in params:
        return _read_phone(params.text("to"), number)
    if "recipient" not in params:
        raise GraphError(131008, "Parameter to is missing.")
    user_id = params.text("recipient")
    if not _USER_ID.fullmatch(user_id):
        raise GraphError(131009, "Parameter recipient is not a valid business-scoped user id.")
    return Recipient(given=user_id, user_id=user_id)


def _read_phone(given: str, number: Number) -> Recipient:
    wa_id = re.sub(r"\D", "", given)
    if not given.startswith("+"):
        wa_id = number.country_code + wa_id
    if not _PHONE.fullmatch(given) or len(wa_id) not in _E164_DIGITS:
        raise GraphError(131009, f"Parameter to is not a valid phone number: {given[:40]}")
    if wa_id == number.digits:
        raise GraphError(131021, "Sender and recipient are the same phone number.")
    return Recipient(given=given, wa_id=wa_id, user_id=user_id_of(wa_id))
