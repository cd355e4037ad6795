"""The shape of free-form messages: everything that may be sent inside an open customer service window."""

from collections.abc import Callable

from local.meta.graph_errors import GraphError
from local.meta.media_rules import MediaReference, read_media
from local.meta.params import Params
from local.meta.template_rules import read_location

type MediaUsed = list[MediaReference]

_TEXT_LENGTH = 4096
_BODY_LENGTH = 1024
_FOOTER_LENGTH = 60
_LIST_ROWS = 10
_FREELY_SHAPED = (
    "product",
    "product_list",
    "catalog_message",
    "request_contact_info",
    "call_permission_request",
    "voice_call",
    "address_message",
    "order_details",
    "order_status",
)


def _read_text(text: Params) -> MediaUsed:
    text.allow_only("body", "preview_url")
    text.text("body", at_most=_TEXT_LENGTH)
    text.flag("preview_url")
    return []


def _reader_of_media(kind: str, *extra: str) -> Callable[[Params], MediaUsed]:
    return lambda params: read_media(params, kind, *extra)


def _read_location(location: Params) -> MediaUsed:
    read_location(location)
    return []


def _read_reaction(reaction: Params) -> MediaUsed:
    reaction.allow_only("message_id", "emoji")
    reaction.text("message_id")
    reaction.text("emoji", empty=True)
    return []


def _read_interactive(interactive: Params) -> MediaUsed:
    kind = interactive.choice("type", (*_ACTION_READERS, *_FREELY_SHAPED))
    interactive.allow_only("type", "header", "body", "footer", "action")
    if kind in _ACTION_READERS or "body" in interactive:
        interactive.child("body").text("text", at_most=_BODY_LENGTH)
    if "footer" in interactive:
        interactive.child("footer").text("text", at_most=_FOOTER_LENGTH)
    used = _read_interactive_header(interactive.child("header")) if "header" in interactive else []
    if kind in _ACTION_READERS:
        _ACTION_READERS[kind](interactive.child("action"))
    return used


def _read_interactive_header(header: Params) -> MediaUsed:
    kind = header.choice("type", ("text", "image", "video", "document"))
    header.allow_only("type", kind)
    if kind == "text":
        header.text("text", at_most=_FOOTER_LENGTH)
        return []
    return read_media(header.child(kind), kind, "filename")


def _read_reply_buttons(action: Params) -> None:
    for button in action.children("buttons", at_least=1, at_most=3):
        button.choice("type", ("reply",))
        reply = button.child("reply")
        reply.text("id", at_most=256)
        reply.text("title", at_most=20)


def _read_list(action: Params) -> None:
    action.text("button", at_most=20)
    rows = 0
    for section in action.children("sections", at_least=1, at_most=10):
        section.optional_text("title", at_most=24)
        for row in section.children("rows", at_least=1):
            row.text("id", at_most=200)
            row.text("title", at_most=24)
            row.optional_text("description", at_most=72)
            rows += 1
    if rows > _LIST_ROWS:
        raise GraphError(
            131009, f"Parameter {action.path('sections')} must have at most {_LIST_ROWS} rows, got {rows}."
        )


def _read_link_button(action: Params) -> None:
    action.choice("name", ("cta_url",))
    parameters = action.child("parameters")
    parameters.text("display_text", at_most=20)
    parameters.text("url")


def _read_location_request(action: Params) -> None:
    action.choice("name", ("send_location",))


def _read_flow(action: Params) -> None:
    action.choice("name", ("flow",))
    parameters = action.child("parameters")
    parameters.text("flow_message_version")
    parameters.text("flow_cta", at_most=30)
    if "flow_id" not in parameters and "flow_name" not in parameters:
        raise GraphError(131008, f"Parameter {parameters.path('flow_id')} is missing.")


_ACTION_READERS: dict[str, Callable[[Params], None]] = {
    "button": _read_reply_buttons,
    "list": _read_list,
    "cta_url": _read_link_button,
    "location_request_message": _read_location_request,
    "flow": _read_flow,
}

FREE_FORM_READERS: dict[str, Callable[[Params], MediaUsed]] = {
    "text": _read_text,
    "image": _reader_of_media("image", "caption"),
    "video": _reader_of_media("video", "caption"),
    "document": _reader_of_media("document", "caption", "filename"),
    "audio": _reader_of_media("audio", "voice"),
    "sticker": _reader_of_media("sticker"),
    "location": _read_location,
    "reaction": _read_reaction,
    "interactive": _read_interactive,
}
"""For each type what checks its object and returns the media used; `contacts`, a list, is read apart."""


def read_contacts(message: Params) -> None:
    """Check the list of a `contacts` message."""
    for contact in message.children("contacts", at_least=1):
        contact.child("name").text("formatted_name")
