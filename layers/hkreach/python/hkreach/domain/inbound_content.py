"""What a customer's message says, by its kind: Meta's node in, the event's words in camelCase out.

Source: Meta, "Webhooks", `messages` payloads of each type. A part of an unexpected form is left out and named, so that
the rest is not lost; a message of which the main part cannot be read, or of a kind that is not known, is `unsupported`.
"""

import base64
import json
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hkreach.domain.inbound import MAX_CONTENT_BYTES, MetaFile, inbound_message_id
from hkreach.domain.lenient_json import (
    Read,
    Unfit,
    add,
    as_json,
    cleaned,
    flag,
    many,
    number,
    record,
    storable,
    text,
    text_or_none,
)
from hkreach.domain.media import MAX_FILENAME, base_name
from hkreach.domain.meta_outcome import message_error

FILE_KINDS = frozenset({"image", "video", "document", "audio", "sticker"})
"""The kinds that are a file."""
_MAX_ERRORS = 10


@dataclass(slots=True)
class Content:
    """`values` as `data` of the event has them; `lost` names what could not be read."""

    values: dict[str, Any]
    file: MetaFile | None = None
    lost: list[str] = field(default_factory=list)


def content_of(node: Mapping[str, Any], phone_number_id: str) -> Content:
    """Everything in one of `value.messages` but who sent it and when. Never raises."""
    lost: list[str] = []
    try:
        values = cleaned(_values(node, phone_number_id, lost))
        file = _file_of(node, lost) if message_in(values).get("type") in FILE_KINDS else None
        content = Content(values, file, lost)
        if len(as_json(content.values).encode()) <= MAX_CONTENT_BYTES:
            return content
        lost.append(f"all of it: it has more than {MAX_CONTENT_BYTES:,} bytes")
    except (ValueError, RecursionError):
        lost.append("all of it")
    return Content(_unsupported(node), None, lost)


def message_in(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """What has the `type` and its part: the content itself, or the message as it is after an edit."""
    if content.get("type") != "edit":
        return content
    told: Mapping[str, Any] = content.get("edit", {}).get("message", {})
    return told


def _values(node: Mapping[str, Any], phone_number_id: str, lost: list[str]) -> dict[str, Any]:
    values = _of_kind(node, lost)
    for name in ("context", "referral", "group_id", "errors"):
        if node.get(name) not in (None, {}, []):
            add(values, name, _BESIDE[name], node[name], lost)
    for name in ("edit", "revoke"):  # a customer can do it to no other messages than those of this chat
        if "wamid" in values.get(name, {}):
            values[name] = {"messageId": inbound_message_id(phone_number_id, values[name]["wamid"])} | values[name]
    return values


def _of_kind(node: Mapping[str, Any], lost: list[str]) -> dict[str, Any]:
    kind = node.get("type")
    read = _KINDS.get(kind) if isinstance(kind, str) else None
    if read is None or not isinstance(kind, str):
        lost.append("its kind")
        return _unsupported(node)
    if kind in _BODILESS and node.get(kind) is None:
        return {"type": kind}
    values: dict[str, Any] = {"type": kind}
    if not add(values, kind, read, node.get(kind), lost):
        return _unsupported(node)
    return values


def _unsupported(node: Mapping[str, Any]) -> dict[str, Any]:
    kind = node.get("type")
    return {"type": "unsupported"} | ({"unsupported": {"type": storable(kind[:64])}} if isinstance(kind, str) else {})


def _file_of(node: Mapping[str, Any], lost: list[str]) -> MetaFile | None:
    """The file of a message whose values could be read. An edit may name none: then it is the edited message's."""
    told = message_in(node)
    file = told[told["type"]]
    meta_id = file.get("id")
    if meta_id is None and told is not node:
        return None
    if not isinstance(meta_id, str) or not meta_id.isalnum() or not meta_id.isascii():  # it becomes part of an address
        lost.append("id")
        return None
    filename = base_name(text_or_none(file, "filename", MAX_FILENAME) or "") or None
    return MetaFile(meta_id[:128], text_or_none(file, "mime_type", 128), filename, _sha256(file.get("sha256")))


def _sha256(value: object) -> str | None:
    """In hex; Meta gives it in base64."""
    try:
        digest = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (NotBase64, ValueError):
        return None
    return digest.hex() if len(digest) == 32 else None


def _json_in_text(value: Any, lost: list[str]) -> Any:
    """A flow's answer is JSON in a text; what is none stays a text."""
    words = text(value, lost)
    try:
        return cleaned(json.loads(words))
    except (ValueError, RecursionError):
        return words


def _filename(value: Any, lost: list[str]) -> str:
    return base_name(text(value, lost)) or "file"


def _errors(value: Any, _: list[str]) -> list[dict[str, str]]:
    if not isinstance(value, list):
        raise Unfit
    errors = (message_error(error) for error in value[:_MAX_ERRORS])
    return [{"code": error.code, "title": error.title, "details": error.details} for error in errors]


def _nested(value: Any, lost: list[str]) -> dict[str, Any]:
    """The message as it is after an edit."""
    if not isinstance(value, Mapping) or value.get("type") in ("edit", "revoke"):
        raise Unfit
    return _of_kind(value, lost)


def _reaction(value: Any, lost: list[str]) -> dict[str, Any]:
    """Without an emoji it was removed."""
    read: dict[str, Any] = record("message_id", rename={"message_id": "wamid"}, message_id=text, emoji=text)(
        value, lost
    )
    return read | {"emoji": read.get("emoji") or None}


_FILE = record(mime_type=text, caption=text, filename=_filename, voice=flag, animated=flag)
_CHOICE = record("id", id=text, title=text, description=text)
_FLOW = record(rename={"response_json": "response"}, name=text, body=text, response_json=_json_in_text)
_CALLS = record(response=text, is_permanent=flag, expiration_timestamp=number, response_source=text)
_NAME = record(
    formatted_name=text, first_name=text, last_name=text, middle_name=text, suffix=text, prefix=text
)  # fmt: skip
_ADDRESS = record(
    street=text, city=text, state=text, zip=text, country=text, country_code=text, type=text
)  # fmt: skip
_CONTACT = record(
    name=_NAME,
    phones=many(record(phone=text, type=text, wa_id=text, user_id=text)),
    emails=many(record(email=text, type=text)),
    urls=many(record(url=text, type=text)),
    addresses=many(_ADDRESS),
    org=record(company=text, department=text, title=text),
    birthday=text,
    vcard=text,
    origin=text,
)
_PRODUCT = record(
    "product_retailer_id", product_retailer_id=text, quantity=number, item_price=number, currency=text
)  # fmt: skip
_WAMID = {"id": "wamid", "original_message_id": "wamid"}
_BODILESS = frozenset({"unsupported", "request_welcome"})
_KINDS: Mapping[str, Read] = {
    "text": record("body", body=text),
    **dict.fromkeys(FILE_KINDS, _FILE),
    "location": record(
        "latitude", "longitude", latitude=number, longitude=number, name=text, address=text, url=text
    ),
    "contacts": many(_CONTACT),
    "button": record(payload=text, text=text),
    "interactive": record(
        "type", type=text, button_reply=_CHOICE, list_reply=_CHOICE, nfm_reply=_FLOW, call_permission_reply=_CALLS
    ),
    "order": record(catalog_id=text, text=text, product_items=many(_PRODUCT)),
    "reaction": _reaction,
    "system": record(
        type=text, body=text, wa_id=text, new_wa_id=text, user_id=text, parent_user_id=text,
        previous_user_id=text, previous_parent_user_id=text, identity=text, customer=text,
    ),
    "edit": record("original_message_id", rename=_WAMID, original_message_id=text, message=_nested),
    "revoke": record("original_message_id", rename=_WAMID, original_message_id=text),
    "unsupported": record(type=text),
    "request_welcome": record(),
}  # fmt: skip
_BESIDE: Mapping[str, Read] = {
    "context": record(
        rename=_WAMID | {"from_user_id": "user_id"},
        id=text,
        from_user_id=text,
        forwarded=flag,
        frequently_forwarded=flag,
        referred_product=record(catalog_id=text, product_retailer_id=text),
        **{"from": text},
    ),
    "referral": record(
        source_url=text, source_id=text, source_type=text, headline=text, body=text, media_type=text,
        image_url=text, video_url=text, thumbnail_url=text, ctwa_clid=text, welcome_message=record(text=text),
    ),
    "group_id": text,
    "errors": _errors,
}  # fmt: skip
