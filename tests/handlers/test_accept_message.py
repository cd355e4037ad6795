"""accept_message as Lambda runs it: what a request leaves behind, and what a refused one does not."""

import hashlib
import json
from typing import Any

import pytest

from hkreach.domain.message import derived_message_id
from hkreach.domain.template import meta_message
from tests.aws import MEDIA_BUCKET, MESSAGES_TABLE, aws, items
from tests.handlers.conftest import Stack, fields, problem, sample

TEMPLATE = "accept_message/send_template"
DOCUMENT = "accept_message/send_document"


@pytest.fixture(autouse=True)
def app(stack: Stack) -> None:
    stack.add_app()


def _stored() -> tuple[int, int]:
    return len(items(MESSAGES_TABLE)), aws("s3").list_objects_v2(Bucket=MEDIA_BUCKET)["KeyCount"]


def _with_body(body: object, **headers: str) -> dict[str, Any]:
    event = sample(TEMPLATE)
    event["headers"] = event["headers"] | headers
    return event | {"body": body if isinstance(body, str) else json.dumps(body)}


def test_a_template_is_accepted_and_written(stack: Stack) -> None:
    answer = stack.invoke("accept_message", sample(TEMPLATE))

    message_id = derived_message_id("mystore", "order-12345")
    assert (202, {"messageId": message_id, "status": "queued"}) == (answer["statusCode"], json.loads(answer["body"]))
    assert ["application/json"] == answer["multiValueHeaders"]["Content-Type"]
    (item,) = items(MESSAGES_TABLE)
    assert {"S": message_id} == item["messageId"]
    assert {"S": "MyStore_ERP"} == item["thirdPartyAppName"]
    assert {"queuedAt", "expiresAt", "template", "to", "phoneNumberId", "requestDigest"} <= set(item)


def test_a_usual_item_costs_one_write_unit(stack: Stack) -> None:
    """The guide's example stays below 1 KB through its whole life; names and values count."""
    stack.invoke("accept_message", sample(TEMPLATE))
    (item,) = items(MESSAGES_TABLE)
    facts = {f"{name}At": {"N": "1795338000123"} for name in ("accepted", "sent", "delivered", "read")}
    life = item | facts | {"wamid": {"S": "x" * 66}, "claimNumber": {"N": "1"}, "claimedUntil": {"N": "1795338000123"}}

    assert len(json.dumps(life)) < 1024, "JSON of the item is longer than what DynamoDB counts"


def test_a_document_is_accepted_with_its_very_bytes(stack: Stack) -> None:
    answer = stack.invoke("accept_message", sample(DOCUMENT))

    assert 202 == answer["statusCode"]
    (item,) = items(MESSAGES_TABLE)
    media = item["media"]["M"]
    assert ("application/pdf", "Invoice 12345.pdf") == (media["type"]["S"], media["name"]["S"])
    content = aws("s3").get_object(Bucket=MEDIA_BUCKET, Key=media["key"]["S"])["Body"].read()
    assert content.startswith(b"%PDF-1.4\n")
    assert content.endswith(b"%%EOF\n")
    assert f"mystore/outbound/{hashlib.sha256(content).hexdigest()}" == media["key"]["S"]
    assert str(len(content)) == media["size"]["N"]


def test_a_place_and_values_for_buttons_reach_meta(stack: Stack) -> None:
    answer = stack.invoke("accept_message", sample("accept_message/send_location"))

    assert 202 == answer["statusCode"]
    message = stack.messages.get(json.loads(answer["body"])["messageId"])
    assert message is not None
    sent = meta_message(message.to, message.message_id, message.template, message.media, None)["template"]
    place = {
        "latitude": "22.2819", "longitude": "114.1582",
        "name": "Central Pier 7", "address": "Man Kwong Street, Hong Kong",
    }  # fmt: skip
    assert {"type": "header", "parameters": [{"type": "location", "location": place}]} == sent["components"][0]
    assert ["header", "body", "button", "button"] == [component["type"] for component in sent["components"]]


def test_a_second_header_is_refused_with_the_first(stack: Stack) -> None:
    event = sample("accept_message/send_location")
    event["body"] = json.dumps(json.loads(event["body"]) | {"headerText": "Pick it up"})
    answer = stack.invoke("accept_message", event)

    assert (422, ["headerLocation", "headerText"]) == (answer["statusCode"], fields(answer))
    assert (0, 0) == _stored()


@pytest.mark.parametrize("name", [TEMPLATE, DOCUMENT])
def test_the_same_key_gives_the_same_answer_and_says_so(stack: Stack, name: str) -> None:
    event = sample(name)
    event["headers"]["Idempotency-Key"] = "order-1"
    first, again = (stack.invoke("accept_message", event) for _ in range(2))

    assert (202, first["body"]) == (again["statusCode"], again["body"])
    assert "Idempotency-Replayed" not in first["multiValueHeaders"]
    assert ["true"] == again["multiValueHeaders"]["Idempotency-Replayed"]
    assert 1 == len(items(MESSAGES_TABLE))


def test_the_same_key_with_another_body_is_409(stack: Stack) -> None:
    stack.invoke("accept_message", sample(TEMPLATE))
    answer = stack.invoke("accept_message", _with_body({"to": "919999999999", "templateName": "other"}))

    assert (409, "idempotency_key_reused", False) == (
        answer["statusCode"], problem(answer)["code"], problem(answer)["retryable"],
    )  # fmt: skip
    assert (1, 0) == _stored()


@pytest.mark.parametrize("key", ["", " ", "two words", "x" * 256, "schlüssel", "tab\t"])
def test_a_key_that_will_not_do(stack: Stack, key: str) -> None:
    body = {"to": "919999999999", "templateName": "hello"}
    answer = stack.invoke("accept_message", _with_body(body, **{"Idempotency-Key": key}))

    assert (422, ["Idempotency-Key"]) == (answer["statusCode"], fields(answer))
    assert (0, 0) == _stored()


def test_an_app_without_a_number_is_told_so(stack: Stack) -> None:
    app = stack.apps.get_fresh("mystore")
    assert app is not None
    stack.invoke("administer", {"action": "create_app", "appName": "bare"})
    shown = stack.invoke("administer", {"action": "issue_key", "appName": "bare"})
    answer = stack.invoke(
        "accept_message",
        _with_body(
            {"to": "919999999999", "templateName": "hello"}, **{"X-App-Name": "bare", "X-API-Key": shown["apiKey"]}
        ),
    )

    assert (409, "conflict") == (answer["statusCode"], problem(answer)["code"])
    assert (0, 0) == _stored()


@pytest.mark.parametrize(
    ("path", "method"), [("/api/external/send/other", "POST"), ("/api/external/send/template", "GET"), ("/", "POST")]
)  # fmt: skip
def test_an_unknown_route_is_404(stack: Stack, path: str, method: str) -> None:
    answer = stack.invoke("accept_message", sample(TEMPLATE) | {"path": path, "httpMethod": method})

    assert (404, "not_found") == (answer["statusCode"], problem(answer)["code"])


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "", None, "multipart/form-data; boundary=x"]
)
def test_another_content_type_is_415(stack: Stack, content_type: str | None) -> None:
    event = sample(TEMPLATE)
    event["headers"]["Content-Type"] = content_type
    answer = stack.invoke("accept_message", event)

    assert (415, "unsupported_media_type") == (answer["statusCode"], problem(answer)["code"])
    assert (0, 0) == _stored()


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", " application/json "])
def test_spellings_of_the_right_one(stack: Stack, content_type: str) -> None:
    event = sample(TEMPLATE)
    event["headers"]["Content-Type"] = content_type

    assert 202 == stack.invoke("accept_message", event)["statusCode"]


def test_header_names_in_any_case(stack: Stack) -> None:
    event = sample(TEMPLATE)
    event["headers"] = {name.lower(): value for name, value in event["headers"].items()}

    assert 202 == stack.invoke("accept_message", event)["statusCode"]


def test_a_body_above_the_limit_is_413(stack: Stack) -> None:
    answer = stack.invoke("accept_message", _with_body('{"to": "' + "9" * 256_000 + '"}'))

    assert (413, "too_large") == (answer["statusCode"], problem(answer)["code"])
    assert "256,000" in problem(answer)["detail"]
    assert (0, 0) == _stored()
