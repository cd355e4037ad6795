"""read_message as Lambda runs it: the promised answer for each state a message can be in."""

import json
from typing import Any

import pytest

from hkreach.domain.api_key import issue
from hkreach.domain.message import Status
from hkreach.domain.time import DAY
from tests.builders import ERROR, MESSAGE_ID, NOW, OTHER_ID, OTHER_NUMBER, callback, inbound, outbound
from tests.handlers.conftest import Stack, fields, problem, sample


@pytest.fixture(autouse=True)
def message(stack: Stack) -> None:
    stack.add_app()
    stack.messages.add(outbound())


def _status(stack: Stack, message_id: str | None = MESSAGE_ID, **headers: str) -> dict[str, Any]:
    event = sample("read_message/status")
    query = {"messageId": message_id} if message_id is not None else None
    values = {"messageId": [message_id]} if message_id is not None else None
    event |= {
        "headers": event["headers"] | headers,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": values,
    }
    answer: dict[str, Any] = stack.invoke("read_message", event)
    return answer


def test_a_new_message_is_queued(stack: Stack) -> None:
    answer = stack.invoke("read_message", sample("read_message/status"))

    assert (200, {"status": "queued", "messageId": MESSAGE_ID}) == (answer["statusCode"], json.loads(answer["body"]))
    assert ["application/json"] == answer["multiValueHeaders"]["Content-Type"]


@pytest.mark.parametrize("status", [Status.SENT, Status.DELIVERED, Status.READ])
def test_each_status_that_meta_tells(stack: Stack, status: Status) -> None:
    stack.messages.record_status(callback(status))

    assert {"status": status.value, "messageId": MESSAGE_ID} == json.loads(_status(stack)["body"])


def test_accepted_and_unknown(stack: Stack) -> None:
    claim = stack.messages.claim(MESSAGE_ID, NOW, NOW + 1)
    assert claim is not None
    stack.messages.record_unknown(MESSAGE_ID, claim, NOW)
    assert "unknown" == json.loads(_status(stack)["body"])["status"]

    stack.messages.record_accepted(MESSAGE_ID, claim, NOW, "wamid.1")
    assert "accepted" == json.loads(_status(stack)["body"])["status"]


def test_failed_says_why(stack: Stack) -> None:
    stack.messages.record_status(callback(Status.FAILED, error=ERROR))

    assert {
        "status": "failed",
        "messageId": MESSAGE_ID,
        "error": {"code": ERROR.code, "title": ERROR.title, "details": ERROR.details, "retryable": False},
    } == json.loads(_status(stack)["body"])


def test_what_was_delivered_after_all_has_no_error(stack: Stack) -> None:
    stack.messages.record_status(callback(Status.FAILED, error=ERROR))
    stack.messages.record_status(callback(Status.DELIVERED))

    assert {"status": "delivered", "messageId": MESSAGE_ID} == json.loads(_status(stack)["body"])


def test_what_is_not_the_callers_looks_like_what_never_was(stack: Stack) -> None:
    key = issue().text
    stack.add_app("other", OTHER_NUMBER, key)
    stack.inbound.add(inbound(OTHER_ID))
    answers = [
        _status(stack, **{"X-App-Name": "other", "X-API-Key": key}),
        _status(stack, OTHER_ID),
        _status(stack, "0b7b4a34-51d7-4a0e-8d5c-7d2f6f1f2d11"),
        _status(stack, "x" * 3_000),
    ]

    assert {404} == {answer["statusCode"] for answer in answers}
    assert 1 == len({json.dumps(problem(answer)) for answer in answers})


def test_an_expired_message_is_gone(stack: Stack) -> None:
    stack.clock.advance(90 * DAY)

    assert 404 == _status(stack)["statusCode"]


@pytest.mark.parametrize("message_id", [None, ""])
def test_without_an_id(stack: Stack, message_id: str | None) -> None:
    answer = _status(stack, message_id)

    assert (422, ["messageId"]) == (answer["statusCode"], fields(answer))


def test_an_unknown_route(stack: Stack) -> None:
    answer = stack.invoke("read_message", sample("read_message/status") | {"path": "/api/external/message/other"})

    assert (404, "not_found") == (answer["statusCode"], problem(answer)["code"])


def _timeline(stack: Stack) -> dict[str, Any]:
    event = sample("read_message/timeline")
    answer: dict[str, Any] = stack.invoke("read_message", event)
    assert 200 == answer["statusCode"], answer
    shown: dict[str, Any] = json.loads(answer["body"])
    return shown


def test_the_timeline_of_a_new_message(stack: Stack) -> None:
    assert {
        "messageId": MESSAGE_ID,
        "status": "queued",
        "to": "919999999999",
        "templateName": "order_confirmation",
        "languageCode": "en",
        "deadlineAt": "2026-11-24T09:00:00Z",
        "facts": [{"status": "queued", "at": "2026-11-22T09:00:00Z"}],
        "attempts": [],
        "waiting": {"reason": "It is in the queue."},
    } == _timeline(stack)


@pytest.mark.parametrize(
    ("code", "due_at", "words"),
    [
        ("131016", None, "Meta could not take it at the last try (131016)."),
        ("no_connection", NOW + 300_000, "Meta could not take it at the last try (no_connection)."),
        (
            "190",
            NOW + 300_000,
            "Meta refuses the app's account (code 190): the operator of this stack has to mend that.",
        ),
    ],
)
def test_the_timeline_says_why_a_message_waits(stack: Stack, code: str, due_at: int | None, words: str) -> None:
    claim = stack.messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
    assert claim is not None
    assert {"reason": "It is being sent."} == _timeline(stack)["waiting"]
    stack.messages.release(MESSAGE_ID, claim, NOW + 1_000, code, due_at)
    shown = _timeline(stack)

    assert [{"number": 1, "at": "2026-11-22T09:00:01Z", "code": code}] == shown["attempts"]
    assert {"reason": words} | ({"nextTryAt": "2026-11-22T09:05:00Z"} if due_at else {}) == shown["waiting"]


def test_the_timeline_of_an_answer_that_got_lost_and_of_one_that_came(stack: Stack) -> None:
    claim = stack.messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
    assert claim is not None
    stack.messages.record_unknown(MESSAGE_ID, claim, NOW + 1_000)
    assert "Meta's answer got lost" in _timeline(stack)["waiting"]["reason"]

    stack.messages.record_status(callback(Status.FAILED, NOW + 2_000, error=ERROR))
    shown = _timeline(stack)
    assert "waiting" not in shown
    assert ("failed", "131026") == (shown["status"], shown["error"]["code"])
    assert ["queued", "unknown", "failed"] == [fact["status"] for fact in shown["facts"]]
