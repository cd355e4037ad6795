"""The public API over real HTTP: who comes in, what is refused, and that it leaves nothing behind."""

from typing import Any

import pytest

from local.stack import App
from tests.stack.world import GUIDE, World, eventually, number

TEMPLATE, DOCUMENT = "/api/external/send/template", "/api/external/send/document"
PDF = ("invoice.pdf", b"%PDF-1.4\nhello")
FORM = {"to": "919999999999", "templateName": "invoice"}

REFUSED: dict[str, tuple[str, dict[str, Any], int, str, set[str]]] = {
    "empty body": (TEMPLATE, {"data": b"", "headers": {"Content-Type": "application/json"}}, 400, "malformed", set()),
    "not json": (TEMPLATE, {"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "malformed", set()),
    "not an object": (TEMPLATE, {"json": [1]}, 422, "invalid", {"body"}),
    "form for json": (TEMPLATE, {"data": FORM}, 415, "unsupported_media_type", set()),
    "json for form": (DOCUMENT, {"json": GUIDE}, 415, "unsupported_media_type", set()),
    "nothing": (TEMPLATE, {"json": {}}, 422, "invalid", {"to", "templateName"}),
    "short number": (TEMPLATE, {"json": GUIDE | {"to": "123456"}}, 422, "invalid", {"to"}),
    "long number": (TEMPLATE, {"json": GUIDE | {"to": "1234567890123456"}}, 422, "invalid", {"to"}),
    "letters": (TEMPLATE, {"json": GUIDE | {"to": "+91abc99999"}}, 422, "invalid", {"to"}),
    "number as a number": (TEMPLATE, {"json": GUIDE | {"to": 919999999999}}, 422, "invalid", {"to"}),
    "unknown field": (TEMPLATE, {"json": GUIDE | {"colour": "red"}}, 422, "invalid", {"colour"}),
    "newline": (TEMPLATE, {"json": GUIDE | {"bodyParams": ["a", "b\nc"]}}, 422, "invalid", {"bodyParams[1]"}),
    "long header": (TEMPLATE, {"json": GUIDE | {"headerText": "x" * 61}}, 422, "invalid", {"headerText"}),
    "too much json": (TEMPLATE, {"json": GUIDE | {"headerText": "x" * 300_000}}, 413, "too_large", set()),
    "no file": (DOCUMENT, {"data": FORM, "files": {"colour": (None, "red")}}, 422, "invalid", {"file", "colour"}),
    "two files": (DOCUMENT, {"data": FORM, "files": [("file", PDF), ("file", PDF)]}, 422, "invalid", {"file"}),
    "empty file": (DOCUMENT, {"data": FORM, "files": {"file": ("a.pdf", b"")}}, 422, "invalid", {"file"}),
    "a program": (
        DOCUMENT,
        {"data": FORM, "files": {"file": ("a.pdf", b"\x7fELF\x02\x01\x01\0")}},
        422,
        "invalid",
        {"file"},
    ),
    "a big file": (
        DOCUMENT,
        {"data": FORM, "files": {"file": ("a.pdf", b"%PDF-" + b"0" * 4_400_000)}},
        413,
        "too_large",
        set(),
    ),
    "text and file": (
        DOCUMENT,
        {"data": FORM | {"headerText": "x"}, "files": {"file": PDF}},
        422,
        "invalid",
        {"file", "headerText"},
    ),
    "cut off": (
        DOCUMENT,
        {"data": b"--x\r\nContent-Disp", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        400,
        "malformed",
        set(),
    ),
    "no boundary": (
        DOCUMENT,
        {"data": b"x", "headers": {"Content-Type": "multipart/form-data"}},
        400,
        "malformed",
        set(),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_told_by_its_fields_and_leaves_nothing(world: World, case: str) -> None:
    path, content, status, code, fields = REFUSED[case]
    before = world.count_items(), world.count_files()
    answer = world.post(path, world.app, **content)
    problem = answer.json()
    assert "application/problem+json" == answer.headers["Content-Type"]
    assert (status, status, code) == (answer.status_code, problem["status"], problem["code"])
    assert fields == {fault["field"] for fault in problem.get("errors", [])}
    assert {"type", "title", "detail", "retryable", "requestId"} <= set(problem)
    assert before == (world.count_items(), world.count_files())


def test_wrong_credentials_all_look_the_same(world: World) -> None:
    app, other = world.app.headers, world.other_app.headers
    wrong: list[dict[str, str]] = [
        {},
        {"X-App-Name": app["X-App-Name"]},
        {"X-API-Key": app["X-API-Key"]},
        app | {"X-API-Key": other["X-API-Key"]},
        app | {"X-API-Key": app["X-API-Key"][:-1]},
        app | {"X-App-Name": "nobody"},
        app | {"X-App-Name": "x" * 5000},
    ]
    answers = [world.post(TEMPLATE, headers=headers, json=GUIDE) for headers in wrong]
    assert [401] * len(wrong) == [answer.status_code for answer in answers]
    assert 1 == len({tuple(sorted((answer.json() | {"requestId": ""}).items())) for answer in answers})


def test_another_apps_message_and_no_message_look_the_same(world: World) -> None:
    message_id = world.send_template(world.app, to=number())
    theirs, nobodys = (
        world.status(world.other_app, message_id),
        world.status(world.app, "3fa85f64-5717-4562-b3fc-2c963f66afa6"),
    )
    assert ("not_found", theirs | {"requestId": ""}) == (nobodys["code"], nobodys | {"requestId": ""})


@pytest.mark.parametrize("path", ["/api/external/send/other", "/", "/api/external/message/status/x"])
def test_unknown_routes_are_problems_too(world: World, path: str) -> None:
    answer = world.post(path, world.app, json={})
    assert (404, "not_found") == (answer.status_code, answer.json()["code"])
    assert "application/problem+json" == answer.headers["Content-Type"]


def test_a_new_key_works_at_once_and_a_revoked_one_ends_within_a_minute(world: World) -> None:
    issued = world.stack.administer({"action": "issue_key", "appName": world.app.app_name})
    headers = {"X-App-Name": world.app.app_name, "X-API-Key": issued["apiKey"]}
    assert 422 == world.post(TEMPLATE, headers=headers, json={}).status_code
    world.stack.administer({"action": "revoke_key", "appName": world.app.app_name, "keyId": issued["keyId"]})
    eventually(lambda: world.post(TEMPLATE, headers=headers, json={}).status_code, lambda status: status == 401, 60)
    assert 422 == world.post(TEMPLATE, world.app, json={}).status_code


def test_secrets_lie_sealed_and_keys_hashed(world: World) -> None:
    dynamodb = world.stack.client("dynamodb")
    items = dynamodb.scan(TableName=world.stack.outputs["AppsTableName"], ConsistentRead=True)["Items"]
    stored = repr(items)
    for app in world.stack.apps:
        for secret in _secrets(app):
            assert secret not in stored


def test_no_log_holds_a_secret_a_number_or_a_text(world: World) -> None:
    to = number()
    message_id = world.send_template(world.app, to=to, bodyParams=["Confidential words", "ORD-1"])
    world.until_status(world.app, message_id, "read")
    logs = world.stack.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    lines = [
        event["message"]
        for group in groups
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        for event in page["events"]
    ]
    told = "\n".join(lines)
    assert message_id in told
    forbidden = [to, "Confidential words", world.stack.meta_app_secret, world.stack.verify_token]
    for word in forbidden + [secret for app in world.stack.apps for secret in _secrets(app)]:
        assert word not in told


def _secrets(app: App) -> list[str]:
    return [app.api_key, app.access_token, app.webhook_secret]
