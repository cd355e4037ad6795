"""Leads on the deployed stack: made by a first message, moved by agents, reminded of, forgotten."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from local.stack import App
from tests.stack.world import World, eventually, number

LEADS = "/api/external/leads"
SEND = {
    "templateName": "order_confirmation",
    "bodyParams": ["John Doe", "ORD-12345"],
    "headerText": "Thank you for your order!",
}


def _ask(world: World, method: str, path: str = "", app: App | None = None, **content: Any) -> requests.Response:
    headers = (app or world.app).headers
    return world.http.request(method, f"{world.stack.api_url}{LEADS}{path}", headers=headers, timeout=90, **content)


def _told(world: World, lead_id: str, moves: int) -> list[dict[str, Any]]:
    """The webhooks about a lead's moves, by their rank."""

    def look() -> list[dict[str, Any]]:
        found = world.webhooks(event="leads.status")
        mine = {w["body"]["data"]["rank"]: w for w in found if w["body"]["data"]["leadId"] == lead_id}
        return [mine[rank] for rank in sorted(mine)]

    webhooks = eventually(look, lambda seen: len(seen) == moves)
    assert [True] * moves == [webhook["verified"] for webhook in webhooks]
    return [dict(webhook["body"]["data"]) for webhook in webhooks]


@pytest.fixture
def lead(world: World) -> dict[str, Any]:
    """A lead of a customer who wrote."""
    sender = number()
    inbound = {"phoneNumberId": world.app.phone_number_id, "from": sender, "text": "Hello", "profileName": "Zoë"}
    world.meta("POST", "inbound", json=inbound)

    (found,) = eventually(lambda: _of(world, sender), len)
    return found


def _of(world: World, sender: str) -> list[dict[str, Any]]:
    leads = _ask(world, "GET", params={"stage": "New"}).json()["leads"]
    return [lead for lead in leads if lead["phone"] == sender]


def test_a_lead_that_fails_is_left_to_its_queue_and_the_webhook_goes_out(world: World) -> None:
    """The table fails for one customer; a record of the queue is put by hand, as the first comes back in minutes."""
    sender, outputs = number(), world.stack.outputs
    key = {"app": {"S": world.app.app_name}, "sk": {"S": f"phone#{sender}"}}
    of_leads = {"TableName": outputs["LeadsTableName"]}
    dynamodb, sqs = world.stack.client("dynamodb"), world.stack.client("sqs")
    dynamodb.put_item(Item=key, **of_leads)  # it leads to nobody
    world.meta("POST", "inbound", json={"phoneNumberId": world.app.phone_number_id, "from": sender, "text": "Hello"})

    def told() -> list[dict[str, Any]]:
        received = world.webhooks(event="messages.received")
        return [webhook["body"]["data"] for webhook in received if webhook["body"]["data"].get("from") == sender]

    message = eventually(told, len)[0]
    eventually(lambda: world.queue_depth("LeadQueueUrl"), bool)
    assert not _of(world, sender)
    dynamodb.delete_item(Key=key, **of_leads)
    body = json.dumps({"messageId": message["messageId"]})
    sqs.send_message(QueueUrl=outputs["LeadQueueUrl"], MessageBody=body)
    (lead,) = eventually(lambda: _of(world, sender), len)
    assert ("New", "customer") == (lead["stage"], lead["lastMove"]["by"])


def test_a_first_message_makes_a_lead_and_each_move_is_a_webhook(world: World, lead: dict[str, Any]) -> None:
    lead_id = lead["leadId"]
    query = {"leadId": lead_id}
    assert ("Zoë", "New", "customer") == (lead["name"], lead["stage"], lead["lastMove"]["by"])
    again = _ask(world, "POST", json={"phone": lead["phone"]})
    assert (200, lead_id) == (again.status_code, again.json()["leadId"])

    moved = _ask(world, "POST", "/move", params=query, json={"to": "Won", "expectedStage": "New", "by": "Ann"})
    assert (200, "Won") == (moved.status_code, moved.json()["stage"])
    made, won = _told(world, lead_id, 2)
    assert (lead["phone"], "Zoë", None, "New", "customer") == tuple(
        made[name] for name in ("phone", "name", "from", "to", "movedBy")
    )
    assert ("New", "Won", "Ann", moved.json()["lastMove"]["at"]) == tuple(
        won[name] for name in ("from", "to", "movedBy", "movedAt")
    )
    assert 404 == _ask(world, "GET", app=world.other_app, params=query).status_code


def test_of_two_agents_at_once_one_moves_and_the_other_sees_it(world: World, lead: dict[str, Any]) -> None:
    query = {"leadId": lead["leadId"]}

    def move(agent: str) -> requests.Response:
        body = {"to": "Won" if agent == "Ann" else "Lost", "expectedStage": "New", "by": agent}
        return _ask(world, "POST", "/move", params=query, json=body)

    with ThreadPoolExecutor(2) as agents:
        won, lost = sorted(agents.map(move, ("Ann", "Bob")), key=lambda answer: answer.status_code)
    assert (200, 409) == (won.status_code, lost.status_code)
    assert "application/problem+json" == lost.headers["Content-Type"]
    assert (won.json()["stage"], won.json()["lastMove"]) == (lost.json()["stage"], lost.json()["lastMove"])
    history = _ask(world, "GET", "/moves", params=query).json()["moves"]
    assert [won.json()["stage"], "New"] == [each["to"] for each in history]


def test_a_reminder_sends_its_template_once_and_a_closed_leads_never(world: World, lead: dict[str, Any]) -> None:
    query = {"leadId": lead["leadId"]}
    closed = _ask(world, "POST", json={"phone": number(), "name": "Closed"}).json()
    at = (datetime.now(UTC) + timedelta(seconds=4)).isoformat(timespec="seconds")
    for lead_id in (lead["leadId"], closed["leadId"]):
        body = {"followUp": {"at": at, "note": "offer", "send": SEND}}
        changed = _ask(world, "PATCH", params={"leadId": lead_id}, json=body)
        assert (200, "waiting") == (changed.status_code, changed.json()["followUp"]["state"])
    due = _ask(world, "GET", params={"followUpBefore": "2099-01-01T00:00:00Z"}).json()["leads"]
    assert {lead["leadId"], closed["leadId"]} <= {found["leadId"] for found in due}
    body = {"to": "Lost", "expectedStage": "New", "by": "Ann"}
    assert _ask(world, "POST", "/move", params={"leadId": closed["leadId"]}, json=body).json()["followUp"] is None

    def wake() -> dict[str, Any]:
        name = world.stack.outputs["WakeDueFunctionName"]
        answer = world.stack.client("lambda").invoke(FunctionName=name, Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()
        return dict(_ask(world, "GET", params=query).json()["followUp"])

    follow_up = eventually(wake, lambda seen: seen["state"] == "sent")
    world.until_status(world.app, follow_up["messageId"], "read")
    wake()
    sent = world.meta_requests(edge="messages", to=f"+{lead['phone']}")
    assert (1, 1) == (len(sent), world.times_taken()[follow_up["messageId"]])
    assert [] == world.meta_requests(edge="messages", to=f"+{closed['phone']}")


def test_the_stages_are_the_apps_own(world: World) -> None:
    app_name = f"shop_{uuid.uuid4().hex[:12]}"  # where nobody writes, so that no lead stands in a stage meanwhile
    made = world.stack.administer({"action": "create_app", "appName": app_name})
    shop = replace(world.app, app_name=app_name, api_key=made["apiKey"])
    own = [{"name": "Neu", "closed": False}, {"name": "Angebot", "closed": False}, {"name": "Ende", "closed": True}]
    before = _ask(world, "GET", "/stages", shop).json()

    assert {"stages": own} == _ask(world, "PUT", "/stages", shop, json={"stages": own}).json()
    lead = _ask(world, "POST", app=shop, json={"phone": number()})
    assert (201, "Neu") == (lead.status_code, lead.json()["stage"])
    refused = _ask(world, "PUT", "/stages", shop, json=before)
    assert (409, "conflict") == (refused.status_code, refused.json()["code"])
    query = {"leadId": lead.json()["leadId"]}
    assert 204 == _ask(world, "DELETE", app=shop, params=query).status_code
    assert 404 == _ask(world, "GET", app=shop, params=query).status_code
    eventually(lambda: _ask(world, "PUT", "/stages", shop, json=before).status_code, lambda code: code == 200)


def test_no_log_holds_a_customer(world: World) -> None:
    name, phone, secret = f"Wong {uuid.uuid4().hex}", number(), uuid.uuid4().hex
    made = _ask(world, "POST", json={"phone": phone, "name": name}).json()
    query = {"leadId": made["leadId"]}
    assert 201 == _ask(world, "POST", "/notes", params=query, json={"author": secret, "text": secret}).status_code
    _told(world, made["leadId"], 1)
    erased = _ask(world, "DELETE", params=query)
    assert 204 == erased.status_code, erased.text
    told = eventually(lambda: _logged(world), lambda seen: "lead erased" in seen)
    assert made["leadId"] in told
    for private in (name, phone, secret):
        assert private not in told


def _logged(world: World) -> str:
    logs = world.stack.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    pages = (page for group in groups for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group))
    return "\n".join(event["message"] for page in pages for event in page["events"])
