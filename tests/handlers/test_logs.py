"""What is promised of the logs: the message's id along the whole way, and no key, token, secret, number or text."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hkreach.domain.message import MessageError
from hkreach.domain.meta_outcome import Halted, NotSent, Outcome, Refused, Uncertain
from hkreach.domain.signature import sign
from hkreach.domain.webhook_answer import Answer
from tests.aws import bus_with_listener
from tests.builders import MESSAGE_ID, RECIPIENT, WAMID, outbound
from tests.fakes.outside import FakeMeta, FakeWebhookClient
from tests.handlers.conftest import (
    ACCESS_TOKEN,
    API_KEY,
    META_APP_SECRET,
    VERIFY_TOKEN,
    WEBHOOK_SECRET,
    Stack,
    problem,
    sample,
)
from tests.template import resources

NEVER = [
    API_KEY, API_KEY[20:], ACCESS_TOKEN, WEBHOOK_SECRET, META_APP_SECRET, VERIFY_TOKEN, RECIPIENT, "John Doe",
    "ORD-12345",
    "Thank you for your order!", "Where is my order?", WAMID, "Invoice 12345.pdf", "EAAanotherSampleAccessToken",
    "shop.example.com",
]  # fmt: skip


@pytest.fixture
def meta(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> FakeMeta:
    meta = FakeMeta()
    module = stack.functions["send_message"]
    monkeypatch.setattr(module, "send_message", replace(module.send_message, meta=meta))
    stack.webhooks_go_to(FakeWebhookClient(Answer(200), Answer(500)))
    stack.add_app()
    stack.set_meta_app()
    stack.messages.add(outbound())
    bus_with_listener()
    return meta


def _lines(logs: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in logs.getvalue().splitlines()]


def _assert_clean(logs: io.StringIO, *more: str) -> None:
    for secret in (*NEVER, *more):
        assert secret not in logs.getvalue(), secret


def test_a_full_run_through_each_function(stack: Stack, meta: FakeMeta, logs: io.StringIO) -> None:
    names = [
        "accept_message/send_template", "accept_message/send_document", "read_message/status",
        "relay_outbox/new_message",
        "send_message/queued", "receive_meta/handshake", "receive_meta/status_delivered", "receive_meta/text_received",
        "relay_events/status_delivered", "relay_events/message_received", "deliver_webhook/status_delivered",
        "deliver_webhook/status_delivered",
    ]  # fmt: skip
    for name in names:
        logs.truncate(0)
        logs.seek(0)
        stack.invoke(name.partition("/")[0], sample(name))
        _assert_clean(logs)
        assert _lines(logs) or "handshake" in name, f"{name} logs nothing"


def test_every_operators_call(stack: Stack, logs: io.StringIO) -> None:
    for name in ("create_app", "show_app", "set_meta_account", "set_webhook", "issue_key", "set_meta_app"):
        answer = stack.invoke("administer", sample(f"administer/{name}"))
        _assert_clean(logs, *(answer[part] for part in ("apiKey", "webhookSecret") if answer.get(part)))
    assert 6 == len(_lines(logs))


@pytest.mark.parametrize(
    "outcome",
    [
        Refused(MessageError("131009", f"+{RECIPIENT} is not valid", "John Doe is no number")),
        Uncertain("ReadTimeout"),
        NotSent("131016"),
    ],
)
def test_what_meta_says_of_a_message_stays_out(
    stack: Stack, meta: FakeMeta, logs: io.StringIO, outcome: Outcome
) -> None:
    meta.send_answers.append(outcome)
    stack.invoke("send_message", sample("send_message/queued"))

    _assert_clean(logs)
    (line,) = (line for line in _lines(logs) if line["message"] == "called meta")
    assert (MESSAGE_ID, 1) == (line["message_id"], line["claim"])


def test_a_halted_account_is_a_line_that_names_its_app(stack: Stack, meta: FakeMeta, logs: io.StringIO) -> None:
    meta.send_answers.append(Halted("190"))
    stack.invoke("send_message", sample("send_message/queued"))

    (line,) = (line for line in _lines(logs) if "outcome" in line)
    assert ("halted: 190", "mystore", MESSAGE_ID) == (line["outcome"], line["app_name"], line["message_id"])


def test_refused_requests(stack: Stack, meta: FakeMeta, logs: io.StringIO) -> None:
    bodies = [{"to": f"{RECIPIENT}9999"}, {"to": RECIPIENT, "templateName": "John Doe"}, [RECIPIENT], {RECIPIENT: 1}]
    for body in bodies:
        stack.invoke("accept_message", sample("accept_message/send_template") | {"body": json.dumps(body)})
    wrong = sample("accept_message/send_template")
    wrong["headers"]["X-API-Key"] = API_KEY[:-1] + "7"
    stack.invoke("accept_message", wrong)

    _assert_clean(logs, API_KEY[:-1])


def test_callbacks_that_cannot_be_read(stack: Stack, meta: FakeMeta, logs: io.StringIO) -> None:
    for change in (
        ('"text","text"', '"reaction","text"'),
        (RECIPIENT, ""),
        ("106540352242922", "1"),
        ('"id":"wamid', '"x":"'),
    ):
        event = sample("receive_meta/text_received")
        event["body"] = event["body"].replace(*change)
        event["headers"]["x-hub-signature-256"] = f"sha256={sign(META_APP_SECRET, event['body'].encode())}"
        assert 200 == stack.invoke("receive_meta", event)["statusCode"]

    _assert_clean(logs)
    assert 4 == logs.getvalue().count("kept for the operator")


def test_each_line_names_its_invocation(stack: Stack, meta: FakeMeta, logs: io.StringIO) -> None:
    stack.invoke("send_message", sample("send_message/queued"))

    assert {"hkreach"} == {line["service"] for line in _lines(logs)}
    assert {"0b8f9c52-64a4-4d5f-b1b5-3f7f4c8e2a90"} == {line["function_request_id"] for line in _lines(logs)}
    assert any("called meta" == line["message"] for line in _lines(logs)), "what the layer logs is there too"


BEHIND_HTTP = [
    "accept_message/send_template", "manage_app/list", "manage_leads/list", "manage_media/state",
    "read_message/timeline", "receive_meta/status_delivered",
]  # fmt: skip


@pytest.mark.parametrize("name", BEHIND_HTTP)
def test_each_line_names_the_request_by_the_id_that_its_caller_got(
    stack: Stack, meta: FakeMeta, logs: io.StringIO, name: str
) -> None:
    stack.invoke(name.partition("/")[0], sample(name))

    assert {sample(name)["requestContext"]["requestId"]} == {line["correlation_id"] for line in _lines(logs)}


def test_these_are_all_functions_that_answer_requests() -> None:
    answering = {
        Path(function["CodeUri"]).name for function in resources("AWS::Serverless::Function").values()
        if "FunctionUrlConfig" in function
        or any("Api" == source["Type"] for source in function.get("Events", {}).values())
    }  # fmt: skip

    assert answering == {name.partition("/")[0] for name in BEHIND_HTTP}


def test_a_refusal_names_the_request_and_the_app_once_it_is_known(
    stack: Stack, meta: FakeMeta, logs: io.StringIO
) -> None:
    wrong = sample("accept_message/send_template") | {"body": "{}"}
    answer = stack.invoke("accept_message", wrong)
    stranger = sample("accept_message/send_template")
    stranger["headers"]["X-API-Key"] = ""
    stack.invoke("accept_message", stranger)

    known, unknown = (line for line in _lines(logs) if line["message"] == "request refused")
    assert (problem(answer)["requestId"], "mystore") == (known["correlation_id"], known["app_name"])
    assert "app_name" not in unknown, "it is nobody's until the key was checked"
