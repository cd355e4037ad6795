"""Messages that a customer writes to a business number, made on command."""

import re
import time
from dataclasses import dataclass
from typing import Any

from local.meta.inbound_kinds import BESIDE, KINDS, WITHOUT_CONTACTS, sample_of
from local.meta.simulator import Simulator
from local.meta.statuses import change_value, envelope
from local.meta.wire import new_wamid, user_id_of
from local.typed_json import JsonError, JsonObject


@dataclass(frozen=True)
class Inbound:
    """What a customer sends: `text`, a `kind` of `inbound_kinds` as Meta's pages show it, or a whole `message`."""

    phone_number_id: str
    from_: str
    text: str | None = None
    message: dict[str, Any] | None = None
    kind: str | None = None
    beside: str | None = None
    """A reply, an ad and so on, beside any of these: see `inbound_kinds.BESIDE`."""
    profile_name: str = "Simulated Customer"
    username: str | None = None
    user_id: str | None = None
    """The customer's BSUID; by default one that follows from the phone number."""
    parent_user_id: str | None = None
    group_id: str | None = None
    hide_phone: bool = False
    """Leave out the phone number, as Meta does for some users with a username."""


def send_inbound(simulator: Simulator, inbound: Inbound) -> JsonObject:
    """Open the customer's window, send the message in a callback in the background, and return it."""
    number = simulator.number(inbound.phone_number_id)
    if number is None:
        raise JsonError(f"there is no number {inbound.phone_number_id!r}; configure it first")
    if sum(part is not None for part in (inbound.text, inbound.message, inbound.kind)) != 1:
        raise JsonError("an inbound message has either a text, a kind or a message")
    if inbound.kind is not None and inbound.kind not in KINDS:
        raise JsonError(f"there is no kind {inbound.kind!r}; there are {', '.join(KINDS)}")
    if inbound.beside is not None and inbound.beside not in BESIDE:
        raise JsonError(f"nothing like {inbound.beside!r} can stand beside it; there are {', '.join(BESIDE)}")
    wa_id = re.sub(r"\D", "", inbound.from_)
    user_id = inbound.user_id or user_id_of(wa_id)
    profile = {"name": inbound.profile_name, **({"username": inbound.username} if inbound.username else {})}
    message: JsonObject = {
        **({} if inbound.hide_phone else {"from": wa_id}),
        "from_user_id": user_id,
        **({"from_parent_user_id": inbound.parent_user_id} if inbound.parent_user_id else {}),
        "id": new_wamid(wa_id),
        "timestamp": str(int(time.time())),
        **({"group_id": inbound.group_id} if inbound.group_id else {}),
        **(inbound.message or (sample_of(inbound.kind) if inbound.kind else _text(inbound.text))),
        **(BESIDE[inbound.beside]() if inbound.beside else {}),
    }
    contact = {
        "profile": profile,
        **({} if inbound.hide_phone else {"wa_id": wa_id}),
        "user_id": user_id,
        **({"parent_user_id": inbound.parent_user_id} if inbound.parent_user_id else {}),
    }
    simulator.limits.count_inbound(number)
    simulator.open_window(number, wa_id)
    simulator.open_window(number, user_id)
    contacts = {} if message.get("type") in WITHOUT_CONTACTS else {"contacts": [contact]}
    value = change_value(number, **contacts, messages=[message])
    simulator.callbacks.run(simulator.callbacks.send(envelope((number, [value]))))
    return message


@dataclass(frozen=True)
class FieldChange:
    """A change of another field than `messages`: of an account, or, with `phone_number_id`, of the number's."""

    field: str
    value: Any
    waba_id: str | None = None
    phone_number_id: str | None = None
    time: int | None = None
    """Unix seconds; by default now. Meta gives it with these fields."""


def send_change(simulator: Simulator, change: FieldChange) -> JsonObject:
    """Send the change in a callback in the background, and return the callback."""
    number = simulator.number(change.phone_number_id) if change.phone_number_id else None
    if change.phone_number_id and number is None:
        raise JsonError(f"there is no number {change.phone_number_id!r}; configure it first")
    waba_id = change.waba_id or (number.waba_id if number else "0")
    entry = {
        "id": waba_id,
        "time": change.time or int(time.time()),
        "changes": [{"field": change.field, "value": change.value}],
    }
    callback: JsonObject = {"object": "whatsapp_business_account", "entry": [entry]}
    simulator.callbacks.run(simulator.callbacks.send(callback))
    return callback


def _text(body: str | None) -> JsonObject:
    return {"type": "text", "text": {"body": body}}
