"""A message as an item of the table, and as an image in the table's stream."""

from collections.abc import Mapping
from typing import Any

from hkreach.adapters.due_index import code_shard
from hkreach.adapters.dynamodb_items import Item, from_item, to_item
from hkreach.adapters.inbound_items import read_inbound, read_news
from hkreach.domain.button import ButtonParam
from hkreach.domain.header import Header, LocationHeader, TextHeader, degrees_text
from hkreach.domain.inbound import InboundMessage, MetaNews
from hkreach.domain.media import Media, MediaAddress
from hkreach.domain.message import (
    Attempt,
    Claim,
    DueMessage,
    MessageError,
    OutboundMessage,
    Resend,
    Status,
)
from hkreach.domain.template import Template
from hkreach.domain.time import SECOND

FACT_ATTRIBUTES: Mapping[Status, str] = {status: f"{status.value}At" for status in Status}
"""`sent` → `sentAt`: where each fact stands."""


def outbound_item(message: OutboundMessage) -> dict[str, Any]:
    """The item of a new message. Short names inside, so that a usual item stays below one write unit (1 KB)."""
    template, media, address = message.template, message.media, message.media_address
    params = template.body_params
    return to_item(
        {
            "messageId": message.message_id,
            "direction": "outbound",
            "appName": message.app_name,
            "phoneNumberId": message.phone_number_id,
            "to": message.to,
            "template": {
                "name": template.name,
                "language": template.language_code,
                "body": dict(params) if isinstance(params, Mapping) else list(params),
                "header": _header_value(template.header),
                # What is unusual is not written where it is not: a usual item stays small.
                **(
                    {"buttons": [[each.index, each.type, each.value] for each in template.buttons]}
                    if template.buttons
                    else {}
                ),
            },
            "media": media and media_value(media),
            "mediaAddress": address and _address_value(address),
            "purpose": message.purpose if message.purpose != "utility" else None,
            "codeShard": code_shard(message.message_id) if message.is_urgent else None,
            "thirdPartyAppName": message.third_party_app_name,
            "requestDigest": message.request_digest,
            "expiresAt": message.expires_at // SECOND,
            "deadline": message.deadline,
            **{FACT_ATTRIBUTES[status]: at for status, at in message.facts.items()},
        }
    )


def _address_value(address: MediaAddress) -> dict[str, str]:
    return {"url": address.url} | ({"name": address.filename} if address.filename else {})


def media_value(media: Media) -> dict[str, Any]:
    """A stored file, as it stands in the item."""
    value = {"key": media.key, "type": media.mime_type, "size": media.size, "name": media.filename}
    return value | ({"sha256": media.sha256} if media.sha256 else {})


def _media(value: Mapping[str, Any]) -> Media:
    return Media(value["key"], value["type"], value["size"], value["name"], value.get("sha256"))


def read_message_item(item: Item) -> OutboundMessage | InboundMessage | MetaNews | None:
    """What an item or a stream image holds; None for what is only kept for the operator."""
    values = from_item(item)
    match values["direction"]:
        case "outbound":
            return _outbound(values)
        case "inbound":
            return read_inbound(values)
        case "meta":
            return read_news(values)
    return None


def read_due_item(item: Item) -> DueMessage:
    """A message in an item of the index of those that wait."""
    values = from_item(item)
    purpose, waits_for = values.get("purpose", "utility"), values.get("waitsFor")
    return DueMessage(values["messageId"], values["appName"], values["dueAt"], purpose, waits_for)


def _outbound(values: Mapping[str, Any]) -> OutboundMessage:
    template, media, error = values["template"], values.get("media"), values.get("error")
    address, until = values.get("mediaAddress"), values.get("claimedUntil")
    return OutboundMessage(
        message_id=values["messageId"],
        app_name=values["appName"],
        phone_number_id=values["phoneNumberId"],
        to=values["to"],
        template=Template(
            template["name"],
            template["language"],
            template["body"],
            _header(template.get("header")),
            tuple(ButtonParam(*each) for each in template.get("buttons", ())),
        ),
        media=_media(media) if media else None,
        media_address=MediaAddress(address["url"], address.get("name")) if address else None,
        purpose=values.get("purpose", "utility"),
        third_party_app_name=values.get("thirdPartyAppName"),
        request_digest=values.get("requestDigest"),
        facts={status: values[name] for status, name in FACT_ATTRIBUTES.items() if name in values},
        expires_at=values["expiresAt"] * SECOND,
        claim=Claim(values["claimNumber"], until) if until is not None else None,
        deadline=values["deadline"],
        tries=values.get("claimNumber", 0),
        attempts=tuple(Attempt(each["n"], each["at"], each["code"]) for each in values.get("attempts", ())),
        due_at=values.get("dueAt"),
        next_try_at=values.get("nextTryAt"),
        waits_for=values.get("waitsFor"),
        resend=Resend(values["resendAt"], values["resendBy"]) if "resendAt" in values else None,
        error=MessageError(**error) if error else None,
        wamid=values.get("wamid"),
    )


def _header_value(header: Header | None) -> str | dict[str, str] | None:
    """A text as it is; of a place the degrees as text, as numbers of the table are whole."""
    match header:
        case TextHeader(text):
            return text
        case LocationHeader(latitude, longitude, name, address):
            words = {"name": name, "address": address}
            return {"lat": degrees_text(latitude), "long": degrees_text(longitude)} | {
                key: text for key, text in words.items() if text
            }
        case None:
            return None


def _header(value: str | Mapping[str, str] | None) -> Header | None:
    match value:
        case None:
            return None
        case str():
            return TextHeader(value)
    return LocationHeader(float(value["lat"]), float(value["long"]), value.get("name"), value.get("address"))
