"""docs/events/: a JSON Schema and examples of each event, made from the models and by the functions themselves.

`python -m local.event_docs` writes them anew.
"""

import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, is_typeddict

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from hkreach.domain import event_models, received_models
from hkreach.domain.delivery import EndpointKey
from hkreach.domain.endpoint_health import EndpointHealth
from hkreach.domain.event import Event, moved_event, news_event, received_event, status_event
from hkreach.domain.inbound import MetaNews, with_own_ids
from hkreach.domain.inbound_file import StoredFile
from hkreach.domain.lead import Customer, Move
from hkreach.domain.message import MessageError, OutboundMessage, Status
from hkreach.domain.meta_inbound import Received, inbound_of
from hkreach.domain.template import Template
from hkreach.domain.time import DAY
from hkreach.domain.webhook_test import new_test_event
from hkreach.domain.webhook_warning import warning_event
from local.commands import ROOT
from local.meta.inbound_kinds import BESIDE, KINDS, sample_of

FOLDER = ROOT / "docs/events"
DATA: Mapping[str, Any] = {
    "messages.status": event_models.MessageStatusData,
    "messages.received": received_models.MessageReceivedData,
    "leads.status": event_models.LeadStatusData,
    "webhooks.test": event_models.WebhookTestData,
    "webhooks.warning": event_models.WebhookWarningData,
    "meta.field": event_models.MetaNewsData,
}
"""The model of each event's `data`; `meta.field` stands for `meta.` and any field of Meta's."""
VERSION = 1
_ABOUT = "https://json-schema.org/draft/2020-12/schema"
_AT = 1_795_338_000_000
_APP, _ENDPOINT, _NUMBER = "mystore", "we_3q2-7wAAAAAAAAAAAAAAAA", "106540352242922"
_CUSTOMER, _USER = "919999999999", "IN.13491208655302741918"
_ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
_OTHER_LEAD = "5b0c7a52-6f0e-4b1e-8f3a-0d9a3e6f7c21"


def main() -> None:
    """Write all files, and remove those that nothing writes any more."""
    wanted = files()
    for path in FOLDER.glob("*"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def files() -> dict[str, str]:
    """Every file of the folder by its name."""
    schemas = {f"{name}.schema.json": _text(schema(name)) for name in DATA}
    shown = {f"{name}.examples.json": _text(examples()[name]) for name in DATA}
    return {"README.md": _index(), **schemas, **shown}


class _Plain(GenerateJsonSchema):
    """Without a title for each field: it would only repeat its name."""

    def field_title_should_be_set(self, _: Any) -> bool:
        return False


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of an event."""
    envelope, data = _schema_of(event_models.Envelope), _schema_of(DATA[name])
    definitions = envelope.pop("$defs", {}) | data.pop("$defs", {})
    definitions["Rfc3339"] = {"type": "string", "format": "date-time", "description": "A moment in UTC, RFC 3339."}
    named: dict[str, Any] = {"type": "string", "pattern": r"^meta\."} if name == "meta.field" else {"const": name}
    properties = envelope["properties"]
    properties["event"] = named | {"description": properties["event"]["description"]}
    return {
        "$schema": _ABOUT,
        "$id": f"urn:hkreach:event:{name}:{VERSION}",
        "title": name,
        "description": data.pop("description"),
        "type": "object",
        "required": envelope["required"],
        "properties": properties | {"data": data},
        "$defs": dict(sorted(definitions.items())),
    }


def _schema_of(model: Any) -> dict[str, Any]:
    for module in (event_models, received_models):
        for each in vars(module).values():
            if is_typeddict(each):
                each.__pydantic_config__ = {"use_attribute_docstrings": True}
    return TypeAdapter(model).json_schema(schema_generator=_Plain)


def examples() -> dict[str, dict[str, Event]]:
    """Of each event its examples, by what they show; each made as the functions make them."""
    disabled = EndpointHealth(failing_since=_AT, warned=100, disabled_at=_AT + 5 * DAY, why="failing")
    return {
        "messages.status": dict(_statuses()),
        "messages.received": dict(_received()),
        "leads.status": {
            "made": moved_event(_move(1, None, "New", "customer")),
            "moved": moved_event(_move(2, "New", "Contacted", "Ann")),
            "joined": moved_event(replace(_move(3, "Contacted", "Contacted", "customer"), joined_into=_OTHER_LEAD)),
        },
        "webhooks.test": {
            "test": new_test_event(_APP, _ENDPOINT, _AT) | {"id": "evt_0d9b4f6f9a07c48f45e5a7bf8d9b4f6f"}
        },
        "webhooks.warning": {
            "failing": _warning(EndpointHealth(failing_since=_AT, warned=70)),
            "disabled": _warning(disabled),
        },
        "meta.field": {
            "message_template_status_update": news_event(
                MetaNews(_ID, "message_template_status_update", "102290129340398", None, None, _AT, _PAUSED, 0)
            )
        },
    }


_PAUSED = {
    "event": "PAUSED",
    "message_template_id": 1689556908129832,
    "message_template_name": "order_confirmation",
    "message_template_language": "en",
    "reason": "NONE",
}


_WITHOUT_NUMBER = {
    "from": None,
    "from_user_id": _USER,
    "from_parent_user_id": "IN.ENT.11815799212886844830",
    "group_id": "Y2FwaV9ncm91cDoxNzA1NTU1MDEzOToxMjAzNjM0MDQ2OTQyMzM4MjAZD",
    "context": {"from_user_id": _USER, "id": "wamid.of.another"},
}


def _statuses() -> Iterator[tuple[str, Event]]:
    error = MessageError("131026", "Message undeliverable", "The number is not on WhatsApp.", retryable=False)
    for status in Status:
        message = OutboundMessage(
            message_id=_ID,
            app_name=_APP,
            phone_number_id=_NUMBER,
            to=_CUSTOMER,
            template=Template("order_confirmation", "en"),
            facts={status: _AT},
            expires_at=0,
            deadline=0,
            third_party_app_name="MyStore_ERP",
            error=error if status is Status.FAILED else None,
        )
        yield status.value, status_event(message, status)


def _received() -> Iterator[tuple[str, Event]]:
    for kind in KINDS:
        yield kind, received_of(sample_of(kind))
    not_given = MessageError("media_gone", "The file could not be fetched", "Meta does not have the file any more.")
    yield "image_not_given", received_of(sample_of("image"), stored=None, error=not_given)
    edited = {"original_message_id": "wamid.of.another", "message": sample_of("image")}
    yield "edit_of_image", received_of({"type": "edit", "edit": edited})
    yield "of_a_later_kind", received_of({"type": "hologram"})
    yield "of_who_has_no_phone_number", received_of(sample_of("text") | _WITHOUT_NUMBER)
    video = {"source_url": "https://fb.me/3cr4Wqqkv", "source_id": "1202", "source_type": "post", "media_type": "video"}
    urls = {"video_url": "https://video.xx.fbcdn.net/v/1", "thumbnail_url": "https://scontent.xx.fbcdn.net/t/1"}
    yield "from_video_post", received_of(sample_of("text") | {"referral": video | urls})
    for name, beside in BESIDE.items():
        yield name, received_of(sample_of("text") | beside())


def received_of(content: Mapping[str, Any], **parts: Any) -> Event:
    """The event of a customer's message with this content, its file fetched if it has one."""
    node = {"from": _CUSTOMER, "id": "wamid.HBgMOTE5OTk5OTk5OTk5", "timestamp": str(_AT // 1000), **content}
    profile = {"name": "John Doe", "username": "john.doe"}
    person = {"wa_id": _CUSTOMER, "user_id": _USER, "profile": profile, "identity_key_hash": "Zx9dQ8sTNqw="}
    metadata = {"phone_number_id": _NUMBER}
    found = inbound_of({"metadata": metadata, "contacts": [person]}, node, lambda _: _APP, _AT)
    assert isinstance(found, Received), found
    message = found.message
    if message.file is not None:
        mime_type = message.file.mime_type or ""
        message = replace(message, stored=StoredFile("", mime_type, mime_type, 48_213, message.file.sha256 or "", _AT))
    known = {"wamid.of.another": _ID}
    return received_event(replace(with_own_ids(message, known), waits_for=None, **parts))


def _move(number: int, before: str | None, after: str, by: str) -> Move:
    return Move(_ID, _APP, number, _AT, by, before, after, Customer(_CUSTOMER, _USER, "John Doe"))


def _warning(health: EndpointHealth) -> Event:
    return warning_event(EndpointKey(_APP, _ENDPOINT), health, 5 * DAY)


def _index() -> str:
    lines = [
        "# Events",
        "",
        "The body of a webhook, and the `detail` on the bus, where `source` is `hkreach` and `detail-type` the event's",
        "name. `make event-docs` makes these pages from the models (`hkreach/domain/*_models.py`).",
        "",
        "| event | | |",
        "|---|---|---|",
    ]
    for name in DATA:
        about = inspect.cleandoc(DATA[name].__doc__).splitlines()[0].partition(": ")[2]
        links = f"[schema]({name}.schema.json) | [examples]({name}.examples.json)"
        lines.append(f"| `{name.replace('.field', '.<field>')}` | {about} | {links} |")
    lines += [
        "",
        "**Versions.** The number at the end of a schema's `$id` is its version. Within one, a name that is there",
        "stays, with its meaning and its type; new names and new events may come at any time, so let your reader pass",
        "over what it does not know. What cannot be said so would be a new event under a new name, beside the old one",
        "for a year at least.",
        "",
    ]
    return "\n".join(lines)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    main()
