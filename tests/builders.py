"""Things that tests begin with: each as plain as it can be, and every part of it can be given."""

import hashlib
from typing import Any

from hkreach.domain.app import App, MetaAccount
from hkreach.domain.change import Change
from hkreach.domain.endpoint import DEFAULT_EVENTS, OPERATORS, Endpoint
from hkreach.domain.header import TextHeader
from hkreach.domain.inbound import InboundMessage, MetaFile, MetaNews
from hkreach.domain.inbound_file import NEW_FILE, StoredFile
from hkreach.domain.lead import Customer, LeadChange, new_lead
from hkreach.domain.media import Media
from hkreach.domain.message import Claim, MessageError, OutboundMessage, Status, StatusCallback
from hkreach.domain.number import Limits
from hkreach.domain.template import Template
from hkreach.domain.time import DAY
from hkreach.usecases.send_message import Waits

NOW = 1_795_338_000_123
MESSAGE_ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
OTHER_ID = "9c5e5b0e-7f8e-4a51-9b5b-0f3f6d1c2a10"
NUMBER = "106540352242922"
OTHER_NUMBER = "106540352242933"
WAMID = "wamid.HBgMOTE5OTk5OTk5OTk5FQIAERgSMEQ5QjRGNkY5QTA3QzQ4RjQ1AA=="
RECIPIENT = "919999999999"
TEMPLATE = Template("order_confirmation", "en", ["John Doe", "ORD-12345"], TextHeader("Thank you for your order!"))
ERROR = MessageError("131026", "Message undeliverable", "Not on WhatsApp", retryable=False)
PDF = b"%PDF-1.4\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0"
"""A point in 8-bit RGBA, and no more of it than its head."""
STORED = StoredFile(
    f"mystore/inbound/{OTHER_ID}", "image/png", "image/png", len(PNG), hashlib.sha256(PNG).hexdigest(), NOW + 30 * DAY
)
MEDIA = Media("mystore/outbound/0a1b", "application/pdf", len(PDF), "invoice.pdf")


WAITS = Waits(claim=25_000, retry_base=2, retry_longest=900, halted=300)
UPLOAD = 35_000
"""Milliseconds that an upload may take."""
LIMITS = Limits(probe=25_000, halted=300)


def outbound(message_id: str = MESSAGE_ID, **parts: Any) -> OutboundMessage:
    values: dict[str, Any] = {
        "app_name": "mystore",
        "phone_number_id": NUMBER,
        "to": RECIPIENT,
        "template": TEMPLATE,
        "facts": {Status.QUEUED: NOW},
        "expires_at": (NOW + 90 * DAY) // 1000 * 1000,  # the table keeps whole seconds
        "deadline": NOW + 2 * DAY,
    }
    return OutboundMessage(message_id=message_id, **(values | parts))


def inbound(message_id: str = OTHER_ID, **parts: Any) -> InboundMessage:
    values: dict[str, Any] = {
        "app_name": "mystore",
        "phone_number_id": NUMBER,
        "sender": RECIPIENT,
        "wamid": "wamid.in",
        "received_at": NOW,
        "expires_at": (NOW + 90 * DAY) // 1000 * 1000,
        "content": {"type": "text", "text": {"body": "Where is my order? ☕"}},
        "contact_name": "John Doe",
    }
    return InboundMessage(message_id=message_id, **(values | parts))


def callback(status: Status = Status.SENT, at: int = NOW + 1000, **parts: Any) -> StatusCallback:
    values: dict[str, Any] = {"wamid": WAMID, "phone_number_id": NUMBER, "message_id": MESSAGE_ID}
    return StatusCallback(status=status, at=at, **(values | parts))


def app(app_name: str = "mystore", **parts: Any) -> App:
    values: dict[str, Any] = {
        "language_code": "en",
        "created_at": NOW,
        "keys": {"SampleKey1": "0" * 64},
        "meta": MetaAccount(NUMBER, "102290129340398", b"sealed token"),
        "endpoints": hooks(endpoint()),
    }
    return App(app_name, **(values | parts))


def endpoint(endpoint_id: str = OPERATORS, **parts: Any) -> Endpoint:
    values: dict[str, Any] = {
        "url": "https://shop.example.com/whatsapp/events",
        "events": DEFAULT_EVENTS,
        "created_at": NOW,
        "secret": b"sealed secret",
    }
    return Endpoint(endpoint_id, **(values | parts))


def hooks(*endpoints: Endpoint) -> dict[str, Endpoint]:
    return {each.endpoint_id: each for each in endpoints}


def with_file(message_id: str = OTHER_ID, **parts: Any) -> InboundMessage:
    content = {"type": "image", "image": {"mimeType": "image/png", "caption": "A leaf"}}
    file = MetaFile("1003383421387256", "image/png", None, hashlib.sha256(PNG).hexdigest())
    return inbound(message_id, **({"content": content, "file": file, "waits_for": NEW_FILE} | parts))


def news(**parts: Any) -> MetaNews:
    values: dict[str, Any] = {
        "news_id": "5f0c54a5-7d2f-5b7c-9a53-6f1c4f1f2d11",
        "field": "account_update",
        "waba_id": "102290129340398",
        "phone_number_id": None,
        "app_name": None,
        "at": NOW // 1000 * 1000,
        "value": {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "SCHEDULE_FOR_DISABLE"}, "share": 0.5},
        "expires_at": (NOW + 90 * DAY) // 1000 * 1000,
    }
    return MetaNews(**(values | parts))


def change(
    after: OutboundMessage | InboundMessage | MetaNews,
    before: OutboundMessage | InboundMessage | None = None,
    number: str = "1",
) -> Change:
    return Change(number, before, after)


def claimed(number: int = 1, until: int = NOW + 25_000) -> Claim:
    return Claim(number, until)


LEAD_ID = "5b0c7a52-6f0e-4b1e-8f3a-0d9a3e6f7c21"
OTHER_LEAD_ID = "a3f1f1b8-2f57-4a7e-9a0e-7d6c0c7e4b12"
USER_ID = "HK.1359624672031122"
CUSTOMER = Customer(RECIPIENT, None, "John Doe")


def lead(lead_id: str = LEAD_ID, customer: Customer = CUSTOMER, app_name: str = "mystore", at: int = NOW) -> LeadChange:
    """A lead's beginning, to be written."""
    return new_lead(lead_id, app_name, customer, "New", "customer", at)
