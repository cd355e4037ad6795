"""docs/api.md: the answers that it shows are what the functions answer, member for member."""

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from hkreach.domain.delivery import EndpointKey
from hkreach.domain.endpoint_health import EndpointHealth
from hkreach.domain.event import received_event, status_event
from hkreach.domain.lead import Customer
from hkreach.domain.message import Status
from hkreach.domain.template import MAX_BODY_PARAM, MAX_BODY_PARAMS, MAX_BODY_TEXT
from hkreach.domain.time import DAY
from hkreach.domain.webhook_answer import Answer
from hkreach.domain.webhook_warning import warning_event
from hkreach.edge import form, lead_body, media_body, send_body, webhook_body
from tests.builders import ERROR, LEAD_ID, MESSAGE_ID, NOW, OTHER_ID, WAMID, callback, inbound, lead, outbound
from tests.fakes.outside import FakeWebhookClient
from tests.handlers.conftest import Stack, sample
from tests.template import ROOT

PAGE = (ROOT / "docs/api.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```json\n(.*?)```", re.DOTALL)
VARIES = {"milliseconds", "nextTryAt"}
"""Depends on a clock or on chance: of the same kind only."""


def _call(stack: Stack, name: str, body: object = ..., **query: str) -> Any:
    event = sample(name)
    if body is not ...:
        event["body"] = json.dumps(body)
    if query:
        event["queryStringParameters"] = query
        event["multiValueQueryStringParameters"] = {key: [value] for key, value in query.items()}
    return json.loads(stack.invoke(name.partition("/")[0], event)["body"])


def _accepted(stack: Stack) -> Any:
    accepted = _call(stack, "accept_message/send_template")
    assert str(uuid.UUID(accepted["messageId"])) == accepted["messageId"]
    return accepted | {"messageId": MESSAGE_ID}


def _read(stack: Stack) -> Any:
    stack.messages.add(outbound())
    stack.messages.record_status(callback(Status.READ))
    return _call(stack, "read_message/status")


def _waiting(stack: Stack) -> Any:
    stack.messages.add(outbound(third_party_app_name="MyStore_ERP"))
    claim = stack.messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
    assert claim is not None
    stack.messages.release(MESSAGE_ID, claim, NOW + 1_000, "131016", NOW + 300_000)
    return _call(stack, "read_message/timeline")


def _failed(stack: Stack) -> Any:
    stack.messages.add(outbound(OTHER_ID))
    claim = stack.messages.claim(OTHER_ID, NOW, NOW + 25_000)
    assert claim is not None
    stack.messages.record_accepted(OTHER_ID, claim, NOW + 1_000, WAMID)
    stack.messages.record_status(callback(Status.FAILED, NOW + 2_000, message_id=OTHER_ID, error=ERROR))
    return _call(stack, "read_message/timeline", messageId=OTHER_ID)


def _status_event(_: Stack) -> Any:
    return status_event(outbound(facts={Status.QUEUED: NOW, Status.DELIVERED: NOW}), Status.DELIVERED)


def _warning(_: Stack) -> Any:
    return warning_event(EndpointKey("mystore", "we_1"), EndpointHealth(failing_since=NOW, warned=50), 5 * DAY)


def _written(_: Stack) -> Any:
    parts = {"content": {"type": "text", "text": {"body": "Where is my order?"}}, "received_at": NOW + 60_000}
    message_id = "0b7b4a34-51d7-4a0e-8d5c-7d2f6f1f2d11"
    return received_event(inbound(message_id, user_id="IN.1349", username="john.doe", **parts))["data"]


def _endpoint(stack: Stack) -> Any:
    stack.functions["manage_app"].manage_app.client.post = FakeWebhookClient(Answer(200, body=b"ok")).post
    return _call(stack, "manage_app/create")


def _deleted(stack: Stack) -> Any:
    return _call(stack, "manage_app/delete")


def _log(stack: Stack) -> Any:
    stack.webhooks_go_to(FakeWebhookClient(Answer(500, body=b"Internal Server Error")))
    message = outbound(facts={Status.QUEUED: NOW, Status.DELIVERED: NOW})
    event = sample("deliver_webhook/status_delivered")
    event["Records"][0]["body"] = json.dumps({"detail": status_event(message, Status.DELIVERED)})
    assert {"batchItemFailures": []} == stack.invoke("deliver_webhook", event)
    return _call(stack, "manage_app/deliveries", endpointId="we_operator")


def _moved(stack: Stack) -> None:
    stack.leads.write([lead(LEAD_ID, Customer("919999999999", None, "John Doe"), at=NOW - 60_000)])
    _call(stack, "manage_leads/move")


def _lead(stack: Stack) -> Any:
    _moved(stack)
    follow_up = {"at": "2026-11-23T09:00:00Z", "note": "Ask about the sofa", "send": {"templateName": "offer"}}
    return _call(stack, "manage_leads/change", {"score": 70, "assignee": "Ann", "followUp": follow_up})


def _moves(stack: Stack) -> Any:
    _moved(stack)
    return _call(stack, "manage_leads/moves")


def _notes(stack: Stack) -> Any:
    _moved(stack)
    for _ in range(2):
        _call(stack, "manage_leads/add_note")
    return _call(stack, "manage_leads/notes", leadId=LEAD_ID, limit="1")


def _refused(stack: Stack) -> Any:
    return _call(
        stack,
        "accept_message/send_template",
        {"to": "919999999999", "templateName": "order_confirmation", "bodyParams": ["John Doe", ""]},
    )


ANSWERS: dict[str, Callable[[Stack], Any]] = {
    '{"messageId": "3fa85f64-…", "status": "queued"}': _accepted,
    '{"status": "read", "messageId"': _read,
    '{"messageId": "3fa85f64-…", "status": "queued", "to"': _waiting,
    '{"messageId": "9c5e5b0e-…", "status": "failed"': _failed,
    '{"id": "evt_…", "event": "messages.status"': _status_event,
    '{"endpointId": "we_…", "url"': _endpoint,
    '{"endpointId": "we_…", "deleted"': _deleted,
    '{"id": "evt_…", "event": "webhooks.warning"': _warning,
    '{"deliveries": [': _log,
    '{"messageId": "0b7b4a34-…", "from"': _written,
    '{"leadId": "5b0c7a52-…", "phone"': _lead,
    '{"moves": [': _moves,
    '{"notes": [': _notes,
    '{"type": "urn:hkreach:problem:invalid"': _refused,
}
"""How each example of the page begins, and what makes its like."""


def _check(shown: Any, answered: Any, name: str = "") -> None:
    """Raises AssertionError unless the answer is as the page shows it; `…` stands for what is not written out."""
    if isinstance(shown, dict) and isinstance(answered, dict):
        assert sorted(shown) == sorted(answered)
        for key, value in shown.items():
            _check(value, answered[key], key)
    elif isinstance(shown, list) and isinstance(answered, list):
        assert len(shown) == len(answered), name
        for left, right in zip(shown, answered, strict=True):
            _check(left, right, name)
    elif name in VARIES:
        assert type(shown) is type(answered), name
    elif isinstance(shown, str) and "…" in shown:
        assert re.fullmatch(".*".join(map(re.escape, shown.split("…"))), str(answered)), name
    else:
        assert shown == answered, name


@pytest.mark.parametrize("beginning", ANSWERS)
def test_what_the_page_shows_is_what_is_answered(stack: Stack, monkeypatch: pytest.MonkeyPatch, beginning: str) -> None:
    client = stack.functions["manage_app"].manage_app.client
    monkeypatch.setattr(client, "post", FakeWebhookClient().post)
    stack.add_app()
    shown, _ = json.JSONDecoder().raw_decode(PAGE, PAGE.index(beginning))

    _check(shown, ANSWERS[beginning](stack))


def test_every_example_of_the_page_is_among_them() -> None:
    blocks = BLOCK.findall(PAGE)

    assert blocks
    assert [] == [block for block in blocks if not block.startswith(tuple(ANSWERS))]


def test_the_pages_limits_are_the_codes() -> None:
    large, small = {send_body.MAX_JSON_BYTES, lead_body.MAX_JSON_BYTES}, {webhook_body.MAX_JSON_BYTES}
    (most,), (less,) = large, small | {media_body.MAX_JSON_BYTES}
    fields = f"a field of a form above {form._FIELD_BYTES:,}, or JSON above {most:,} (sends, leads) or {less:,} ("

    assert fields in PAGE
    assert f"at most {MAX_BODY_PARAMS}, {MAX_BODY_PARAM:,} characters each, {MAX_BODY_TEXT:,} in all" in PAGE
