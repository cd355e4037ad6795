"""What is done with leads, killed with SIGKILL before and after each call: one lead, one move, one reminder."""

import itertools
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from hkreach.adapters.dynamodb_leads import DynamoDBLeads
from hkreach.domain.lead import TRIED_AGAIN_AFTER, Customer, Lead, LeadChange, next_version
from hkreach.domain.time import to_rfc3339
from hkreach.ports.leads import LeadQuery
from tests.kills.functions import Kill, When
from tests.kills.local_aws import APP_NAME
from tests.kills.played import Played
from tests.kills.pollers import MOST_TRIES, sample
from tests.stack.world import eventually

_ALL = LeadQuery()
WHEN: tuple[When, ...] = ("before", "after")


@dataclass
class Someone:
    """A customer of a run of their own."""

    phone: str = field(default_factory=lambda: f"9197{uuid.uuid4().int % 10**8:08d}")
    lead_id: str = ""


def _leads(stack: Played) -> DynamoDBLeads:
    return DynamoDBLeads(stack.client("dynamodb"), stack.stack.outputs["LeadsTableName"])


def _lead(stack: Played, someone: Someone) -> Lead:
    found = _leads(stack).get(APP_NAME, someone.lead_id)
    assert found is not None
    return found


def _ask(stack: Played, name: str, body: object, **query: str) -> Mapping[str, Any]:
    """An agent's program, which repeats a request until there is an answer."""
    event = sample(f"manage_leads/{name}") | {"body": json.dumps(body)}
    headers = stack.stack.apps[0].headers | {"Content-Type": "application/json"}
    event |= {"headers": headers, "multiValueHeaders": {name: [value] for name, value in headers.items()}}
    event |= {"queryStringParameters": query, "multiValueQueryStringParameters": {k: [v] for k, v in query.items()}}
    for _ in range(MOST_TRIES):
        answer = stack.functions.invoke("manage_leads", event).answer
        if answer is not None:
            return dict(answer)
    raise AssertionError("never answered")


def _make(stack: Played, someone: Someone) -> None:
    someone.lead_id = json.loads(_ask(stack, "create", {"phone": someone.phone})["body"])["leadId"]
    stack.settle()


def _writes(stack: Played, someone: Someone) -> None:
    number = stack.stack.apps[0].phone_number_id
    stack.world.meta("POST", "inbound", json={"phoneNumberId": number, "from": someone.phone, "text": "Hello"})
    stack.settle()


def _writes_while_it_cannot_be_read(stack: Played, someone: Someone) -> None:
    """The leads table fails for this customer until the queue has the message: then somebody mends it."""
    key = {"app": {"S": APP_NAME}, "sk": {"S": f"phone#{someone.phone}"}}
    of_leads = {"TableName": stack.stack.outputs["LeadsTableName"]}
    stack.client("dynamodb").put_item(Item=key, **of_leads)  # it leads to nobody: a fault of ours
    number = stack.stack.apps[0].phone_number_id
    stack.world.meta("POST", "inbound", json={"phoneNumberId": number, "from": someone.phone, "text": "Hello"})
    eventually(stack.relay, lambda _: stack.leads_left.depth() > 0)
    stack.client("dynamodb").delete_item(Key=key, **of_leads)
    stack.settle()


def _moves(stack: Played, someone: Someone) -> None:
    body = {"to": "Won", "expectedStage": "New", "by": "Ann"}
    answer = _ask(stack, "move", body, leadId=someone.lead_id)
    told = json.loads(answer["body"])
    assert 200 == answer["statusCode"] or "Ann" == told["lastMove"]["by"], "it was done, and the answer got lost"
    stack.settle()


def _noted(stack: Played, someone: Someone) -> None:
    _make(stack, someone)
    _ask(stack, "add_note", {"author": "Ann", "text": f"About {someone.phone}"}, leadId=someone.lead_id)


def _forgets(stack: Played, someone: Someone) -> None:
    """Again until there is an answer; then it may be gone already."""
    assert _ask(stack, "forget", None, leadId=someone.lead_id)["statusCode"] in {204, 404}


def _remembered(stack: Played, someone: Someone) -> list[str]:
    """What the table still has of a customer who was forgotten."""
    pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.stack.outputs["LeadsTableName"])
    return [item["sk"]["S"] for page in pages for item in page["Items"] if someone.lead_id in str(item)]


def _reminded(stack: Played, someone: Someone) -> None:
    """A reminder whose time has come."""
    _make(stack, someone)
    at = to_rfc3339(time.time_ns() // 1_000_000 + 3_600_000)
    follow_up = {"at": at, "send": {"templateName": "order_confirmation", "bodyParams": ["John Doe", "ORD-12345"]}}
    follow_up["send"] |= {"headerText": "Thank you for your order!"}  # type: ignore[operator]
    answer = _ask(stack, "change", {"followUp": follow_up}, leadId=someone.lead_id)
    assert 200 == answer["statusCode"], answer
    _let_come_due(stack, someone)


def _let_come_due(stack: Played, someone: Someone) -> bool:
    """Nobody has to wait: its times are moved back. Returns whether it waits."""
    before, now = _lead(stack, someone), time.time_ns() // 1_000_000
    follow_up = before.follow_up
    if follow_up is None or follow_up.due_at is None:
        return False
    tried_at = None if follow_up.tried_at is None else now - TRIED_AGAIN_AFTER
    due = type(follow_up)(follow_up.number, now, None, follow_up.message, follow_up.state, tried_at)
    assert _leads(stack).write([LeadChange(before, next_version(before, follow_up=due))])
    return True


def _wakes(stack: Played, someone: Someone) -> None:
    """Until it waits no more, and then once more."""
    for _ in range(MOST_TRIES):
        stack.wake()
        if not _let_come_due(stack, someone):
            break
    stack.wake()
    stack.settle()


@dataclass(frozen=True)
class Way:
    """One way through a step."""

    step: str
    go: Callable[[Played, Someone], None]
    subject: Callable[[Someone], str]
    lead: Callable[[Played, Someone], None] = lambda *_: None
    stages: tuple[str, ...] = ("New",)
    reminders: int = 0
    forgets: bool = False

    def wrong(self, stack: Played, someone: Someone) -> list[str]:
        return _remembered(stack, someone) if self.forgets else _wrong(stack, someone, self)


def _strike(stack: Played, way: Way) -> None:
    clean = Someone()
    way.lead(stack, clean)
    began = len(stack.functions.invocations)
    way.go(stack, clean)
    seen = [
        one for one in stack.functions.invocations[began:] if one.step == way.step and way.subject(clean) in one.event
    ]
    calls = seen[0].calls
    assert [] == way.wrong(stack, clean)
    points = list(itertools.product(range(1, len(calls) + 1), WHEN))
    wrong = {}
    for point in points:
        someone = Someone()
        way.lead(stack, someone)
        stack.functions.arm(Kill(way.step, way.subject(someone), *point))
        way.go(stack, someone)
        if found := way.wrong(stack, someone):
            wrong[point] = found

    assert {} == wrong
    assert [] == stack.functions.armed, "each kill struck, once"
    print(f"{way.step}: {len(points)} of {2 * len(calls)} kill points: {', '.join(calls)}")  # noqa: T201


def _wrong(stack: Played, someone: Someone, way: Way) -> list[str]:
    """Everything that must not be."""
    table = _leads(stack)
    known = table.known(APP_NAME, Customer(someone.phone))
    if not known:
        return ["lost: no lead"]
    lead_id = known[f"phone#{someone.phone}"]
    mine = [lead for lead in table.page(APP_NAME, _ALL, 1_000, None).leads if lead.customer.phone == someone.phone]
    wrong = [] if [lead_id] == [lead.lead_id for lead in mine] else [f"doubled: {len(mine)} leads"]
    history = [move.to_stage for move in reversed(table.moves(APP_NAME, lead_id, 9))]
    if list(way.stages) != history:
        wrong.append(f"history: {history}")
    told = stack.events_of(lead_id)
    if set(way.stages) != {stage for stage, _ in told} or len(set(told)) != len(way.stages):
        wrong.append(f"told: {told}")
    posted = {
        (webhook["body"]["data"]["to"], webhook["eventId"])
        for webhook in stack.world.webhooks(event="leads.status")
        if webhook["body"]["data"]["leadId"] == lead_id and webhook["verified"]
    }
    if posted != set(told):
        wrong.append(f"posted: {posted}")
    if way.reminders:
        follow_up = mine[0].follow_up
        assert follow_up is not None
        assert follow_up.message is not None
        taken = stack.world.times_taken().get(follow_up.message.message_id, 0)
        if (taken, follow_up.state) != (1, "sent"):
            wrong.append(f"reminder: taken {taken} times, {follow_up.state}")
    return wrong


def test_a_first_message_makes_one_lead(stack: Played) -> None:
    _strike(stack, Way("relay_events", _writes, lambda someone: someone.phone))


@pytest.mark.parametrize("subject", [lambda someone: someone.phone, lambda _: "aws:sqs"], ids=["stream", "queue"])
def test_a_lead_that_fails_is_made_by_the_queue_once(stack: Played, subject: Callable[[Someone], str]) -> None:
    """Killed while it is handed over; and while the queue's record is worked on."""
    _strike(stack, Way("relay_events", _writes_while_it_cannot_be_read, subject))


def test_a_move_is_made_once(stack: Played) -> None:
    way = Way("manage_leads", _moves, lambda someone: someone.lead_id, _make, ("New", "Won"))
    _strike(stack, way)


def test_a_move_is_published_with_one_id(stack: Played) -> None:
    _strike(stack, Way("relay_events", _moves, lambda someone: someone.lead_id, _make, ("New", "Won")))


def test_a_customer_is_forgotten_whole(stack: Played) -> None:
    _strike(stack, Way("manage_leads", _forgets, lambda someone: someone.lead_id, _noted, forgets=True))


def test_a_reminder_is_sent_once(stack: Played) -> None:
    _strike(stack, Way("wake_due", _wakes, lambda _: "", _reminded, reminders=1))
