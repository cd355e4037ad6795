"""Webhook endpoints of an app's own, over HTTP: made, verified, signed with all headers, rotated, paused, ended."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from hkreach.adapters.dynamodb_leads import DynamoDBLeads
from hkreach.domain.event import moved_event
from hkreach.domain.lead import Customer
from hkreach.domain.signature import sign
from local.event_docs import examples
from tests.builders import NOW, lead
from tests.stack.world import World, eventually, number

WEBHOOKS = "/api/external/webhooks"


@dataclass
class Shop:
    """An app with no number, so that no other test's events come here; its endpoints are hooks of the inbox."""

    world: World
    app_name: str
    headers: dict[str, str]

    def call(self, method: str, path: str = "", body: object = None, **query: str) -> requests.Response:
        return self.world.http.request(
            method,
            self.world.stack.api_url + WEBHOOKS + path,
            params=query,
            json=body,
            headers=self.headers,
            timeout=90,
        )

    def create(self, hook: str, **fields: Any) -> dict[str, Any]:
        answer = self.call("POST", body={"url": f"{self.world.stack.inbox_url}/hooks/{hook}"} | fields)
        assert 201 == answer.status_code, answer.text
        return dict(answer.json())

    def publish(self, name: str = "leads.status") -> str:
        """An event of this app on the bus, as our own code puts it there; returns its id."""
        event_id = f"evt_{uuid.uuid4().hex}"
        data = {
            "leads.status": examples()["leads.status"]["moved"]["data"] | {"to": "Won ☕"},
            "messages.status": examples()["messages.status"]["accepted"]["data"],
        }
        event = {
            "id": event_id,
            "event": name,
            "createdAt": "2026-11-22T09:00:00Z",
            "appName": self.app_name,
            "data": data[name],
        }
        entry = {
            "Source": "hkreach",
            "DetailType": name,
            "Detail": json.dumps(event, ensure_ascii=False),
            "EventBusName": self.world.stack.outputs["EventBusName"],
        }
        answer = self.world.stack.client("events").put_events(Entries=[entry])
        assert 0 == answer["FailedEntryCount"], answer
        return event_id

    def move(self, at: int = NOW) -> str:
        """A new lead, written as our own code writes it: its event is made from its move; returns the event's id."""
        change = lead(str(uuid.uuid4()), Customer(number(), None, "John Doe"), self.app_name, at)
        table = self.world.stack.outputs["LeadsTableName"]
        assert DynamoDBLeads(self.world.stack.client("dynamodb"), table).write([change])
        return str(moved_event(change.after.last_move)["id"])

    def received(self, hook: str, event_id: str | None = None) -> list[dict[str, Any]]:
        seen = self.world.webhooks(appName=hook)
        return [one for one in seen if event_id in (None, one["eventId"])]

    def next_at(self, hook: str) -> dict[str, Any]:
        """What the hook gets of an event that is published now."""
        event_id = self.publish()
        return eventually(lambda: self.received(hook, event_id), len)[0]


@pytest.fixture
def shop(world: World) -> Iterator[Shop]:
    app_name = f"shop_{uuid.uuid4().hex[:12]}"
    made = world.stack.administer({"action": "create_app", "appName": app_name})
    shop = Shop(world, app_name, {"X-App-Name": app_name, "X-API-Key": made["apiKey"]})
    yield shop
    for endpoint in shop.call("GET").json()["endpoints"]:
        shop.call("DELETE", endpointId=endpoint["endpointId"])


def _hook() -> str:
    return f"hook_{uuid.uuid4().hex[:12]}"


def _assert_signed(delivery: dict[str, Any], ours: str, *standards: str) -> None:
    """By `X-HKReach-Signature`, and by the standard's headers for each of these secrets."""
    headers = {name.lower(): value for name, value in delivery["headers"].items()}
    raw = delivery["raw"].encode()
    assert sign(ours, raw) == headers["x-hkreach-signature"]
    assert delivery["eventId"] == headers["webhook-id"]
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 300
    assert len(standards) == len(headers["webhook-signature"].split(" "))
    for secret in standards:
        assert delivery["body"] == Webhook(secret).verify(raw, headers)


def test_an_endpoint_is_verified_gets_signed_events_and_is_ended(shop: Shop) -> None:
    hook = _hook()
    created = shop.create(hook, description="Our CRM")
    assert ("active", 200, None) == (created["state"], created["test"]["status"], created["test"]["failure"])
    (test,) = shop.received(hook)
    assert ("webhooks.test", created["endpointId"]) == (test["event"], test["body"]["data"]["endpointId"])
    _assert_signed(test, created["secret"], created["secret"])

    _assert_signed(shop.next_at(hook), created["secret"], created["secret"])
    (shown,) = shop.call("GET").json()["endpoints"]
    assert {"state": "healthy"} == shown.pop("health")
    assert {key: value for key, value in created.items() if key not in {"secret", "test"}} == shown

    assert 200 == shop.call("DELETE", endpointId=created["endpointId"]).status_code
    assert 404 == shop.call("GET", endpointId=created["endpointId"]).status_code


def test_in_rotation_both_secrets_verify(shop: Shop) -> None:
    hook = _hook()
    created = shop.create(hook)
    rotated = shop.call("POST", "/rotate", endpointId=created["endpointId"]).json()
    assert rotated["secret"] != created["secret"]

    delivery = eventually(lambda: shop.next_at(hook), lambda seen: " " in seen["headers"]["webhook-signature"])
    _assert_signed(delivery, created["secret"], rotated["secret"], created["secret"])


def test_a_paused_endpoint_gets_nothing_until_it_is_resumed(shop: Shop) -> None:
    paused, other = _hook(), _hook()
    endpoint_id = shop.create(paused)["endpointId"]
    shop.create(other)
    # The other's answer takes a second: what both get has come to the first by then.
    _answer(shop, other, [{"status": 200, "delay": 1.0}])

    def gets_it() -> bool:
        event_id = shop.publish()
        eventually(lambda: shop.received(other, event_id), lambda seen: any(one["answeredStatus"] for one in seen))
        return bool(shop.received(paused, event_id))

    assert "paused" == shop.call("POST", "/pause", endpointId=endpoint_id).json()["state"]
    eventually(gets_it, lambda seen: not seen)  # deliver_webhook remembers an app for some seconds
    assert not gets_it()
    assert "active" == shop.call("POST", "/resume", endpointId=endpoint_id).json()["state"]
    eventually(gets_it, bool)


def test_a_server_that_refuses_the_test_gets_nothing_until_it_takes_one(shop: Shop) -> None:
    hook = _hook()
    _answer(shop, hook, [{"status": 401, "times": 1}])
    created = shop.create(hook)
    assert ("unverified", 401) == (created["state"], created["test"]["status"])
    refused = shop.call("POST", "/resume", endpointId=created["endpointId"])
    assert (409, "application/problem+json") == (refused.status_code, refused.headers["Content-Type"])

    tested = shop.call("POST", "/test", endpointId=created["endpointId"]).json()
    assert ("active", 200) == (tested["state"], tested["test"]["status"])
    eventually(lambda: shop.next_at(hook), lambda seen: seen["answeredStatus"] == 200)


def test_an_endpoint_gets_what_it_asked_for(shop: Shop) -> None:
    hook, other = _hook(), _hook()
    created = shop.create(hook, events=["messages.status.accepted"])
    shop.create(other)

    event_id = shop.publish("messages.status")
    (delivery,) = eventually(lambda: shop.received(hook, event_id), len)
    assert "accepted" == delivery["body"]["data"]["status"]
    lead = shop.publish("leads.status")
    eventually(lambda: shop.received(other, lead), len)
    assert [] == shop.received(hook, lead)
    assert [] == shop.received(other, event_id)
    changed = shop.call("PATCH", body={"events": ["leads.status"]}, endpointId=created["endpointId"])
    assert ["leads.status"] == changed.json()["events"]


def _answer(shop: Shop, hook: str, answers: list[dict[str, Any]]) -> None:
    script = {"appName": hook, "answers": answers}
    assert shop.world.http.post(f"{shop.world.stack.inbox_url}/_control/script", json=script, timeout=90).ok
