"""manage_app as Lambda runs it: an app's own webhook endpoints."""

import io
import json
from typing import Any

import pytest

from hkreach.domain.api_key import issue
from hkreach.domain.endpoint import DEFAULT_EVENTS, EVENT_NAMES, OPERATORS
from hkreach.domain.signature import sign
from hkreach.domain.time import HOUR
from hkreach.domain.webhook_answer import Answer
from tests.aws import APPS_TABLE, items
from tests.builders import NOW, OTHER_NUMBER
from tests.fakes.outside import FakeWebhookClient
from tests.handlers.conftest import WEBHOOK_SECRET, Stack, fields, problem, sample
from tests.template import ROOT

CALLS = ["change", "create", "delete", "list", "pause", "resume", "rotate", "show", "test"]
OF_DELIVERIES = {"deliveries", "resend"}
OTHER_KEY = issue().text


@pytest.fixture(autouse=True)
def client(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> FakeWebhookClient:
    client = FakeWebhookClient()
    monkeypatch.setattr(stack.functions["manage_app"].manage_app.client, "post", client.post)
    stack.add_app()
    stack.add_app("other", OTHER_NUMBER, OTHER_KEY)
    return client


def _call(stack: Stack, name: str, body: object = ..., headers: dict[str, str] | None = None, **query: str) -> Any:
    """What a call answers, with its sample's parts where no other is given; its body is read if it is no problem."""
    event = sample(f"manage_app/{name}")
    event["headers"] |= {"Content-Type": "application/json"} | (headers or {})
    if query:
        event["queryStringParameters"] = query
        event["multiValueQueryStringParameters"] = {key: [value] for key, value in query.items()}
    if body is not ...:
        event["body"] = body if isinstance(body, str) else json.dumps(body)
    answer = stack.invoke("manage_app", event)
    return answer if answer["statusCode"] >= 400 else json.loads(answer["body"])


def _as_other() -> dict[str, str]:
    return {"X-App-Name": "other", "X-API-Key": OTHER_KEY}


def test_every_sample_works(stack: Stack) -> None:
    assert CALLS == sorted({path.stem for path in ROOT.glob("events/manage_app/*.json")} - OF_DELIVERIES)
    for name in [*(each for each in CALLS if each != "delete"), "delete"]:
        answer = stack.invoke("manage_app", sample(f"manage_app/{name}"))
        assert (201 if name == "create" else 200) == answer["statusCode"], name
        assert ["application/json"] == answer["multiValueHeaders"]["Content-Type"]


def test_a_new_endpoint_is_shown_with_its_secret_once(stack: Stack, client: FakeWebhookClient) -> None:
    created = _call(stack, "create")

    secret = created.pop("secret")
    ((url, body, headers),) = client.posted
    assert sign(secret, body) == headers["X-HKReach-Signature"]
    assert {"eventId": json.loads(body)["id"], "status": 200, "milliseconds": 0, "failure": None, "body": ""} == (
        created.pop("test")
    )
    assert {
        "endpointId": created["endpointId"],
        "url": url,
        "events": ["leads.status", "messages.received"],
        "description": "Our CRM",
        "state": "active",
        "createdAt": "2026-11-22T09:00:00Z",
    } == created
    assert created | {"health": {"state": "healthy"}} == _call(stack, "show", endpointId=created["endpointId"])
    assert {OPERATORS, created["endpointId"]} == {one["endpointId"] for one in _call(stack, "list")["endpoints"]}
    assert secret not in json.dumps(_call(stack, "list"))
    assert secret.encode() not in repr(items(APPS_TABLE)).encode()


def test_what_the_answer_holds_of_a_secret_is_kept_nowhere_on_the_way(stack: Stack) -> None:
    for name in ("create", "rotate"):
        answer = stack.invoke("manage_app", sample(f"manage_app/{name}"))
        assert ["no-store"] == answer["multiValueHeaders"]["Cache-Control"]


def test_by_default_it_takes_what_is_promised(stack: Stack) -> None:
    assert sorted(DEFAULT_EVENTS) == _call(stack, "create", {"url": "https://a.example.com/"})["events"]
    everything = {"url": "https://a.example.com/", "events": sorted(EVENT_NAMES)}
    assert sorted(EVENT_NAMES) == _call(stack, "create", everything)["events"]


def test_why_it_is_unverified_is_said(stack: Stack, client: FakeWebhookClient) -> None:
    client.answers = [Answer(401, body="wer bist du? ☕".encode() + b"\xff" * 2_000), Answer(None)]
    created = _call(stack, "create")

    assert ("unverified", 401, "HTTP 401") == (created["state"], created["test"]["status"], created["test"]["failure"])
    assert created["test"]["body"].startswith("wer bist du? ☕�")
    assert len(created["test"]["body"]) < 1_000
    tested = _call(stack, "test", endpointId=created["endpointId"])
    assert ("unverified", None, None, "no answer") == (
        tested["state"], tested["test"]["status"], tested["test"]["milliseconds"], tested["test"]["failure"],
    )  # fmt: skip
    assert "active" == _call(stack, "test", endpointId=created["endpointId"])["state"]


def test_an_unverified_one_gets_no_event_and_the_operator_can_let_it(stack: Stack, client: FakeWebhookClient) -> None:
    client.answers = [Answer(500)]
    _call(stack, "change", {"url": "https://new.example.com/"}, endpointId=OPERATORS)
    stack.webhooks_go_to(client)
    client.posted.clear()
    stack.invoke("deliver_webhook", sample("deliver_webhook/status_delivered"))
    assert [] == client.posted
    activated = stack.invoke("administer", sample("administer/activate_webhook"))
    assert ("active", "https://new.example.com/") == (activated["state"], activated["url"])
    stack.invoke("deliver_webhook", sample("deliver_webhook/status_delivered"))
    assert ["https://new.example.com/"] == [url for url, _, _ in client.posted]


def test_in_rotation_both_secrets_sign_for_24_hours(stack: Stack, client: FakeWebhookClient) -> None:
    rotated = _call(stack, "rotate", endpointId=OPERATORS)
    assert "2026-11-23T09:00:00Z" == rotated["oldSecretUntil"]
    assert "2026-11-23T09:00:00Z" == _call(stack, "show")["oldSecretUntil"]
    for _ in range(2):
        _call(stack, "test")
        stack.clock.now = NOW + 24 * HOUR

    (_, first, during), (_, second, after) = client.posted
    assert sign(WEBHOOK_SECRET, first) == during["X-HKReach-Signature"]
    assert sign(rotated["secret"], second) == after["X-HKReach-Signature"]
    assert "oldSecretUntil" not in _call(stack, "show")


@pytest.mark.parametrize(("hours", "until"), [("0", None), ("3", "2026-11-22T12:00:00Z")])
def test_the_old_secret_can_be_ended_sooner(stack: Stack, hours: str, until: str | None) -> None:
    rotated = _call(stack, "rotate", endpointId=OPERATORS, oldSecretHours=hours)

    assert until == rotated.get("oldSecretUntil")


@pytest.mark.parametrize("hours", ["25", "-1", "x", "1.5", "", "²", "100"])
def test_other_hours_are_refused(stack: Stack, hours: str) -> None:
    assert ["oldSecretHours"] == fields(_call(stack, "rotate", endpointId=OPERATORS, oldSecretHours=hours))


def test_a_sixth_is_refused_with_what_to_do(stack: Stack) -> None:
    for _ in range(4):
        assert "secret" in _call(stack, "create")
    refused = problem(_call(stack, "create"))

    assert (409, "conflict") == (refused["status"], refused["code"])
    assert "DELETE /api/external/webhooks?endpointId=" in refused["detail"]


def test_a_deleted_one_is_gone(stack: Stack) -> None:
    assert {"endpointId": OPERATORS, "deleted": True} == _call(stack, "delete")
    assert {"endpoints": []} == _call(stack, "list")
    assert 404 == problem(_call(stack, "delete"))["status"]


@pytest.mark.parametrize("name", [call for call in CALLS if call not in {"create", "list"}])
def test_another_apps_endpoint_and_none_look_the_same(stack: Stack, name: str, client: FakeWebhookClient) -> None:
    endpoint_id = _call(stack, "create")["endpointId"]
    client.posted.clear()
    theirs = problem(_call(stack, name, headers=_as_other(), endpointId=endpoint_id))
    nobodys = problem(_call(stack, name, endpointId="we_" + "x" * 22))

    assert (404, theirs) == (theirs["status"], nobodys)
    assert [] == client.posted


def test_one_sees_ones_own_alone(stack: Stack) -> None:
    endpoint_id = _call(stack, "create")["endpointId"]

    theirs = _call(stack, "list", headers=_as_other())["endpoints"]
    assert [OPERATORS] == [one["endpointId"] for one in theirs]
    assert endpoint_id not in json.dumps(theirs)


@pytest.mark.parametrize("name", [call for call in CALLS if call not in {"create", "list", "show"}])
def test_which_one_must_be_said(stack: Stack, name: str) -> None:
    assert ["endpointId"] == fields(_call(stack, name, endpointId=""))


@pytest.mark.parametrize("name", CALLS)
def test_strangers_learn_nothing(stack: Stack, name: str) -> None:
    assert 401 == problem(_call(stack, name, "{", headers={"X-API-Key": OTHER_KEY}))["status"]


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
    answer = _call(stack, "create", body)

    assert (422, wrong) == (answer["statusCode"], fields(answer))
    assert [] == client.posted
    if isinstance(body, dict) and body.get("url"):
        changed = _call(stack, "change", body, endpointId=OPERATORS)
        assert (422, wrong) == (changed["statusCode"], fields(changed))


@pytest.mark.parametrize("name", CALLS)
def test_a_query_that_nobody_would_heed_is_refused(stack: Stack, name: str, client: FakeWebhookClient) -> None:
    answer = _call(stack, name, endpointId=OPERATORS, oldSecretHour="0")

    assert (422, "oldSecretHour") == (answer["statusCode"], fields(answer)[-1])
    assert [] == client.posted


@pytest.mark.parametrize("body", [{}, {"url": None}, {"description": None, "events": None}])
def test_a_change_names_something(stack: Stack, body: object) -> None:
    assert ["body"] == fields(_call(stack, "change", body, endpointId=OPERATORS))


@pytest.mark.parametrize("name", ["delete", "pause", "resume", "rotate", "test"])
def test_where_nothing_is_to_be_said_nothing_is_heeded(stack: Stack, name: str, client: FakeWebhookClient) -> None:
    assert ["url"] == fields(_call(stack, name, {"url": "https://a.example.com/"}, endpointId=OPERATORS))
    assert [] == client.posted
    assert "endpointId" in _call(stack, name, {}, endpointId=OPERATORS)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [("{", {}, 400), ("{}", {"Content-Type": "text/plain"}, 415), ('"' + "x" * 10_000 + '"', {}, 413)],
)
def test_a_body_that_cannot_be_read(stack: Stack, body: str, headers: dict[str, str], status: int) -> None:
    assert status == problem(_call(stack, "create", body, headers))["status"]


def test_a_developers_own_machine_is_reached_where_it_was_opened(stack: Stack) -> None:
    assert "active" == _call(stack, "create", {"url": "http://127.0.0.1:9000/hooks"})["state"]
    assert ["url"] == fields(_call(stack, "create", {"url": "http://127.0.0.1:9001/hooks"}))


def test_somebody_who_is_always_quicker(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    apps = stack.functions["manage_app"].manage_app.apps
    read = apps.get_fresh

    def always_quicker(app_name: str) -> Any:
        found = read(app_name)
        stack.invoke("administer", sample("administer/set_unknown_policy"))
        return found

    monkeypatch.setattr(apps, "get_fresh", always_quicker)
    refused = problem(_call(stack, "pause"))

    assert (409, "changed_meanwhile", True) == (refused["status"], refused["code"], refused["retryable"])
    assert "try again" in refused["detail"]


def test_nothing_secret_is_logged(stack: Stack, logs: io.StringIO, client: FakeWebhookClient) -> None:
    answers = json.dumps([_call(stack, name) for name in ("create", "rotate", "test", "pause", "resume", "change")])
    body = json.loads(answers)

    for secret in (body[0]["secret"], body[1]["secret"], WEBHOOK_SECRET, "crm.example.com", "shop.example.com"):
        assert secret not in logs.getvalue()
    assert "test event sent" in logs.getvalue()
