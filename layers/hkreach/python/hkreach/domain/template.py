"""An approved template with the values for its variable parts, and the form Meta wants them in."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hkreach.domain.button import ButtonParam, meta_button
from hkreach.domain.header import Header, LocationHeader, TextHeader, degrees_text
from hkreach.domain.media import Media

MAX_TEMPLATE_NAME = 512
MAX_BODY_PARAM = 1_024
MAX_BODY_PARAMS = 100
MAX_BODY_TEXT = 32_768
"""Characters of all parameters together: the longest body that a template can have (Meta, "Templates")."""

type BodyParams = Sequence[str] | Mapping[str, str]
"""Positional values in the template's order, or named ones."""


@dataclass(frozen=True, slots=True)
class Template:
    """What a caller asks to be sent."""

    name: str
    language_code: str
    body_params: BodyParams = ()
    header: Header | None = None
    """None also where the header is a file."""
    buttons: Sequence[ButtonParam] = ()


def check_language_code(text: str) -> str:
    """A language code as it came. Raises ValueError if WhatsApp has none of its form."""
    if not re.fullmatch(r"[a-z]{2,3}(_[A-Za-z0-9]{2,8})?", text):
        raise ValueError("must be a language code of WhatsApp's, such as en, en_US or zh_HK")
    return text


def check_parameter(text: str, limit: int) -> str:
    """A value for a variable part, as it came. Raises ValueError with the reason where Meta would refuse it."""
    if not text.strip():
        raise ValueError("must not be empty: WhatsApp refuses empty parameters")
    if re.search(r"[\n\r\t]", text):
        raise ValueError("must not hold newlines or tabs: WhatsApp refuses them in template parameters")
    if "     " in text:
        raise ValueError("must not hold more than four spaces in a row: WhatsApp refuses them in template parameters")
    if re.search(r"[\ud800-\udfff]", text):
        raise ValueError("must not hold half a character: a \\ud83d, say, needs its second half")
    if len(text) > limit:
        raise ValueError(f"has {len(text):,} characters; at most {limit:,} are allowed")
    return text


def meta_message(
    to: str, message_id: str, template: Template, media: Media | None, media_id: str | None
) -> dict[str, Any]:
    """The body of Meta's `POST /{phone number id}/messages`.

    `message_id` is echoed by every status callback, which is how an answer that got lost is found again.
    """
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": f"+{to}",
        "type": "template",
        "template": {
            "name": template.name,
            "language": {"code": template.language_code},
            "components": [
                *_header(template.header, media, media_id),
                *_body(template.body_params),
                *map(meta_button, template.buttons),
            ],
        },
        "biz_opaque_callback_data": message_id,
    }


def _header(header: Header | None, media: Media | None, media_id: str | None) -> list[dict[str, Any]]:
    if media is not None:
        file = {"id": media_id} | ({"filename": media.filename} if media.kind == "document" else {})
        return [_header_component(media.kind, file)]
    match header:
        case TextHeader(text):
            return [_header_component("text", text)]
        case LocationHeader(latitude, longitude, name, address):
            place = {"latitude": degrees_text(latitude), "longitude": degrees_text(longitude)}
            words = {"name": name, "address": address}
            return [_header_component("location", place | {key: text for key, text in words.items() if text})]
        case None:
            return []


def _header_component(kind: str, value: Any) -> dict[str, Any]:
    return {"type": "header", "parameters": [{"type": kind, kind: value}]}


def _body(params: BodyParams) -> list[dict[str, Any]]:
    if isinstance(params, Mapping):
        values = [{"type": "text", "parameter_name": name, "text": text} for name, text in params.items()]
    else:
        values = [{"type": "text", "text": text} for text in params]
    return [{"type": "body", "parameters": values}] if values else []
