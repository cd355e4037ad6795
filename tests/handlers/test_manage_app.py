"""manage_app as Lambda runs it: an app's own webhook endpoints."""

import io
import json

import pytest

from hkreach.domain.endpoint import DEFAULT_EVENTS, EVENT_NAMES, OPERATORS
from hkreach.domain.signature import sign
from hkreach.domain.time import HOUR
from hkreach.domain.webhook_answer import Answer
from tests.aws import APPS_TABLE, items
from tests.builders import NOW
from tests.fakes.outside import FakeWebhookClient
from tests.handlers.conftest import WEBHOOK_SECRET, Stack, fields, problem, sample
from tests.handlers.webhook_calls import AS_OTHER, CALLS, furnished
from tests.handlers.webhook_calls import call as _call
from tests.template import ROOT

OF_DELIVERIES = {"deliveries", "resend"}


@pytest.fixture(autouse=True)
def client(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> FakeWebhookClient:
    return furnished(stack, monkeypatch)


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
    endpoint_id = _call(stack, "create", {"url": "https://old.example.com/"})["endpointId"]
    _call(stack, "delete", endpointId=OPERATORS)
    client.answers = [Answer(500)]
    changed = _call(stack, "change", {"url": "https://new.example.com/"}, endpointId=endpoint_id)
    assert ("unverified", "HTTP 500") == (changed["state"], changed["test"]["failure"])
    stack.webhooks_go_to(client)
    client.posted.clear()
    stack.invoke("deliver_webhook", sample("deliver_webhook/status_delivered"))
    assert [] == client.posted
    activated = stack.invoke("administer", sample("administer/activate_webhook") | {"endpointId": endpoint_id})
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


def test_a_deleted_one_is_gone(stack: Stack) -> None:
    assert {"endpointId": OPERATORS, "deleted": True} == _call(stack, "delete")
    health = stack.functions["manage_app"].manage_deliveries.health("mystore", OPERATORS)
    assert stack.clock() == health.drain_began, "what waits for it is looked through"
    assert {"endpoints": []} == _call(stack, "list")
    assert 404 == problem(_call(stack, "delete"))["status"]


def test_one_sees_ones_own_alone(stack: Stack) -> None:
    endpoint_id = _call(stack, "create")["endpointId"]

    theirs = _call(stack, "list", headers=AS_OTHER)["endpoints"]
    assert [OPERATORS] == [one["endpointId"] for one in theirs]
    assert endpoint_id not in json.dumps(theirs)


def test_a_developers_own_machine_is_reached_where_it_was_opened(stack: Stack) -> None:
    assert "active" == _call(stack, "create", {"url": "http://127.0.0.1:9000/hooks"})["state"]
    assert ["url"] == fields(_call(stack, "create", {"url": "http://127.0.0.1:9001/hooks"}))


def test_nothing_secret_is_logged(stack: Stack, logs: io.StringIO, client: FakeWebhookClient) -> None:
    answers = json.dumps([_call(stack, name) for name in ("create", "rotate", "test", "pause", "resume", "change")])
    body = json.loads(answers)

    for secret in (body[0]["secret"], body[1]["secret"], WEBHOOK_SECRET, "crm.example.com", "shop.example.com"):
        assert secret not in logs.getvalue()
    assert "test event sent" in logs.getvalue()
