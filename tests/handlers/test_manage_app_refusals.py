"""manage_app: what it refuses, and in what words."""

from typing import Any

import pytest

from hkreach.domain.endpoint import OPERATORS
from hkreach.domain.webhook_answer import Answer
from tests.fakes.outside import FakeWebhookClient
from tests.handlers.conftest import Stack, fields, problem, sample
from tests.handlers.webhook_calls import AS_OTHER, CALLS, OTHER_KEY, call, furnished


@pytest.fixture(autouse=True)
def client(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> FakeWebhookClient:
    return furnished(stack, monkeypatch)


@pytest.mark.parametrize("hours", ["25", "-1", "x", "1.5", "", "²", "100"])
def test_other_hours_are_refused(stack: Stack, hours: str) -> None:
    assert ["oldSecretHours"] == fields(call(stack, "rotate", endpointId=OPERATORS, oldSecretHours=hours))


def test_a_sixth_is_refused_with_what_to_do(stack: Stack) -> None:
    for _ in range(4):
        assert "secret" in call(stack, "create")
    refused = problem(call(stack, "create"))

    assert (409, "conflict") == (refused["status"], refused["code"])
    assert "DELETE /api/external/webhooks?endpointId=" in refused["detail"]


def test_a_new_address_that_does_not_take_the_test_is_refused_and_the_old_one_gets_its_events(
    stack: Stack, client: FakeWebhookClient
) -> None:
    before = call(stack, "show", endpointId=OPERATORS)
    client.answers = [Answer(503, body=b"not yet")]
    refused = call(stack, "change", {"url": "https://new.example.com/"}, endpointId=OPERATORS)

    told = problem(refused)
    assert (422, "invalid", ["url"]) == (told["status"], told["code"], fields(refused))
    assert (503, "HTTP 503", "not yet") == tuple(told["test"][name] for name in ("status", "failure", "body"))
    assert before == call(stack, "show", endpointId=OPERATORS)
    stack.webhooks_go_to(client)
    client.posted.clear()
    stack.invoke("deliver_webhook", sample("deliver_webhook/status_delivered"))
    assert [before["url"]] == [url for url, _, _ in client.posted]


@pytest.mark.parametrize("name", [each for each in CALLS if each not in {"create", "list"}])
def test_another_apps_endpoint_and_none_look_the_same(stack: Stack, name: str, client: FakeWebhookClient) -> None:
    endpoint_id = call(stack, "create")["endpointId"]
    client.posted.clear()
    theirs = problem(call(stack, name, headers=AS_OTHER, endpointId=endpoint_id))
    nobodys = problem(call(stack, name, endpointId="we_" + "x" * 22))

    assert (404, theirs) == (theirs["status"], nobodys)
    assert [] == client.posted


@pytest.mark.parametrize("name", [each for each in CALLS if each not in {"create", "list", "show"}])
def test_which_one_must_be_said(stack: Stack, name: str) -> None:
    assert ["endpointId"] == fields(call(stack, name, endpointId=""))


@pytest.mark.parametrize("name", CALLS)
def test_strangers_learn_nothing(stack: Stack, name: str) -> None:
    assert 401 == problem(call(stack, name, "{", headers={"X-API-Key": OTHER_KEY}))["status"]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["url"]),
        ({"url": None}, ["url"]),
        ({"url": ""}, ["url"]),
        ({"url": 5}, ["url"]),
        ([], ["body"]),
        ({"url": "http://shop.example.com/"}, ["url"]),
        ({"url": "https://127.0.0.1/"}, ["url"]),
        ({"url": "https://shop.internal/"}, ["url"]),
        ({"url": "https://user:secret@shop.example.com/"}, ["url"]),
        ({"url": "https://shop.example.com:8443/"}, ["url"]),
        ({"url": "https://shop.example.com/" + "x" * 2_048}, ["url"]),
        ({"url": "https://a.example.com/", "events": []}, ["events"]),
        ({"url": "https://a.example.com/", "events": "messages.status"}, ["events"]),
        ({"url": "https://a.example.com/", "events": ["leads.status", "messages.sent"]}, ["events[1]"]),
        ({"url": "https://a.example.com/", "events": ["webhooks.test"]}, ["events[0]"]),
        ({"url": "https://a.example.com/", "description": "x" * 201}, ["description"]),
        ({"url": "https://a.example.com/", "description": "a\nb"}, ["description"]),
        ({"url": "https://a.example.com/", "secret": "whsec_mine", "state": "active"}, ["secret", "state"]),
    ],
)
def test_each_wrong_field_is_named(stack: Stack, body: object, wrong: list[str], client: FakeWebhookClient) -> None:
    answer = call(stack, "create", body)

    assert (422, wrong) == (answer["statusCode"], fields(answer))
    assert [] == client.posted
    if isinstance(body, dict) and body.get("url"):
        changed = call(stack, "change", body, endpointId=OPERATORS)
        assert (422, wrong) == (changed["statusCode"], fields(changed))


@pytest.mark.parametrize("name", CALLS)
def test_a_query_that_nobody_would_heed_is_refused(stack: Stack, name: str, client: FakeWebhookClient) -> None:
    answer = call(stack, name, endpointId=OPERATORS, oldSecretHour="0")

    assert (422, "oldSecretHour") == (answer["statusCode"], fields(answer)[-1])
    assert [] == client.posted


@pytest.mark.parametrize("body", [{}, {"url": None}, {"description": None, "events": None}])
def test_a_change_names_something(stack: Stack, body: object) -> None:
    assert ["body"] == fields(call(stack, "change", body, endpointId=OPERATORS))


@pytest.mark.parametrize("name", ["delete", "pause", "resume", "rotate", "test"])
def test_where_nothing_is_to_be_said_nothing_is_heeded(stack: Stack, name: str, client: FakeWebhookClient) -> None:
    assert ["url"] == fields(call(stack, name, {"url": "https://a.example.com/"}, endpointId=OPERATORS))
    assert [] == client.posted
    assert "endpointId" in call(stack, name, {}, endpointId=OPERATORS)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [("{", {}, 400), ("{}", {"Content-Type": "text/plain"}, 415), ('"' + "x" * 10_000 + '"', {}, 413)],
)
def test_a_body_that_cannot_be_read(stack: Stack, body: str, headers: dict[str, str], status: int) -> None:
    assert status == problem(call(stack, "create", body, headers))["status"]


def test_somebody_who_is_always_quicker(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    apps = stack.functions["manage_app"].manage_app.apps
    read = apps.get_fresh

    def always_quicker(app_name: str) -> Any:
        found = read(app_name)
        stack.invoke("administer", sample("administer/set_unknown_policy"))
        return found

    monkeypatch.setattr(apps, "get_fresh", always_quicker)
    refused = problem(call(stack, "pause"))

    assert (409, "changed_meanwhile", True) == (refused["status"], refused["code"], refused["retryable"])
    assert "try again" in refused["detail"]
