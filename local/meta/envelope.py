"""The outer form of what is posted to /messages: who, what type, and what Meta shall echo."""

from dataclasses import dataclass, field

from local.meta.free_form_rules import FREE_FORM_READERS, read_contacts
from local.meta.graph_errors import GraphError
from local.meta.letter_case import in_documented_case
from local.meta.media_rules import MediaReference
from local.meta.params import Params
from local.meta.recipients import Recipient, read_recipient
from local.meta.settings import Number, Settings
from local.meta.template_registry import check_against_registry
from local.meta.template_rules import read_template

_ECHO_LENGTH = 512
_TYPES = (*FREE_FORM_READERS, "contacts", "template")


@dataclass(frozen=True)
class Message:
    """A message that Meta would accept."""

    recipient: Recipient
    kind: str
    echo: str | None
    category: str
    media: list[MediaReference] = field(default_factory=list)

    @property
    def is_template(self) -> bool:
        """Whether it is a template message, which needs no open window."""
        return self.kind == "template"


def is_read_receipt(body: object) -> bool:
    """Whether a post to /messages marks a message as read rather than sending one."""
    return isinstance(body, dict) and "status" in body


def read_receipt(body: object) -> None:
    """Check a read receipt, which may show that one is typing."""
    params = Params(body)
    params.allow_only("messaging_product", "status", "message_id", "typing_indicator")
    params.choice("messaging_product", ("whatsapp",))
    params.choice("status", ("read",))
    params.text("message_id")
    if "typing_indicator" in params:
        params.child("typing_indicator").choice("type", ("text",))


def read_message(body: object, number: Number, settings: Settings) -> Message:
    """Return the message in a request's JSON, or raise the Graph error that Meta would answer."""
    params = Params(in_documented_case(body) if settings.any_letter_case else body)
    params.choice("messaging_product", ("whatsapp",))
    kind = params.choice("type", _TYPES, code=131051)
    params.allow_only(
        "messaging_product",
        "recipient_type",
        "to",
        "recipient",
        "type",
        kind,
        "context",
        "biz_opaque_callback_data",
        "recipient_identity_key_hash",
    )
    recipient = read_recipient(params, number)
    echo = params.optional_text("biz_opaque_callback_data", at_most=_ECHO_LENGTH)
    params.optional_text("recipient_identity_key_hash")
    if "context" in params:
        context = params.child("context")
        context.allow_only("message_id")
        context.text("message_id")
    if kind == "template":
        sent = read_template(params.child("template"))
        template = check_against_registry(sent, settings.templates)
        category = template.category if template else "utility"
        if category == "authentication" and not (recipient.wa_id or recipient.group_id):
            raise GraphError(131062, "Authentication templates must be sent to a phone number.")
        return Message(recipient, kind, echo, category, sent.components.media)
    if kind == "contacts":
        read_contacts(params)
        return Message(recipient, kind, echo, "service")
    return Message(recipient, kind, echo, "service", FREE_FORM_READERS[kind](params.child(kind)))
