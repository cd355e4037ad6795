"""Scripted answers and faults: what the client sees, and what really happened."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.local.running import NUMBER, OTHER_NUMBER, OTHER_TOKEN, TIMEOUT, TOKEN, Meta, template, wait_until

pytestmark = pytest.mark.loopback

MESSAGE = template(biz_opaque_callback_data="m-1")


def script(meta: Meta, answer: dict[str, Any], **rule: object) -> None:
    meta.control("answers", {"rules": [{"answer": answer, **rule}]})


@contextmanager
def begun_answer(meta: Meta, message: object) -> Iterator[socket.socket]:
    """Post a message and yield the connection, from which each piece can be read as it comes."""
    url, body = urlsplit(meta.url), json.dumps(message)
    with socket.create_connection((url.hostname, url.port), TIMEOUT) as connection:
        head = f"POST /v25.0/{NUMBER}/messages HTTP/1.1\r\nHost: meta\r\nAuthorization: Bearer {TOKEN}\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        yield connection


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        ({"graphError": 130429}, 429, 130429),
        ({"graphError": {"code": 130429, "status": 400}}, 400, 130429),
        ({"graphError": 131016}, 500, 131016),
        ({"graphError": 133004}, 503, 133004),
        ({"graphError": 190}, 401, 190),
        ({"graphError": 424242}, 400, 424242),
    ],
)
def test_answers_scripted_graph_errors(meta: Meta, answer: dict[str, Any], status: int, code: int) -> None:
    script(meta, answer, times=1)
    refused = meta.send(MESSAGE)
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert meta.control("deliveries") == {}
    assert meta.send(MESSAGE).status_code == 200
    assert meta.control("deliveries") == {"m-1": 1}


def test_answers_every_field_of_a_scripted_error(meta: Meta) -> None:
    error = {"code": 4, "subcode": 7, "message": "(#4) Slow", "details": "Later.", "isTransient": True}
    script(meta, {"graphError": {**error, "headers": {"Retry-After": "3"}}})
    answer = meta.send(MESSAGE)
    shown = answer.json()["error"]
    assert (shown["error_subcode"], shown["message"], shown["is_transient"]) == (7, "(#4) Slow", True)
    assert shown["error_data"]["details"] == "Later."
    assert answer.headers["Retry-After"] == "3"


@pytest.mark.parametrize(
    "raw",
    [
        {"status": 502, "headers": {"Content-Type": "text/html"}, "body": "<html>"},
        {"status": 500},
        {"status": 200, "body": '{"messages":'},
        {"status": 200, "body": "{}"},
    ],
)
def test_answers_raw_without_processing(meta: Meta, raw: dict[str, Any]) -> None:
    script(meta, {"raw": raw})
    answer = meta.send(MESSAGE)
    assert (answer.status_code, answer.text) == (raw["status"], raw.get("body", ""))
    assert meta.control("deliveries") == {}


def test_resets_before_processing(meta: Meta) -> None:
    script(meta, {"fault": "reset_before"}, times=1)
    with pytest.raises(requests.ConnectionError, match=r"reset by peer|ConnectionReset"):
        meta.send(MESSAGE)
    assert meta.control("deliveries") == {}
    assert meta.control("requests")["requests"][0]["answer"] == {"fault": "reset_before"}


def test_resets_after_processing(meta: Meta) -> None:
    script(meta, {"fault": "reset_after"}, times=1)
    with pytest.raises(requests.ConnectionError, match=r"reset by peer|ConnectionReset"):
        meta.send(MESSAGE)
    meta.settle()
    assert meta.control("deliveries") == {"m-1": 1}
    assert len(meta.receiver.came) == 3
    assert meta.control("requests")["requests"][0]["answer"]["wamid"].startswith("wamid.")


def test_hangs_before_processing(meta: Meta) -> None:
    script(meta, {"fault": "hang_before", "seconds": 0.05}, times=1)
    with pytest.raises(requests.ConnectionError):
        meta.send(MESSAGE)
    assert meta.control("deliveries") == {}


def test_hangs_after_processing(meta: Meta) -> None:
    script(meta, {"fault": "hang_after", "seconds": 60}, times=1)
    with pytest.raises(requests.Timeout):
        requests.post(
            f"{meta.url}/v25.0/{NUMBER}/messages",
            json=MESSAGE,
            headers={"Authorization": "Bearer EAAlocal"},
            timeout=0.1,
        )
    wait_until(lambda: len(meta.receiver.came) == 3)
    assert meta.control("deliveries") == {"m-1": 1}


def test_answers_an_error_after_processing(meta: Meta) -> None:
    script(meta, {"fault": "error_after"}, times=1)
    script(meta, {"fault": "error_after", "graphError": 131000}, times=1)
    script(meta, {"fault": "error_after", "raw": {"status": 200, "body": "{}"}}, times=1)
    assert [meta.send(MESSAGE).status_code for _ in range(3)] == [502, 500, 200]
    assert meta.control("deliveries") == {"m-1": 3}


@pytest.mark.parametrize("fault", ["drip", "drip_headers"])
def test_a_dripping_answer_is_whole_in_the_end(meta: Meta, fault: str) -> None:
    script(meta, {"fault": fault, "seconds": 0.05}, times=1)
    answer = meta.send(MESSAGE)
    (request,) = meta.control("requests")["requests"]
    assert (200, request["answer"]["wamid"]) == (answer.status_code, answer.json()["messages"][0]["id"])
    assert {"fault": fault, "status": 200} == {name: request["answer"][name] for name in ("fault", "status")}
    assert 200 == meta.send(MESSAGE).status_code
    assert {"m-1": 2} == meta.control("deliveries")


@pytest.mark.parametrize(
    ("answer", "status", "text"),
    [
        ({"graphError": 131000}, 500, '"code":131000'),
        ({"raw": {"status": 200, "body": ""}}, 200, ""),
        ({"raw": {"status": 503, "body": "busy"}}, 503, "busy"),
    ],
)
def test_drips_what_a_rule_answers(meta: Meta, answer: dict[str, Any], status: int, text: str) -> None:
    script(meta, {"fault": "drip", "seconds": 0.05, **answer})
    dripped = meta.send(MESSAGE)
    assert status == dripped.status_code
    assert text in dripped.text
    assert {"m-1": 1} == meta.control("deliveries")


@pytest.mark.parametrize(("fault", "is_head_whole"), [("drip", True), ("drip_headers", False)])
def test_an_answer_drips_after_the_message_was_taken(meta: Meta, fault: str, is_head_whole: bool) -> None:
    script(meta, {"fault": fault, "seconds": 60}, times=1)
    with begun_answer(meta, MESSAGE) as connection:
        came = connection.recv(1)
        assert {"m-1": 1} == meta.control("deliveries")
        while not came.endswith(b"\r\n\r\n" if is_head_whole else b"HTTP/"):
            came += connection.recv(1)
        came += connection.recv(65_536)
    head, _, body = came.partition(b"\r\n\r\n")
    assert is_head_whole == (b"Content-Length" in head)
    assert b"}" not in body, "what came is the beginning only"
    wait_until(lambda: len(meta.receiver.came) == 3)


def test_a_fault_after_processing_spares_what_is_refused(meta: Meta) -> None:
    script(meta, {"fault": "error_after"})
    assert meta.send({"type": "text"}).status_code == 400


def test_delays_an_answer(meta: Meta) -> None:
    script(meta, {"delay": 0.1}, times=1)
    started = time.monotonic()
    assert meta.send(MESSAGE).status_code == 200
    assert time.monotonic() - started >= 0.1


def test_fails_later_with_a_code(meta: Meta) -> None:
    script(meta, {"failed": 131049}, times=1)
    assert meta.send(MESSAGE).status_code == 200
    meta.settle()
    (callback,) = meta.control("callbacks")["callbacks"]
    assert '"code":131049' in callback["body"]
    assert '"status":"failed"' in callback["body"]


def test_holds_a_message_for_quality(meta: Meta) -> None:
    script(meta, {"messageStatus": "held_for_quality_assessment"})
    assert meta.send(MESSAGE).json()["messages"][0]["message_status"] == "held_for_quality_assessment"


@pytest.mark.parametrize(
    ("match", "status"),
    [
        ({"edge": "messages"}, 503),
        ({"edge": "media"}, 200),
        ({"phoneNumberId": NUMBER}, 503),
        ({"phoneNumberId": OTHER_NUMBER}, 200),
        ({"to": "+85291234567", "templateName": "order_confirmation"}, 503),
        ({"to": "+85291234567", "templateName": "another"}, 200),
        ({"bizOpaqueCallbackData": "m-1"}, 503),
    ],
)
def test_matches_requests(meta: Meta, match: dict[str, str], status: int) -> None:
    script(meta, {"graphError": 2}, match=match)
    assert meta.send(MESSAGE).status_code == status


def test_takes_rules_in_their_order(meta: Meta) -> None:
    script(meta, {"graphError": 4}, times=1)
    script(meta, {"graphError": 2}, times=2)
    assert [meta.send(MESSAGE).status_code for _ in range(4)] == [429, 503, 503, 200]
    assert meta.control("answers") == {"rules": [{"times": 1, "used": 1}, {"times": 2, "used": 2}]}


def test_records_requests_without_their_token(meta: Meta) -> None:
    meta.send(MESSAGE)
    meta.send(template("+85255555555"), number=OTHER_NUMBER, token=OTHER_TOKEN)
    (record,) = meta.control("requests?bizOpaqueCallbackData=m-1&edge=messages")["requests"]
    assert record["authorization"] == "Bearer [redacted]"
    assert record["body"] == MESSAGE
    assert (record["method"], record["path"]) == ("POST", f"/v25.0/{NUMBER}/messages")
    assert (record["to"], record["templateName"]) == ("+85291234567", "order_confirmation")
    assert record["answer"]["status"] == 200
    assert [one["number"] for one in meta.control(f"requests?phoneNumberId={OTHER_NUMBER}")["requests"]] == [2]
    assert "EAA" not in str(meta.control("requests"))
