"""manage_app as Lambda runs it: the log of deliveries, sending again, and an endpoint's health."""

import json
from dataclasses import replace
from typing import Any

import pytest

from hkreach.domain.api_key import issue
from hkreach.domain.delivery import DeliveryAttempt, EndpointKey, new_delivery
from hkreach.domain.event import Event, moved_event, status_event
from hkreach.domain.message import Status
from hkreach.domain.webhook_answer import Answer
from hkreach.edge.delivery_body import shown_delivery
from hkreach.edge.http_api import json_response
from tests.aws import WEBHOOK_RETRY_QUEUE_URL, bus_with_listener, delayed
from tests.builders import LEAD_ID, MESSAGE_ID, NOW, OTHER_NUMBER, lead, outbound
from tests.fakes.outside import FakeWebhookClient
from tests.handlers.conftest import Stack, fields, problem, sample

OTHER_KEY = issue().text
MESSAGE = outbound(facts={Status.QUEUED: NOW, Status.DELIVERED: NOW})
EVENT = status_event(MESSAGE, Status.DELIVERED)
DAY = {"from": "2026-11-22T00:00:00Z", "to": "2026-11-23T00:00:00+00:00"}


@pytest.fixture(autouse=True)
def client(stack: Stack) -> FakeWebhookClient:
    client = FakeWebhookClient()
    stack.webhooks_go_to(client)
    stack.add_app()
    stack.add_app("other", OTHER_NUMBER, OTHER_KEY)
    stack.messages.add(MESSAGE)
    bus_with_listener()
    return client


def _answer(stack: Stack, name: str, *, other: bool = False, body: object = ..., **query: str) -> Any:
    event = sample(f"manage_app/{name}")
    event["headers"] |= {"Content-Type": "application/json"}
    if other:
        event["headers"] |= {"X-App-Name": "other", "X-API-Key": OTHER_KEY}
    if name == "deliveries":
        event["queryStringParameters"] = query
        event["multiValueQueryStringParameters"] = {key: [value] for key, value in query.items()}
    if body is not ...:
        event["body"] = json.dumps(body)
    return stack.invoke("manage_app", event)


def _log(stack: Stack, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(_answer(stack, "deliveries", **query)["body"])["deliveries"]
    return found


def _fail(stack: Stack, client: FakeWebhookClient, answer: Answer, told: Event = EVENT) -> dict[str, Any]:
    """An event that is not taken; its delivery as the log has it."""
    client.answers = [answer]
    event = sample("deliver_webhook/status_delivered")
    event["Records"][0]["body"] = json.dumps({"detail": told})
    assert {"batchItemFailures": []} == stack.invoke("deliver_webhook", event)
    return _log(stack)[0]


def _deliver_what_is_woken(stack: Stack) -> None:
    stack.clock.advance(60_000)
    stack.invoke("wake_due", sample("wake_due/every_minute"))
    for body in delayed(WEBHOOK_RETRY_QUEUE_URL):
        record = sample("deliver_webhook/delivery_due")
        record["Records"][0]["body"] = json.dumps(body)
        assert {"batchItemFailures": []} == stack.invoke("deliver_webhook", record)


def test_the_samples_work(stack: Stack) -> None:
    assert 200 == stack.invoke("manage_app", sample("manage_app/deliveries"))["statusCode"]
    answer = stack.invoke("manage_app", sample("manage_app/resend"))
    assert (202, {"resent": 0, "nextCursor": None}) == (answer["statusCode"], json.loads(answer["body"]))


def test_the_log_shows_what_was_tried_and_what_came_of_it(stack: Stack, client: FakeWebhookClient) -> None:
    shown = _fail(stack, client, Answer(500, body="nö".encode()))

    assert {
        "deliveryId": f"we_operator.{NOW // 1000 * 1000}.{EVENT['id']}",
        "endpointId": "we_operator",
        "eventId": EVENT["id"],
        "event": "messages.status",
        "messageId": MESSAGE_ID,
        "status": "delivered",
        "createdAt": "2026-11-22T09:00:00Z",
        "state": "waiting",
        "tries": 1,
        "nextTryAt": shown["nextTryAt"],
        "attempts": [
            {"number": 1, "at": "2026-11-22T09:00:00Z", "milliseconds": 0, "status": 500, "failure": "HTTP 500"}
        ],
        "body": "nö",
    } == shown
    assert [shown] == _log(stack, endpointId="we_operator", state="waiting", **DAY, limit="1")
    assert [] == _log(stack, state="failed")
    assert [] == _log(stack, **{"from": "2026-11-22T09:00:01Z"})


def test_without_an_answer_no_time_is_told(
    stack: Stack, client: FakeWebhookClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(*_: object) -> Answer:
        stack.clock.advance(900)
        return answers.pop(0)

    answers = [Answer(500), Answer(None)]
    monkeypatch.setattr(client, "post", slowly)
    _fail(stack, client, Answer(500))
    _deliver_what_is_woken(stack)

    assert [(500, 900), (None, None)] == [(one["status"], one["milliseconds"]) for one in _log(stack)[0]["attempts"]]


def test_another_app_sees_and_sends_nothing_of_it(stack: Stack, client: FakeWebhookClient) -> None:
    shown = _fail(stack, client, Answer(500))

    assert [] == json.loads(_answer(stack, "deliveries", other=True)["body"])["deliveries"]
    for body in ({"deliveryId": shown["deliveryId"]}, _event_of(MESSAGE_ID)):
        assert "not_found" == problem(_answer(stack, "resend", other=True, body=body))["code"]
    assert shown == _log(stack)[0]


def test_a_list_has_the_beginning_of_each_body_and_one_alone_has_all(stack: Stack, client: FakeWebhookClient) -> None:
    body = b"x" * 16_384
    shown = _fail(stack, client, Answer(500, body=body))
    ((alone),) = _log(stack, deliveryId=shown["deliveryId"])

    assert shown | {"body": body.decode()} == alone
    assert "x" * 1_000 == shown["body"]
    asked = {"deliveryId": shown["deliveryId"]}
    assert "not_found" == problem(_answer(stack, "deliveries", other=True, **asked))["code"]
    assert "not_found" == problem(_answer(stack, "deliveries", deliveryId=f"{shown['deliveryId']}x"))["code"]
    assert ["deliveryId"] == fields(_answer(stack, "deliveries", **asked, limit="1"))
    assert ["deliveryId"] == fields(_answer(stack, "deliveries", deliveryId="we_operator#1"))


def test_a_list_of_the_longest_bodies_can_be_answered() -> None:
    row = new_delivery(EndpointKey("mystore", "we_0123456789abcdefghijkl"), EVENT, NOW)
    attempt = DeliveryAttempt(1, NOW, 10_000, 500, "HTTP 500")
    for body in (bytes(16_384), b"\xff" * 16_384, b'"' * 16_384):
        row = replace(row, body=body, attempts=(attempt,) * 5)
        answer = json_response(200, {"deliveries": [shown_delivery(row)] * 104, "nextCursor": None})
        assert len(json.dumps({"statusCode": 200, "body": answer.body})) < 6_000_000 // 4


@pytest.mark.parametrize("cursor", [f"d#{0:015}#evt_1", f"d#{10**15 - 1:015}#evt_1", "state"])
def test_a_cursor_of_another_time_is_refused(stack: Stack, cursor: str) -> None:
    assert ["cursor"] == fields(_answer(stack, "deliveries", **DAY, cursor=cursor))
    assert ["cursor"] == fields(_answer(stack, "resend", body={"endpointId": "we_operator", **DAY, "cursor": cursor}))


def test_a_time_that_ends_before_it_begins_is_refused(stack: Stack) -> None:
    wrong = {"from": DAY["to"], "to": DAY["from"]}
    assert ["to"] == fields(_answer(stack, "deliveries", **wrong))
    assert ["to"] == fields(_answer(stack, "resend", body={"endpointId": "we_operator", **wrong}))


def _event_of(message_id: str) -> dict[str, str]:
    return {"endpointId": "we_operator", "messageId": message_id, "status": "delivered"}


def _three_seconds_go_by(stack: Stack) -> None:
    """What the sender remembers of the endpoint is old."""
    stack.functions["deliver_webhook"].deliver_webhook.attempt.healths._states._remembered.forget()


def test_a_disabled_endpoint_says_so_and_when_resumed_gets_what_waits(stack: Stack, client: FakeWebhookClient) -> None:
    shown = _fail(stack, client, Answer(410))
    show = sample("manage_app/show")
    health = json.loads(stack.invoke("manage_app", show)["body"])["health"]

    assert ("waiting", "disabled", 1) == (shown["state"], shown["waitsFor"], shown["tries"])
    assert {
        "state": "disabled", "disabledAt": "2026-11-22T09:00:00Z", "reason": "410",
        "failingSince": "2026-11-22T09:00:00Z",
    } == health  # fmt: skip
    assert "conflict" == problem(_answer(stack, "resend", body={"deliveryId": shown["deliveryId"]}))["code"]

    assert 200 == stack.invoke("manage_app", sample("manage_app/resume"))["statusCode"]
    _three_seconds_go_by(stack)
    _deliver_what_is_woken(stack)
    assert [("delivered", 2)] == [(row["state"], row["tries"]) for row in _log(stack)]
    assert client.posted[0][1] == client.posted[1][1]
    assert {"state": "healthy"} == json.loads(stack.invoke("manage_app", show)["body"])["health"]


def test_a_new_address_that_takes_its_test_gets_what_waited_for_the_old_one(
    stack: Stack, client: FakeWebhookClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = FakeWebhookClient()
    monkeypatch.setattr(stack.functions["manage_app"].manage_app.client, "post", tests.post)
    _fail(stack, client, Answer(410))
    test = sample("manage_app/test")
    assert 200 == stack.invoke("manage_app", test)["statusCode"]
    assert "disabled" == _health(stack)["state"], "of the same address this has to be said"

    change = sample("manage_app/change")
    change["body"] = json.dumps({"url": "https://new.example.com/"})
    assert 200 == stack.invoke("manage_app", change)["statusCode"]
    assert {"state": "healthy"} == _health(stack)
    _three_seconds_go_by(stack)
    _deliver_what_is_woken(stack)
    assert ["https://new.example.com/"] == [url for url, _, _ in client.posted[1:]]


def test_a_test_that_is_taken_is_as_good_as_a_probe(
    stack: Stack, client: FakeWebhookClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack.functions["manage_app"].manage_app.client, "post", FakeWebhookClient().post)
    _fail(stack, client, Answer(429, retry_after=60_000))
    assert 200 == stack.invoke("manage_app", sample("manage_app/test"))["statusCode"]

    assert {"state": "healthy"} == _health(stack)


def _health(stack: Stack) -> dict[str, Any]:
    return dict(json.loads(stack.invoke("manage_app", sample("manage_app/show"))["body"])["health"])


def test_a_failing_one_says_since_when(stack: Stack, client: FakeWebhookClient) -> None:
    _fail(stack, client, Answer(429, retry_after=60_000))
    health = json.loads(stack.invoke("manage_app", sample("manage_app/show"))["body"])["health"]

    assert {
        "state": "failing", "warned": 0, "failingSince": "2026-11-22T09:00:00Z", "nextProbeAt": "2026-11-22T09:01:00Z",
    } == health  # fmt: skip


@pytest.mark.parametrize("body", [{"deliveryId": "…"}, _event_of(MESSAGE_ID), {"endpointId": "we_operator", **DAY}])
def test_each_way_to_send_again_sends_it_once(stack: Stack, client: FakeWebhookClient, body: dict[str, str]) -> None:
    shown = _fail(stack, client, Answer(500))
    answer = _answer(stack, "resend", body=body | ({"deliveryId": shown["deliveryId"]} if "deliveryId" in body else {}))
    assert (202, 1) == (answer["statusCode"], json.loads(answer["body"])["resent"])
    ((held),) = _log(stack)
    assert ("waiting", "resend", False) == (held["state"], held["waitsFor"], "nextTryAt" in held)
    _deliver_what_is_woken(stack)

    assert 2 == len(client.posted)
    assert ["delivered"] == [row["state"] for row in _log(stack)]
    assert [(1, None), (2, True)] == [(one["number"], one.get("resend")) for one in _log(stack)[0]["attempts"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"endpointId": "we_operator"}, "body"),
        ({"endpointId": "we_operator", "from": DAY["from"]}, "body"),
        ({"deliveryId": "we_operator.1.evt_1", "endpointId": "we_operator"}, "body"),
        (_event_of(MESSAGE_ID) | DAY, "body"),
        ({"deliveryId": "we_operator#1"}, "deliveryId"),
        (_event_of("x"), "messageId"),
        (_event_of(MESSAGE_ID) | {"status": "lost"}, "status"),
        ({"endpointId": "we_operator", "leadId": LEAD_ID}, "body"),
        (_event_of(MESSAGE_ID) | {"leadId": LEAD_ID, "move": 1}, "body"),
        ({"endpointId": "we_operator", **DAY, "move": 1}, "body"),
        ({"endpointId": "we_operator", **DAY, "deliveryId": "we_operator.1.evt_1"}, "body"),
        ({"endpointId": "we_operator", "messageId": "", "status": "sent"}, "messageId"),
        ({"endpointId": "we_operator", "leadId": LEAD_ID, "move": 0}, "move"),
        ({"endpointId": "we_operator", "leadId": LEAD_ID, "move": "1"}, "move"),
        ({"endpointId": "we_operator", "leadId": "x" * 65, "move": 1}, "leadId"),
        ({"endpointId": "we_operator", **DAY, "cursor": "state"}, "cursor"),
        ({"endpointId": "we_operator", **DAY, "from": "yesterday"}, "from"),
        ({"endpointId": "we_operator", **DAY, "to": "2026-11-22T09:00:00"}, "to"),
        ({"endpointId": "we_operator", **DAY, "events": ["all"]}, "events[0]"),
        ({"endpointId": "we_operator", **DAY, "everything": True}, "everything"),
    ],
)
def test_what_is_not_a_request_to_send_again_is_named(stack: Stack, body: dict[str, str], field: str) -> None:
    assert [field] == fields(_answer(stack, "resend", body=body))


@pytest.mark.parametrize(
    ("name", "value"),
    [("state", "lost"), ("limit", "0"), ("limit", "101"), ("limit", "9999"), ("limit", "ten"), ("cursor", "state"),
     ("from", "yesterday"), ("to", "1999-01-01T00:00:00Z")],
)  # fmt: skip
def test_a_query_that_is_wrong_is_named(stack: Stack, name: str, value: str) -> None:
    assert [name] == fields(_answer(stack, "deliveries", **{name: value}))


def test_without_a_key_nothing_is_shown(stack: Stack) -> None:
    for name in ("deliveries", "resend"):
        event = sample(f"manage_app/{name}")
        event["headers"]["X-API-Key"] = OTHER_KEY
        assert 401 == stack.invoke("manage_app", event)["statusCode"]


def test_a_cursor_goes_on(stack: Stack, client: FakeWebhookClient) -> None:
    shown = _fail(stack, client, Answer(500))
    place = f"d#{NOW // 1000 * 1000:015}#{EVENT['id']}"

    assert [] == _log(stack, cursor=place)
    assert [shown] == _log(stack, cursor=f"{place}z")


def _move_fails(stack: Stack, client: FakeWebhookClient) -> dict[str, Any]:
    """The beginning of a lead, which the endpoint does not take."""
    new = lead()
    stack.leads.write([new])
    return _fail(stack, client, Answer(500), moved_event(new.after.last_move))


def test_a_leads_event_is_shown_and_sent_again_by_its_move(stack: Stack, client: FakeWebhookClient) -> None:
    shown = _move_fails(stack, client)
    assert ("leads.status", LEAD_ID, 1) == (shown["event"], shown["leadId"], shown["move"])
    _deliver_what_is_woken(stack)
    asked = {"endpointId": "we_operator", "leadId": LEAD_ID, "move": 1}
    assert 202 == _answer(stack, "resend", body=asked)["statusCode"]
    _deliver_what_is_woken(stack)

    assert [("delivered", 1)] == [(row["state"], row["tries"]) for row in _log(stack)]
    first, *others = [body for _, body, _ in client.posted]
    assert [first] * len(others) == others, "the same event"
    for wrong in (asked | {"move": 2}, asked | {"leadId": MESSAGE_ID}):
        assert "not_found" == problem(_answer(stack, "resend", body=wrong))["code"]
    assert "not_found" == problem(_answer(stack, "resend", other=True, body=asked))["code"]


def test_what_waits_of_an_erased_lead_is_given_up(stack: Stack, client: FakeWebhookClient) -> None:
    _move_fails(stack, client)
    query = {"leadId": LEAD_ID}
    event = sample("manage_leads/forget") | {"queryStringParameters": query}
    event |= {"multiValueQueryStringParameters": {name: [value] for name, value in query.items()}}
    assert 204 == stack.invoke("manage_leads", event)["statusCode"]
    _deliver_what_is_woken(stack)

    assert [("failed", "erased")] == [(row["state"], row["reason"]) for row in _log(stack)]
    assert 1 == len(client.posted)
