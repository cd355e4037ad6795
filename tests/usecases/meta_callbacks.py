"""Meta's callbacks as tests make them, and receive_meta as they call it."""

import json
from typing import Any

from hkreach.domain.signature import sign
from hkreach.usecases.receive_meta import ReceiveMeta
from tests.builders import MESSAGE_ID, NUMBER, OTHER_ID, RECIPIENT, outbound
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.inbound import FakeInbound
from tests.fakes.messages import FakeMessages
from tests.fakes.numbers import FakeNumbers
from tests.fakes.secrets import FakeMetaApp
from tests.fakes.stores import FakeStatusQueue

SECRET = "meta-app-secret"


def status_node(status: str, message_id: str = MESSAGE_ID, **parts: Any) -> dict[str, Any]:
    node = {"id": f"wamid.{message_id}", "status": status, "timestamp": "1795338002"}
    return node | {"biz_opaque_callback_data": message_id} | parts


def text_node(wamid: str = "wamid.in", **parts: Any) -> dict[str, Any]:
    node = {"from": RECIPIENT, "id": wamid, "timestamp": "1795338060", "type": "text", "text": {"body": "Hello"}}
    return node | parts


def value_of(number: str = NUMBER, **parts: Any) -> dict[str, Any]:
    return {"metadata": {"phone_number_id": number}, **parts}


def body_of(*values: dict[str, Any]) -> bytes:
    changes = [{"field": "messages", "value": value} for value in values]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "w", "changes": changes}]}).encode()


def call(step: ReceiveMeta, body: bytes, secret: str = SECRET) -> dict[str, int]:
    return dict(step(body, f"sha256={sign(secret, body)}"))


def receiver(
    messages: FakeMessages,
    apps: FakeApps,
    clock: FakeClock,
    inbound: FakeInbound,
    statuses: FakeStatusQueue,
    numbers: FakeNumbers,
) -> ReceiveMeta:
    """The step beside two messages that were sent."""
    messages.add(outbound())
    messages.add(outbound(OTHER_ID))
    messages.calls.clear()
    return ReceiveMeta(messages, apps, FakeMetaApp(SECRET, "secret-before"), clock, numbers, inbound, statuses)
