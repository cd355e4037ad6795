"""Meta's callbacks, read item by item: one that cannot be read never hides its neighbours.

Source: Meta, "Webhooks", payload of the field `messages`, and the pages of the other fields.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hkreach.domain.inbound import (
    MAX_CONTENT_BYTES,
    UNDATED_NEWS_KEPT_FOR,
    MetaNews,
    news_id,
)
from hkreach.domain.lenient_json import Unfit, as_json, cleaned, list_in, storable, text_in
from hkreach.domain.message import KEPT_FOR, Status, StatusCallback, is_message_id
from hkreach.domain.meta_outcome import message_error
from hkreach.domain.time import SECOND

_STATUSES = {"sent": Status.SENT, "delivered": Status.DELIVERED, "read": Status.READ, "failed": Status.FAILED}
_ITEMS = ("statuses", "messages", "errors")
_OF_MESSAGES = {"messaging_product", "metadata", "contacts", *_ITEMS}
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_MAX_ID = 140


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item that cannot be read, and why; the reason holds nothing of the customer's."""

    reason: str
    source: object
    """The item itself, or the whole body in bytes."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """An item that is readable and of no interest, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class MetaChange:
    """One change of one entry. `time` is in seconds, as Meta gives it with all fields but `messages`."""

    waba_id: str | None
    time: int | None
    field: str
    value: Any

    def nodes(self, name: str) -> list[Any]:
        """The items of this name, if it is a change of `messages`."""
        value = self.value if self.field == "messages" else None
        return list_in(value, name)

    @property
    def is_news(self) -> bool:
        """Whether it has no items, but is one."""
        return self.field != "messages" or bool(self.value.keys() - _OF_MESSAGES)


def changes_of(body: bytes) -> Iterator[MetaChange | Unreadable]:
    """Every change of every entry of a callback."""
    try:
        callback = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        yield Unreadable("body is not JSON", body)
        return
    entries = callback.get("entry") if isinstance(callback, dict) else None
    if not isinstance(entries, list):
        yield Unreadable("body without entries", callback)
        return
    for entry in entries:
        changes = entry.get("changes") if isinstance(entry, dict) else None
        if not isinstance(changes, list):
            yield Unreadable("entry without changes", entry)
            continue
        for change in changes:
            yield _change(entry, change)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _change(entry: Mapping[str, Any], change: object) -> MetaChange | Unreadable:
    field = change.get("field") if isinstance(change, dict) else None
    if not isinstance(change, dict) or not isinstance(field, str) or not _FIELD.fullmatch(field):
        return Unreadable("change without a field", change)
    value = change.get("value")
    if field == "messages":
        if not isinstance(value, dict):
            return Unreadable("change of messages without a value", change)
        if strange := [name for name in _ITEMS if not isinstance(value.get(name, []), list)]:
            return Unreadable(f"{strange[0]} that are no list", change)
    waba_id, time = entry.get("id"), entry.get("time")
    return MetaChange(
        storable(waba_id)[:_MAX_ID] if isinstance(waba_id, str) else None,
        time if type(time) is int and 0 < time < 10**11 else None,
        field,
        value,
    )


def news_of(
    change: MetaChange, value: Any, field: str, name_of_number: Callable[[str], str | None], now: int
) -> MetaNews | Unreadable:
    """A change of another field, or, with `errors` as the field, one of `value.errors`."""
    try:
        value = cleaned(value)
        if (size := len(as_json(value).encode())) > MAX_CONTENT_BYTES:
            return Unreadable(f"change of {field} of {size:,} bytes: too large for the bus", value)
    except (ValueError, RecursionError):
        return Unreadable(f"change of {field} that is no JSON", value)
    number = _number_of(change.value)
    return MetaNews(
        news_id=news_id(change.waba_id, field, change.time, [number, value]),
        field=field,
        waba_id=change.waba_id,
        phone_number_id=number,
        app_name=name_of_number(number) if number else None,
        at=change.time * SECOND if change.time else now,
        value=value,
        expires_at=now + (KEPT_FOR if change.time else UNDATED_NEWS_KEPT_FOR),
    )


def _number_of(value: Any) -> str | None:
    """Where the value says it: in its metadata, or by itself."""
    metadata = value.get("metadata") if isinstance(value, dict) else None
    for node in (metadata, value):
        number = node.get("phone_number_id") if isinstance(node, dict) else None
        if isinstance(number, str) and number.isascii() and number.isdecimal() and len(number) <= 32:
            return number
    return None


def status_of_callback(value: Mapping[str, Any], node: object) -> StatusCallback | Unreadable | Ignored:
    """One of `value.statuses`."""
    try:
        phone_number_id, wamid = text_in(value.get("metadata"), "phone_number_id"), text_in(node, "id")
        name = text_in(node, "status")
        if name not in _STATUSES:  # `played`, `deleted`, and what there will be
            return Ignored(f"status of an unknown kind: {name[:40]!r}")
        at = milliseconds_of(node)
    except ValueError as fault:
        return Unreadable(f"status without {fault}", {"metadata": value.get("metadata"), "status": node})
    assert isinstance(node, dict)
    echo = node.get("biz_opaque_callback_data")
    message_id = echo if isinstance(echo, str) and is_message_id(echo) else None
    errors = list_in(node, "errors")
    return StatusCallback(
        status=_STATUSES[name],
        at=at,
        wamid=wamid,
        phone_number_id=phone_number_id,
        message_id=message_id,
        error=message_error(errors[0] if errors else None) if name == "failed" else None,
        is_foreign=bool(echo) and message_id is None,
    )


def milliseconds_of(node: object) -> int:
    """The item's `timestamp`, whole seconds as text. Raises ValueError."""
    seconds = text_in(node, "timestamp")
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) < 12):
        raise Unfit("timestamp")
    return int(seconds) * SECOND
