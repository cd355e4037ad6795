"""administer as the operator invokes it: one sample for each call, and every mistake named without a secret in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from hkreach.adapters.dynamodb_numbers import DynamoDBNumbers
from hkreach.domain import api_key
from hkreach.domain.breaker import Breaker
from hkreach.domain.number import NumberState
from tests.aws import APPS_TABLE, META_PARAMETERS, NUMBERS_TABLE, aws, items
from tests.builders import MESSAGE_ID, NOW, NUMBER, outbound
from tests.handlers.conftest import Stack, sample
from tests.template import ROOT

CALLS = [
    "administer/activate_webhook", "administer/create_app", "administer/issue_key", "administer/list_unknown",
    "administer/list_unreadable",
    "administer/recover", "administer/redrive", "administer/resume_number", "administer/revoke_key",
    "administer/set_media_days", "administer/set_meta_account", "administer/set_meta_app", "administer/set_pace",
    "administer/set_unknown_policy", "administer/set_webhook", "administer/settle_all_unknown",
    "administer/settle_unknown", "administer/show_app",
]  # fmt: skip


def _call(stack: Stack, **values: Any) -> dict[str, Any]:
    answer: dict[str, Any] = stack.invoke("administer", values)
    json.dumps(answer)
    return answer


def _add_unknown(stack: Stack, message_id: str = MESSAGE_ID, **parts: Any) -> None:
    stack.messages.add(outbound(message_id, **parts))
    claim = stack.messages.claim(message_id, NOW, NOW + 25_000)
    assert claim is not None
    stack.messages.record_unknown(message_id, claim, NOW)


def test_every_sample_is_here() -> None:
    assert CALLS == sorted(f"administer/{Path(path).stem}" for path in ROOT.glob("events/administer/*.json"))


@pytest.mark.parametrize("name", CALLS)
def test_each_sample_works(stack: Stack, name: str) -> None:
    if name != "administer/create_app":
        stack.add_app()
    _add_unknown(stack)
    answer = stack.invoke("administer", sample(name))

    assert "error" not in answer
    json.dumps(answer)


def test_a_created_app_can_be_used(stack: Stack) -> None:
    created = stack.invoke("administer", sample("administer/create_app"))
    event = sample("accept_message/send_template")
    event["headers"]["X-API-Key"] = created["apiKey"]

    assert 202 == stack.invoke("accept_message", event)["statusCode"]
    assert (NUMBER, "mystore") == (created["phoneNumberId"], created["appName"])


def test_nothing_secret_is_stored_in_the_clear(stack: Stack) -> None:
    created = stack.invoke("administer", sample("administer/create_app"))
    stored = json.dumps(items(APPS_TABLE), default=lambda value: value.hex())

    for secret in (created["apiKey"], created["apiKey"][20:], created["webhookSecret"]):
        assert secret not in stored
        assert secret.encode().hex() not in stored


def test_the_meta_app_is_kept_in_secure_strings(stack: Stack) -> None:
    assert {"appSecrets": 1} == stack.invoke("administer", sample("administer/set_meta_app"))
    found = aws("ssm").get_parameters(Names=[f"{META_PARAMETERS}/app-secrets"])["Parameters"]
    assert ["SecureString"] == [parameter["Type"] for parameter in found]


def test_a_webhook_on_the_developers_own_machine(stack: Stack) -> None:
    stack.add_app()
    url = "http://127.0.0.1:9000/inbox"

    assert url == _call(stack, action="set_webhook", appName="mystore", webhookUrl=url)["webhookUrl"]
    assert _call(stack, action="set_webhook", appName="mystore", webhookUrl=None)["webhookUrl"] is None


def test_a_key_is_shown_once(stack: Stack) -> None:
    stack.add_app()
    issued = stack.invoke("administer", sample("administer/issue_key"))

    assert api_key.parse(issued["apiKey"]) is not None
    assert "apiKey" not in stack.invoke("administer", sample("administer/show_app"))


SECRET = "EAA secret with spaces"


@pytest.mark.parametrize(
    ("call", "fields"),
    [
        ({}, {"action"}),
        ({"action": "destroy"}, {"action"}),
        ({"action": "create_app"}, {"appName"}),
        ({"action": "create_app", "appName": 7}, {"appName"}),
        ({"action": "create_app", "appName": "a b"}, {"appName"}),
        ({"action": "create_app", "appName": "mystore", "colour": "red"}, {"colour"}),
        ({"action": "create_app", "appName": "mystore", "languageCode": "English"}, {"languageCode"}),
        ({"action": "create_app", "appName": "mystore", "phoneNumberId": "+852"}, {"phoneNumberId"}),
        ({"action": "create_app", "appName": "mystore", "phoneNumberId": "١٢٣"}, {"phoneNumberId"}),
        ({"action": "create_app", "appName": "mystore", "phoneNumberId": "1"}, {"wabaId", "accessToken"}),
        ({"action": "create_app", "appName": "mystore", "accessToken": "EAA"}, {"phoneNumberId", "wabaId"}),
        ({"action": "create_app", "appName": "mystore", "accessToken": SECRET}, {"accessToken"}),
        ({"action": "create_app", "appName": "mystore", "webhookSecret": "x" * 16}, {"webhookUrl"}),
        ({"action": "create_app", "appName": "mystore", "webhookUrl": "http://x"}, {"webhookUrl"}),
        ({"action": "set_webhook", "appName": "mystore", "webhookUrl": "https://a.example.com/",
        "webhookSecret": "short"}, {"webhookSecret"}),
        ({"action": "set_webhook", "appName": "mystore"}, {"webhookUrl"}),
        ({"action": "set_meta_account", "appName": "mystore"}, {"phoneNumberId", "wabaId", "accessToken"}),
        ({"action": "set_meta_app", "appSecret": SECRET, "verifyToken": "short"}, {"appSecret", "verifyToken"}),
        ({"action": "revoke_key", "appName": "mystore"}, {"keyId"}),
        ({"action": "set_unknown_policy", "appName": "mystore", "policy": "guess"}, {"policy"}),
        ({"action": "set_unknown_policy", "appName": "mystore", "policy": "resend", "resendAfterSeconds": 299},
        {"resendAfterSeconds"}),
        ({"action": "settle_unknown", "appName": "mystore", "outcome": "sent"}, {"messageId", "outcome"}),
        ({"action": "settle_all_unknown", "appName": "mystore", "outcome": "resend", "after": "x"}, {"after"}),
        ({"action": "list_unknown", "appName": 1, "after": "x"}, {"appName", "after"}),
        *[({"action": "set_pace", "appName": "mystore", "messagesPerSecond": rate}, {"messagesPerSecond"})
        for rate in (0, 1_001, 2.5, "20")],
        ({"action": "set_pace", "appName": "mystore"}, {"messagesPerSecond"}),
        *[({"action": "set_media_days", "appName": "mystore", "mediaDays": days}, {"mediaDays"})
          for days in (0, 1, 7, 9, 31, None, "8")],
        ({"action": "resume_number", "appName": "mystore", "after": MESSAGE_ID}, {"after"}),
        ({"action": "recover", "olderThanSeconds": 599}, {"olderThanSeconds"}),
        ({"action": "redrive", "queue": "relay"}, {"queue"}),
    ],
)  # fmt: skip
def test_each_mistake_is_named_and_nothing_changed(stack: Stack, call: dict[str, Any], fields: set[str]) -> None:
    before = items(APPS_TABLE)
    answer = _call(stack, **call)

    assert ("invalid", fields) == (answer["error"]["code"], {fault["field"] for fault in answer["error"]["errors"]})
    assert SECRET not in json.dumps(answer)
    assert before == items(APPS_TABLE)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ({"action": "show_app", "appName": "nobody"}, "not_found"),
        ({"action": "revoke_key", "appName": "mystore", "keyId": "nosuchkey1"}, "not_found"),
        ({"action": "create_app", "appName": "mystore"}, "conflict"),
        ({"action": "set_unknown_policy", "appName": "nobody", "policy": "park"}, "not_found"),
        ({"action": "set_pace", "appName": "nobody", "messagesPerSecond": 1}, "not_found"),
        ({"action": "set_media_days", "appName": "nobody", "mediaDays": 8}, "not_found"),
        ({"action": "resume_number", "appName": "nobody"}, "not_found"),
        ({"action": "settle_unknown", "appName": "mystore", "messageId": "x", "outcome": "failed"}, "not_found"),
        ({"action": "settle_all_unknown", "appName": "nobody", "outcome": "failed"}, "not_found"),
        ({"action": "list_unknown", "appName": "nobody"}, "not_found"),
        (
            {"action": "create_app", "appName": "x2", "phoneNumberId": NUMBER, "wabaId": "1", "accessToken": "E"},
            "conflict",
        ),
    ],
)
def test_other_refusals(stack: Stack, call: dict[str, Any], code: str) -> None:
    stack.add_app()

    assert code == _call(stack, **call)["error"]["code"]


def test_the_pace_is_set_shown_and_given_back_to_meta(stack: Stack) -> None:
    stack.add_app()

    assert 20 == stack.invoke("administer", sample("administer/set_pace"))["messagesPerSecond"]
    assert 8 == stack.invoke("administer", sample("administer/set_media_days"))["mediaDays"]
    assert 20 == _call(stack, action="show_app", appName="mystore")["messagesPerSecond"]
    assert _call(stack, action="set_pace", appName="mystore", messagesPerSecond=None)["messagesPerSecond"] is None


def test_a_stopped_number_is_resumed_and_an_app_without_one_is_named(stack: Stack) -> None:
    stack.add_app()
    halted = NumberState(breaker=Breaker().opened(NOW, 300, "190", "token"))
    DynamoDBNumbers(aws("dynamodb"), NUMBERS_TABLE).number(NUMBER, lambda _: (halted, None))
    resumed = stack.invoke("administer", sample("administer/resume_number"))

    rest = {"resumed": 0, "more": False, "next": None}
    assert {"phoneNumberId": NUMBER, "wasStopped": True, "code": "190"} | rest == resumed
    _call(stack, action="create_app", appName="bare")
    assert "conflict" == _call(stack, action="resume_number", appName="bare")["error"]["code"]
