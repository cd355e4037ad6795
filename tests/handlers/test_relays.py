"""The relays as Lambda runs them: stream records in, the partial batch answer out."""

import json
from typing import Any

import pytest

from hkreach.domain.event import Event
from hkreach.domain.inbound import InboundMessage
from hkreach.domain.lead import Pipeline, moved
from hkreach.domain.message import OutboundMessage
from hkreach.edge.message_stream import read_changes
from hkreach.ports.leads import LeadQuery
from tests.aws import (
    LEAD_QUEUE_URL,
    LEADS_TABLE,
    MEDIA_QUEUE_URL,
    SEND_NOW_QUEUE_URL,
    bus_with_listener,
    items,
    queued,
)
from tests.builders import LEAD_ID, MESSAGE_ID, NOW, RECIPIENT, lead
from tests.fakes.leads import FakeLeadQueue, FakeLeads
from tests.fakes.stores import FakeEventBus, FakeSendQueue
from tests.handlers.conftest import Stack, sample

NEW, DELIVERED, RECEIVED = "relay_outbox/new_message", "relay_events/status_delivered", "relay_events/message_received"
MOVED, LEFT = "relay_events/lead_moved", "relay_events/lead_left"
NEWS, UNREAD = "relay_events/meta_news", "relay_events/unread"


def _records(*names: str) -> dict[str, Any]:
    """The records of several samples, numbered from 101 on."""
    records = [record for name in names for record in sample(name)["Records"]]
    for number, record in enumerate(records, 101):
        record["dynamodb"]["SequenceNumber"] = str(number)
    return {"Records": records}


def test_a_new_message_is_put_on_the_send_queue(stack: Stack) -> None:
    answer = stack.invoke("relay_outbox", sample(NEW))

    assert {"batchItemFailures": []} == answer
    ((record),) = queued(SEND_NOW_QUEUE_URL)
    assert ({"messageId": MESSAGE_ID}, "mystore") == (record["Body"], record["Attributes"]["MessageGroupId"])


def test_a_customers_file_is_fetched_by_the_media_queue_and_told_when_it_is_there(stack: Stack) -> None:
    listener = bus_with_listener()
    stack.invoke("relay_outbox", sample("relay_outbox/image_received"))
    stack.invoke("relay_events", sample("relay_outbox/image_received"))
    assert [] == queued(listener)
    stack.invoke("relay_events", sample("relay_events/image_stored"))
    stack.invoke("relay_outbox", sample("relay_events/image_stored"))

    ((record),) = queued(MEDIA_QUEUE_URL)
    ((told),) = queued(listener)
    image = told["Body"]["detail"]["data"]["image"]
    assert record["Body"]["messageId"] == image["mediaId"] == told["Body"]["detail"]["data"]["messageId"]
    assert [] == queued(SEND_NOW_QUEUE_URL)


def test_other_changes_are_not(stack: Stack) -> None:
    removal = sample(NEW)
    removal["Records"][0] |= {"eventName": "REMOVE"}
    image = removal["Records"][0]["dynamodb"].pop("NewImage")
    removal["Records"][0]["dynamodb"]["OldImage"] = image

    nothing: dict[str, Any] = {"Records": []}
    for event in (removal, sample(DELIVERED), sample(RECEIVED), sample(NEWS), sample(UNREAD), nothing):
        assert {"batchItemFailures": []} == stack.invoke("relay_outbox", event)
    assert [] == queued(SEND_NOW_QUEUE_URL)


def test_what_the_queue_refuses_is_repeated_from_there_on(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = FakeSendQueue(refuses=frozenset({MESSAGE_ID}))
    monkeypatch.setattr(stack.functions["relay_outbox"], "queue", queue)

    assert {"batchItemFailures": [{"itemIdentifier": "102"}]} == stack.invoke("relay_outbox", _records(RECEIVED, NEW))


def test_a_queue_that_fails_makes_lambda_repeat_the_batch(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = FakeSendQueue()
    queue.fails("put", OSError("queue"))
    monkeypatch.setattr(stack.functions["relay_outbox"], "queue", queue)

    with pytest.raises(OSError, match="queue"):
        stack.invoke("relay_outbox", sample(NEW))


def test_new_facts_and_inbound_messages_are_published(stack: Stack) -> None:
    listener = bus_with_listener()
    answer = stack.invoke("relay_events", _records(DELIVERED, RECEIVED, NEWS, UNREAD))

    assert {"batchItemFailures": []} == answer
    events: list[Event] = [record["Body"]["detail"] for record in queued(listener)]
    assert {("messages.status", "delivered"), ("messages.received", None), ("meta.account_update", None)} == {
        (event["event"], event["data"].get("status")) for event in events
    }


def test_a_repeated_batch_publishes_the_same_events(stack: Stack) -> None:
    listener = bus_with_listener()
    for _ in range(2):
        stack.invoke("relay_events", sample(DELIVERED))
    first, second = (record["Body"]["detail"] for record in queued(listener))

    assert first == second


def test_removals_are_no_events(stack: Stack) -> None:
    event = sample(DELIVERED)
    event["Records"][0]["eventName"] = "REMOVE"
    del event["Records"][0]["dynamodb"]["NewImage"]
    listener = bus_with_listener()

    assert {"batchItemFailures": []} == stack.invoke("relay_events", event)
    assert [] == queued(listener)


def test_who_wrote_for_the_first_time_has_a_lead_from_then_on(stack: Stack) -> None:
    bus_with_listener()
    for _ in range(2):
        assert {"batchItemFailures": []} == stack.invoke("relay_events", _records(DELIVERED, RECEIVED))

    (found,) = stack.leads.page("mystore", LeadQuery(), 9, None).leads
    assert ((RECIPIENT, "John Doe"), "New", "customer") == (
        (found.customer.phone, found.customer.name), found.stage, found.last_move.by,
    )  # fmt: skip


def test_a_lead_that_fails_is_left_to_its_queue_and_nothing_is_told_twice(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is the first of the batch: nothing behind it waits, or is repeated."""
    function = stack.functions["relay_events"]
    (change,) = read_changes(sample(RECEIVED))
    assert isinstance(change.after, InboundMessage)
    function.inbound.add(change.after)
    leads = FakeLeads()
    leads.fails("known", OSError("table"), OSError("table"))
    monkeypatch.setattr(function, "leads", leads)
    listener = bus_with_listener()

    assert {"batchItemFailures": []} == stack.invoke("relay_events", _records(RECEIVED, DELIVERED))
    assert 2 == len(queued(listener))
    ((left),) = queued(LEAD_QUEUE_URL)
    assert ({"messageId": change.after.message_id}, "mystore") == (left["Body"], left["Attributes"]["MessageGroupId"])
    record = sample(LEFT)
    assert left["Body"] == json.loads(record["Records"][0]["body"])
    failed = {"batchItemFailures": [{"itemIdentifier": record["Records"][0]["messageId"]}]}
    assert failed == stack.invoke("relay_events", record), "the table fails still"
    for _ in range(2):
        assert {"batchItemFailures": []} == stack.invoke("relay_events", record)
    assert [change.after.sender] == [lead.customer.phone for lead in leads.rows.values()]


def test_without_a_queue_a_lead_is_tried_again_by_the_stream(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    leads, queue = FakeLeads(), FakeLeadQueue()
    leads.fails("known", OSError("table"))
    queue.fails("put", OSError("queue"))
    monkeypatch.setattr(stack.functions["relay_events"], "leads", leads)
    monkeypatch.setattr(stack.functions["relay_events"], "lead_queue", queue)
    bus_with_listener()

    answer = stack.invoke("relay_events", _records(DELIVERED, RECEIVED))
    assert {"batchItemFailures": [{"itemIdentifier": "102"}]} == answer


def test_a_move_is_published(stack: Stack) -> None:
    listener = bus_with_listener()

    assert {"batchItemFailures": []} == stack.invoke("relay_events", sample(MOVED))
    ((event),) = (record["Body"]["detail"] for record in queued(listener))
    assert ("leads.status", "mystore") == (event["event"], event["appName"])
    assert {
        "leadId": LEAD_ID, "phone": RECIPIENT, "name": "John Doe", "from": "New", "to": "Contacted",
        "movedAt": "2026-11-22T09:00:00Z", "movedBy": "Ann", "rank": 2,
    } == event["data"]  # fmt: skip


def test_a_move_as_the_table_keeps_it_is_the_sample(stack: Stack) -> None:
    stack.leads.write([lead()])
    stack.leads.write([moved(lead().after, "Contacted", "New", "Ann", NOW, Pipeline())])
    ((image),) = (
        item for item in items(LEADS_TABLE) if item["sk"]["S"].startswith("move#") and "002" in item["sk"]["S"]
    )

    assert image == sample(MOVED)["Records"][0]["dynamodb"]["NewImage"]


def test_what_is_no_new_move_is_no_event(stack: Stack) -> None:
    event = sample(MOVED)
    event["Records"] = [dict(record, eventName=name) for record in event["Records"] for name in ("MODIFY", "REMOVE")]
    listener = bus_with_listener()

    assert {"batchItemFailures": []} == stack.invoke("relay_events", event)
    assert [] == queued(listener)


def test_what_the_bus_refuses_is_repeated_from_the_first_on(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack.functions["relay_events"], "bus", FakeEventBus(refuses=frozenset({"delivered"})))
    event = _records(RECEIVED, DELIVERED, RECEIVED, DELIVERED)

    assert {"batchItemFailures": [{"itemIdentifier": "102"}]} == stack.invoke("relay_events", event)


def test_the_first_is_the_lowest_number_not_the_lowest_text(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack.functions["relay_events"], "bus", FakeEventBus(refuses=frozenset({"delivered"})))
    event = _records(DELIVERED, DELIVERED)
    for record, number in zip(event["Records"], ("1000", "999"), strict=True):
        record["dynamodb"]["SequenceNumber"] = number

    assert {"batchItemFailures": [{"itemIdentifier": "999"}]} == stack.invoke("relay_events", event)


def test_a_record_that_cannot_be_read_is_raised_and_so_repeated_and_split(stack: Stack) -> None:
    event = sample(NEW)
    del event["Records"][0]["dynamodb"]["NewImage"]["template"]

    with pytest.raises(KeyError):
        stack.invoke("relay_outbox", event)


def test_the_sample_is_a_message_as_the_table_keeps_it(stack: Stack) -> None:
    (change,) = read_changes(sample(NEW))
    assert isinstance(change.after, OutboundMessage)
    stack.messages.add(change.after)

    assert change.after == stack.messages.get(MESSAGE_ID)
