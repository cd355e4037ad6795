"""Messages that a customer writes to a business number, made on command."""

import re
import time
from dataclasses import dataclass
from typing import Any

from local.meta.simulator import Simulator
from local.meta.statuses import change_value, envelope
from local.meta.wire import new_wamid, user_id_of
from local.typed_json import JsonError, JsonObject


@dataclass(frozen=True)
class Inbound:
    """What a customer sends: `text`, or a whole `message` such as {"type": "image", "image": {...}}."""

    phone_number_id: str
    from_: str
    text: str | None = None
    message: dict[str, Any] | None = None
    profile_name: str = "Simulated Customer"
    username: str | None = None
    user_id: str | None = None
    """The customer's BSUID; by default one that follows from the phone number."""
    hide_phone: bool = False
    """Leave out the phone number, as Meta does for some users with a username."""


def send_inbound(simulator: Simulator, inbound: Inbound) -> JsonObject:
    """Open the customer's window, send the message in a callback in the background, and return it."""
    number = simulator.number(inbound.phone_number_id)
    if number is None:
        raise JsonError(f"there is no number {inbound.phone_number_id!r}; configure it first")
    if (inbound.text is None) == (inbound.message is None):
        raise JsonError("an inbound message has either a text or a message")
    wa_id = re.sub(r"\D", "", inbound.from_)
    user_id = inbound.user_id or user_id_of(wa_id)
    profile = {"name": inbound.profile_name, **({"username": inbound.username} if inbound.username else {})}
    message: JsonObject = {
        **({} if inbound.hide_phone else {"from": wa_id}),
        "from_user_id": user_id,
        "id": new_wamid(wa_id),
        "timestamp": str(int(time.time())),
        **(inbound.message or {"type": "text", "text": {"body": inbound.text}}),
    }
    contact = {"profile": profile, **({} if inbound.hide_phone else {"wa_id": wa_id}), "user_id": user_id}
    simulator.limits.count_inbound(number)
    simulator.open_window(number, wa_id)
    simulator.open_window(number, user_id)
    value = change_value(number, contacts=[contact], messages=[message])
    simulator.callbacks.run(simulator.callbacks.send(envelope((number, [value]))))
    return message
