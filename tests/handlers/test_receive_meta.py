"""receive_meta as Lambda runs it: the handshake, and callbacks whose signature is over the raw bytes."""

import base64
import io
import json
import re
from collections import Counter
from typing import Any

import pytest

from hkreach.domain.inbound import inbound_message_id
from hkreach.domain.message import Status
from hkreach.domain.signature import sign
from tests.aws import MESSAGES_TABLE, STATUS_QUEUE_URL, aws, delayed, items
from tests.builders import MESSAGE_ID, NOW, NUMBER, outbound
from tests.handlers.conftest import META_APP_SECRET, Stack, sample
from tests.template import resources

DELIVERED, TEXT, HANDSHAKE = (f"receive_meta/{name}" for name in ("status_delivered", "text_received", "handshake"))


@pytest.fixture(autouse=True)
def message(stack: Stack) -> None:
    stack.add_app()
    stack.set_meta_app()
    stack.messages.add(outbound())


def _signed(body: bytes, *, encoded: bool = False, secret: str = META_APP_SECRET) -> dict[str, Any]:
    event = sample(DELIVERED)
    event["headers"]["x-hub-signature-256"] = f"sha256={sign(secret, body)}"
    text = base64.b64encode(body).decode() if encoded else body.decode()
    return event | {"body": text, "isBase64Encoded": encoded}


def _status(stack: Stack) -> Status:
    message = stack.messages.get(MESSAGE_ID)
    assert message is not None
    return message.status


def test_a_status_becomes_a_fact(stack: Stack) -> None:
    answer = stack.invoke("receive_meta", sample(DELIVERED))

    assert (200, "", Status.DELIVERED) == (answer["statusCode"], answer["body"], _status(stack))


def test_a_customers_text_becomes_a_message(stack: Stack) -> None:
    answers = [stack.invoke("receive_meta", sample(TEXT))["statusCode"] for _ in range(2)]

    assert [200, 200] == answers
    (item,) = (item for item in items(MESSAGES_TABLE) if item["direction"]["S"] == "inbound")
    assert inbound_message_id(NUMBER, "wamid.HBgMOTE5OTk5OTk5OTk5FQIAEhgUM0E3") == item["messageId"]["S"]
    content = json.loads(item["inbound"]["M"]["content"]["S"])
    assert {"type": "text", "text": {"body": "Where is my order? ☕"}} == content
    assert "expiresAt" in item
    assert "wamid" not in item, "the index is for outbound messages"


KINDS, REPLY, IMAGE, ACCOUNT, UNREADABLE = (
    f"receive_meta/{name}"
    for name in ("kinds_received", "reply_received", "image_received", "account_update", "message_unreadable")
)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        (KINDS, {"inbound": 24}),
        (REPLY, {"inbound": 1}),
        (IMAGE, {"inbound": 1}),
        (ACCOUNT, {"meta": 1}),
        (UNREADABLE, {"inbound": 1, "unread": 1}),
    ],
)
def test_everything_that_comes_in_is_written_once(stack: Stack, name: str, written: dict[str, int]) -> None:
    answers = [stack.invoke("receive_meta", sample(name))["statusCode"] for _ in range(2)]

    assert [200, 200] == answers
    assert {"outbound": 1} | written == _count()


def test_a_thousand_messages_in_three_megabytes(stack: Stack) -> None:
    """As many as Meta puts into one callback, and as large as it may be."""
    callback = json.loads(sample(TEXT)["body"])
    (message,) = callback["entry"][0]["changes"][0]["value"]["messages"]
    messages = [
        message | {"id": f"wamid.{number}", "text": {"body": f"{number} ".ljust(2_750, "x")}} for number in range(1_000)
    ]
    callback["entry"][0]["changes"][0]["value"]["messages"] = messages
    body = json.dumps(callback).encode()
    assert 2_900_000 < len(body) < 3_000_000

    assert 200 == stack.invoke("receive_meta", _signed(body, encoded=True))["statusCode"]
    assert 1_000 == _count()["inbound"]
    assert 200 == stack.invoke("receive_meta", _signed(body))["statusCode"]
    assert 1_000 == _count()["inbound"]


def test_a_table_that_is_throttled_makes_meta_repeat(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    inbound = stack.functions["receive_meta"].receive_meta.inbound
    for method, name in (("add", TEXT), ("add_news", ACCOUNT), ("keep", UNREADABLE)):

        def throttled(*_: object) -> bool:
            raise OSError("throttled")

        with monkeypatch.context() as patch:
            patch.setattr(inbound, method, throttled)
            with pytest.raises(OSError, match="throttled"):
                stack.invoke("receive_meta", sample(name))
        assert 200 == stack.invoke("receive_meta", sample(name))["statusCode"]


def _count() -> Counter[str]:
    pages = aws("dynamodb").get_paginator("scan").paginate(TableName=MESSAGES_TABLE)
    return Counter(item["direction"]["S"] for page in pages for item in page["Items"])


def test_what_could_not_be_read_raises_the_alarm_once_and_is_listed(stack: Stack, logs: io.StringIO) -> None:
    for _ in range(2):
        stack.invoke("receive_meta", sample(UNREADABLE))
    pattern = resources("AWS::Logs::MetricFilter")["UnreadableItems"]["FilterPattern"]
    message = re.fullmatch(r'\{ \$\.message = "(.*)" \}', pattern)
    assert message
    assert 1 == logs.getvalue().count(f'"message":"{message[1]}"')
    assert "No id" not in logs.getvalue()

    answer = stack.invoke("administer", sample("administer/list_unreadable"))
    (item,) = answer["items"]
    assert ("message without id", False, None) == (item["reason"], answer["more"], answer["next"])
    assert "No id" in item["excerpt"]


def test_the_signature_is_over_the_bytes_as_they_came(stack: Stack) -> None:
    """Meta writes `/` as `\\/` and letters as `\\uXXXX`: any reading and writing again would break it."""
    body = sample(DELIVERED)["body"].encode().replace(b"John Doe", rb"Zo\u00eb\/")

    assert 200 == stack.invoke("receive_meta", _signed(body))["statusCode"]
    assert Status.DELIVERED == _status(stack)


def test_a_body_that_came_as_base64(stack: Stack) -> None:
    body = sample(DELIVERED)["body"].encode() + "\n☕".encode().strip(b"\xe2\x98\x95")

    assert 200 == stack.invoke("receive_meta", _signed(body, encoded=True))["statusCode"]
    assert Status.DELIVERED == _status(stack)


@pytest.mark.parametrize("fault", ["unsigned", "forged", "truncated", "empty", "no body"])
def test_who_is_not_meta_is_not_heard(stack: Stack, logs: io.StringIO, fault: str) -> None:
    before = items(MESSAGES_TABLE)
    event = sample(DELIVERED)
    match fault:
        case "unsigned":
            del event["headers"]["x-hub-signature-256"]
        case "forged":
            event = _signed(event["body"].encode(), secret="a guess")
        case "truncated":
            event["body"] = event["body"][:-1]
        case "empty":
            event["body"] = ""
        case _:
            del event["body"]
    answer = stack.invoke("receive_meta", event)

    assert 401 == answer["statusCode"]
    assert before == items(MESSAGES_TABLE)
    assert "callback refused" in logs.getvalue()


def test_before_a_secret_is_set_nobody_is_heard(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    meta_app = stack.functions["receive_meta"].meta_app
    meta_app._cache.forget()
    monkeypatch.setattr(meta_app, "_app_secrets", "/not/set")

    assert 401 == stack.invoke("receive_meta", sample(DELIVERED))["statusCode"]


def test_an_error_of_the_table_makes_meta_repeat(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> str:
        raise OSError("table")

    monkeypatch.setattr(stack.functions["receive_meta"].receive_meta.messages, "record_status", failing)
    with pytest.raises(OSError, match="table"):
        stack.invoke("receive_meta", sample(DELIVERED))


def test_what_belongs_to_nobody_is_taken_and_logged(stack: Stack, logs: io.StringIO) -> None:
    event = sample(DELIVERED)
    unknown = event["body"].replace(MESSAGE_ID, "3fa85f64-5717-4562-b3fc-000000000000").encode()
    strange = event["body"].replace('"delivered"', '"deleted"').encode()

    assert [200, 200] == [stack.invoke("receive_meta", _signed(body))["statusCode"] for body in (unknown, strange)]
    assert Status.QUEUED == _status(stack)
    assert '"fate":"unknown"' in logs.getvalue()
    assert "status of an unknown kind: 'deleted'" in logs.getvalue()


def test_the_handshake_returns_the_challenge(stack: Stack) -> None:
    answer = stack.invoke("receive_meta", sample(HANDSHAKE))

    assert (200, "1158201444") == (answer["statusCode"], answer["body"])
    assert "text/plain" == answer["headers"]["Content-Type"]


@pytest.mark.parametrize(
    "change",
    [
        {"hub.verify_token": "wrong"},
        {"hub.verify_token": ""},
        {"hub.verify_token": "é"},
        {"hub.mode": "unsubscribe"},
        {"hub.mode": ""},
    ],
)
def test_a_handshake_of_somebody_else(stack: Stack, change: dict[str, str]) -> None:
    event = sample(HANDSHAKE)
    event["queryStringParameters"] |= change
    answer = stack.invoke("receive_meta", event)

    assert 403 == answer["statusCode"]
    assert "1158201444" not in answer["body"]


def test_a_call_without_a_query(stack: Stack) -> None:
    event = {name: value for name, value in sample(HANDSHAKE).items() if name != "queryStringParameters"}

    assert 403 == stack.invoke("receive_meta", event | {"rawQueryString": ""})["statusCode"]


@pytest.mark.parametrize(("method", "path"), [("PUT", "/"), ("GET", "/admin"), ("POST", "/x")])
def test_other_routes(stack: Stack, method: str, path: str) -> None:
    event = sample(HANDSHAKE) | {"rawPath": path}
    event["requestContext"]["http"] |= {"method": method, "path": path}

    assert 404 == stack.invoke("receive_meta", event)["statusCode"]


EARLY = "receive_meta/status_early"
EARLY_WAMID = "wamid.HBgMOTE5OTk5OTk5OTk5FQIAERgSM0E2"


def test_a_status_that_came_too_early_is_looked_for_again(stack: Stack) -> None:
    node = {"id": EARLY_WAMID, "status": "failed", "timestamp": str(NOW // 1000), "errors": [{"code": 131026}]}
    value = {"metadata": {"phone_number_id": NUMBER}, "statuses": [node]}
    body = json.dumps({"entry": [{"id": "w", "changes": [{"field": "messages", "value": value}]}]}).encode()
    assert 200 == stack.invoke("receive_meta", _signed(body))["statusCode"]
    (waiting,) = delayed(STATUS_QUEUE_URL)
    assert (EARLY_WAMID, "failed", "mystore") == (waiting["wamid"], waiting["status"], waiting["appName"])

    claim = stack.messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
    assert claim is not None
    stack.messages.record_accepted(MESSAGE_ID, claim, NOW, EARLY_WAMID)
    assert {"batchItemFailures": []} == stack.invoke("receive_meta", sample(EARLY))
    assert Status.FAILED == _status(stack)


def test_it_comes_back_as_long_as_its_message_is_not_found(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, logs: io.StringIO
) -> None:
    hidden: list[int] = []
    visibility = stack.functions["receive_meta"].visibility
    monkeypatch.setattr(type(visibility), "hide", lambda _, receipt, seconds: hidden.append(seconds))
    (record,) = sample(EARLY)["Records"]
    kept = {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}

    stack.clock.now = json.loads(record["body"])["since"] + 20_000
    assert (kept, [20]) == (stack.invoke("receive_meta", sample(EARLY)), hidden)
    stack.clock.advance(180_000)
    assert {"batchItemFailures": []} == stack.invoke("receive_meta", sample(EARLY))
    assert EARLY_WAMID not in logs.getvalue(), "the customer's number is in it"
