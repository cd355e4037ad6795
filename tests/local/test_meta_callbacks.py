"""Callbacks: their form, their signature, their retries, and callbacks made on command."""

import hashlib
import hmac
import json
from typing import Any

import pytest
import requests

from tests.local.running import APP_SECRET, NUMBER, TIMEOUT, Meta, template, wait_until

pytestmark = pytest.mark.loopback


def values(meta: Meta) -> list[dict[str, Any]]:
    """Return the values of all changes that came, in the order in which they were sent: they may overtake."""
    meta.settle()
    sent = [callback["body"] for callback in meta.control("callbacks")["callbacks"]]
    assert sorted(sent) == sorted(raw.decode() for raw, _ in meta.receiver.came)
    bodies = [json.loads(text) for text in sent]
    return [change["value"] for body in bodies for entry in body["entry"] for change in entry["changes"]]


def statuses(meta: Meta) -> list[dict[str, Any]]:
    """Return all statuses that came."""
    return [status for value in values(meta) for status in value.get("statuses", [])]


def names(meta: Meta) -> list[str]:
    """Return the names of the statuses that came."""
    return [status["status"] for status in statuses(meta)]


def test_reports_sent_delivered_and_read(meta: Meta) -> None:
    wamid = meta.send(template(biz_opaque_callback_data="m-1")).json()["messages"][0]["id"]
    meta.settle()
    first = json.loads(meta.control("callbacks")["callbacks"][0]["body"])
    value = first["entry"][0]["changes"][0]["value"]
    status = value["statuses"][0]
    user_id = status["recipient_user_id"]
    assert first == {
        "object": "whatsapp_business_account",
        "entry": [{"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}],
    }
    assert value == {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "85290000001", "phone_number_id": NUMBER},
        "contacts": [{"profile": {"name": "User 4567"}, "wa_id": "85291234567", "user_id": user_id}],
        "statuses": [
            {
                "id": wamid,
                "status": "sent",
                "timestamp": status["timestamp"],
                "recipient_id": "85291234567",
                "recipient_user_id": user_id,
                "biz_opaque_callback_data": "m-1",
                "pricing": {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"},
            }
        ],
    }
    assert status["timestamp"].isdecimal()
    assert user_id.startswith("US.")
    assert names(meta) == ["sent", "delivered", "read"]
    assert [("pricing" in one) for one in statuses(meta)] == [True, True, False]


def test_signs_exactly_the_escaped_bytes(meta: Meta) -> None:
    meta.send(template(biz_opaque_callback_data="香港/Zoë"))
    meta.settle()
    raw, headers = meta.receiver.came[0]
    assert rb"\u9999\u6e2f\/Zo\u00eb" in raw
    assert raw.isascii()
    assert headers["X-Hub-Signature-256"] == "sha256=" + hmac.new(APP_SECRET.encode(), raw, hashlib.sha256).hexdigest()
    assert headers["User-Agent"] == "facebookexternalua"
    assert headers["Content-Type"] == "application/json"


def test_fails_a_free_form_message_outside_the_window(meta: Meta) -> None:
    message = {"messaging_product": "whatsapp", "to": "+85291234567", "type": "text", "text": {"body": "hi"}}
    assert meta.send(message).status_code == 200
    (status,) = statuses(meta)
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131047)
    assert set(status["errors"][0]) == {"code", "title", "message", "error_data", "href"}
    assert "contacts" not in values(meta)[0]
    assert "recipient_user_id" not in status


def test_an_inbound_message_opens_the_window(meta: Meta) -> None:
    meta.control("inbound", {"phoneNumberId": NUMBER, "from": "+852 9123 4567", "text": "你好"})
    message = {"messaging_product": "whatsapp", "to": "+85291234567", "type": "text", "text": {"body": "hi"}}
    meta.send(message)
    assert names(meta) == ["sent", "delivered", "read"]
    assert statuses(meta)[0]["pricing"]["category"] == "service"


def test_sends_inbound_messages(meta: Meta) -> None:
    answer = meta.control(
        "inbound", {"phoneNumberId": NUMBER, "from": "85291234567", "text": "hi", "profileName": "Mei"}
    )
    (value,) = values(meta)
    assert value["contacts"] == [
        {"profile": {"name": "Mei"}, "wa_id": "85291234567", "user_id": value["messages"][0]["from_user_id"]}
    ]
    assert value["messages"] == [answer["message"]]
    assert answer["message"]["text"] == {"body": "hi"}
    assert answer["message"]["from"] == "85291234567"


def test_sends_inbound_messages_of_any_kind_and_without_a_phone_number(meta: Meta) -> None:
    content = {"type": "button", "button": {"payload": "STOP", "text": "Stop"}, "context": {"id": "wamid.x"}}
    order = {"phoneNumberId": NUMBER, "from": "85291234567", "message": content, "hidePhone": True, "username": "mei"}
    meta.control("inbound", order)
    (value,) = values(meta)
    assert "wa_id" not in value["contacts"][0]
    assert value["contacts"][0]["profile"]["username"] == "mei"
    assert "from" not in value["messages"][0]
    assert value["messages"][0]["button"] == {"payload": "STOP", "text": "Stop"}


def test_tries_again_until_it_is_taken(meta: Meta) -> None:
    meta.receiver.statuses += [500, 503]
    meta.control("statuses", {"rules": [{"statuses": ["sent"]}]})
    meta.send(template())
    meta.settle()
    (callback,) = meta.control("callbacks")["callbacks"]
    assert (callback["state"], callback["statuses"]) == ("taken", [500, 503, 200])
    assert len({raw for raw, _ in meta.receiver.came}) == 1


def test_gives_up_after_the_last_try(meta: Meta) -> None:
    meta.receiver.statuses += [500, 201, 302]
    meta.control("statuses", {"rules": [{"statuses": ["sent"]}]})
    meta.send(template())
    meta.settle()
    (callback,) = meta.control("callbacks?state=given up")["callbacks"]
    assert callback["statuses"] == [500, 201, 302]


def test_records_a_receiver_that_is_not_there(meta: Meta) -> None:
    meta.control("configuration", {"callbackUrl": "http://127.0.0.1:9/meta"})
    meta.control("statuses", {"rules": [{"statuses": ["sent"]}]})
    meta.send(template())
    meta.settle()
    (callback,) = meta.control("callbacks")["callbacks"]
    assert (callback["state"], callback["statuses"]) == ("given up", [None, None, None])
    assert "Connect" in callback["answer"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"statuses": []}, []),
        ({"statuses": ["delivered", "sent"]}, ["delivered", "sent"]),
        ({"statuses": [{"status": "sent", "copies": 3}]}, ["sent", "sent", "sent"]),
        ({"statuses": ["sent", "failed:131026"]}, ["sent", "failed"]),
        ({"statuses": ["sent"], "match": {"to": "+85290000000"}}, ["sent", "delivered", "read"]),
        ({"statuses": ["sent"], "match": {"bizOpaqueCallbackData": "m-1"}}, ["sent"]),
        ({"statuses": ["sent"], "times": 0}, ["sent", "delivered", "read"]),
    ],
)
def test_follows_rules_for_statuses(meta: Meta, rule: dict[str, Any], expected: list[str]) -> None:
    meta.control("statuses", {"rules": [rule]})
    meta.send(template(biz_opaque_callback_data="m-1"))
    assert names(meta) == expected


@pytest.mark.parametrize(("batch", "shape"), [("statuses", [[3]]), ("changes", [[1, 1, 1]]), ("entries", [[1]] * 3)])
def test_batches_statuses(meta: Meta, batch: str, shape: list[list[int]]) -> None:
    meta.control("statuses", {"rules": [{"statuses": ["sent", "delivered", "read"], "batch": batch}]})
    meta.send(template())
    meta.settle()
    (came,) = meta.receiver.came
    entries = json.loads(came[0])["entry"]
    assert [[len(change["value"]["statuses"]) for change in entry["changes"]] for entry in entries] == shape


def test_leaves_out_the_echo(meta: Meta) -> None:
    meta.control("statuses", {"rules": [{"statuses": ["sent"], "echo": False}]})
    meta.send(template(biz_opaque_callback_data="m-1"))
    assert "biz_opaque_callback_data" not in statuses(meta)[0]


def test_sends_statuses_before_the_answer(meta: Meta) -> None:
    meta.control("statuses", {"rules": [{"statuses": ["sent"], "beforeAnswer": True}]})
    meta.send(template())
    assert len(meta.receiver.came) == 1


def test_keeps_the_phone_number_of_a_user_id_hidden(meta: Meta) -> None:
    message = template(recipient="US.1")
    del message["to"]
    meta.send(message)
    status = statuses(meta)[0]
    assert (status.get("recipient_id"), status["recipient_user_id"]) == (None, "US.1")
    assert values(meta)[0]["contacts"] == [{"profile": {"name": "User US.1"}, "user_id": "US.1"}]


@pytest.mark.parametrize(
    ("order", "is_signed", "is_whole"),
    [
        ({}, True, True),
        ({"signature": "omitted"}, False, True),
        ({"signature": "forged"}, False, True),
        ({"signature": "truncated"}, False, True),
        ({"body": "truncated"}, True, False),
        ({"body": "truncated", "signature": "of_whole"}, False, False),
        ({"body": "altered", "signature": "of_whole"}, False, False),
    ],
)
def test_sends_callbacks_made_by_hand(meta: Meta, order: dict[str, str], is_signed: bool, is_whole: bool) -> None:
    meta.receiver.statuses.append(403)
    answer = meta.control("callbacks", {"value": {"object": "x"}, **order})
    ((raw, headers),) = meta.receiver.came
    valid = "sha256=" + hmac.new(APP_SECRET.encode(), raw, hashlib.sha256).hexdigest()
    assert answer["status"] == 403
    assert (headers.get("X-Hub-Signature-256") == valid) is is_signed
    assert (raw == b'{"object":"x"}') is is_whole


def test_sends_raw_and_nested_callbacks(meta: Meta) -> None:
    meta.control("callbacks", {"raw": "no JSON"})
    meta.control("callbacks", {"value": [{"entry": [1, [2]]}]})
    assert [raw for raw, _ in meta.receiver.came] == [b"no JSON", b'[{"entry":[1,[2]]}]']


def test_verifies_the_callback_url(meta: Meta) -> None:
    answer = meta.control("handshake", {"challenge": "1158201444"})
    assert answer == {"status": 200, "body": "1158201444", "verified": True}
    assert meta.control("handshake", {"verifyToken": "wrong"})["verified"] is False
    assert meta.receiver.queries[0] == {
        "hub.mode": "subscribe",
        "hub.challenge": "1158201444",
        "hub.verify_token": "verify-token",
    }


def test_reset_stops_what_is_under_way(meta: Meta) -> None:
    meta.control("configuration", {"statusDelay": 60})
    meta.send(template(biz_opaque_callback_data="m-1"))
    assert meta.control("callbacks")["outstanding"] == 1
    meta.control("reset", {"configuration": True})
    assert meta.control("callbacks") == {"callbacks": [], "outstanding": 0}
    assert meta.control("deliveries") == {}
    meta.send(template())
    assert names(meta) == ["sent", "delivered", "read"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("configuration", {"nubers": []}, "no field 'nubers'"),
        ("configuration", {"numbers": [{"phoneNumberId": "1"}]}, "configuration.numbers[2] needs the field 'wabaId'"),
        ("configuration", {"numbers": "x"}, "configuration.numbers must be a list, not text"),
        ("configuration", {"statusDelay": "soon"}, "configuration.statusDelay must be a number, not text"),
        ("answers", {"rules": [{"answer": {"fault": "explode"}}]}, "must be one of reset_before"),
        ("statuses", {"rules": [{"statuses": ["failed"]}]}, "needs a code"),
        ("inbound", {"phoneNumberId": "nobody", "from": "1", "text": "x"}, "no number 'nobody'"),
        ("inbound", {"phoneNumberId": NUMBER, "from": "1"}, "either a text, a kind or a message"),
        ("callbacks", {}, "either a value or a raw text"),
        ("nowhere", {}, "no POST /_control/nowhere"),
    ],
)
def test_says_what_is_wrong_with_a_command(meta: Meta, path: str, body: object, words: str) -> None:
    answer = requests.post(f"{meta.url}/_control/{path}", json=body, timeout=TIMEOUT)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_refuses_unknown_filters(meta: Meta) -> None:
    answer = requests.get(f"{meta.url}/_control/requests?number=1", timeout=TIMEOUT)
    assert (answer.status_code, "no filter 'number'" in answer.json()["error"]) == (400, True)


def test_a_bad_change_changes_nothing(meta: Meta) -> None:
    requests.post(f"{meta.url}/_control/configuration", json={"appSecret": 5}, timeout=TIMEOUT)
    meta.send(template())
    wait_until(lambda: meta.receiver.came)
    raw, headers = meta.receiver.came[0]
    assert headers["X-Hub-Signature-256"] == "sha256=" + hmac.new(APP_SECRET.encode(), raw, hashlib.sha256).hexdigest()
