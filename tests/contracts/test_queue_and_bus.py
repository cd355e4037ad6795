"""SendQueue and EventBus: everything arrives, in as many calls as it takes, and what is refused is told."""

import json
from typing import Any

import pytest
from botocore.stub import Stubber

from hkreach.adapters.aws import client
from hkreach.adapters.eventbridge_bus import EventBridgeBus
from hkreach.adapters.sqs_leads import SQSLeadQueue
from hkreach.adapters.sqs_queue import SQSSendQueue, SQSVisibility
from hkreach.adapters.sqs_statuses import SQSStatusQueue, read_early
from hkreach.domain.early_status import EarlyStatus
from hkreach.domain.event import received_event, status_event
from hkreach.domain.message import MessageError, Status, StatusCallback
from tests.aws import (
    BUS,
    ENVIRONMENT,
    LEAD_QUEUE_URL,
    SEND_NOW_QUEUE_URL,
    SEND_QUEUE_URLS,
    STATUS_QUEUE_URL,
    aws,
    bus_with_listener,
    delayed,
    environment,
    queued,
)
from tests.builders import ERROR, NOW, NUMBER, WAMID, callback, inbound, outbound
from tests.fakes.leads import FakeLeadQueue
from tests.fakes.stores import FakeEventBus, FakeSendQueue, FakeStatusQueue

MESSAGES = [outbound(f"3fa85f64-5717-4562-b3fc-2c963f66af{number:02}") for number in range(23)]
EVENTS = [status_event(outbound(message.message_id, facts={Status.SENT: NOW}), Status.SENT) for message in MESSAGES] + [
    received_event(inbound())
]


def _stubbed(service: str) -> tuple[Any, Stubber]:
    with environment(ENVIRONMENT):
        made = client(service)
    return made, Stubber(made)


def test_nothing_is_nothing() -> None:
    for queue in (FakeSendQueue(), SQSSendQueue(None, SEND_QUEUE_URLS)):
        assert [] == list(queue.put([]))
    for bus in (FakeEventBus(), EventBridgeBus(None, BUS)):
        assert [] == list(bus.publish([]))


@pytest.mark.usefixtures("imitated_aws")
def test_each_message_is_queued_once_with_its_app_as_the_group() -> None:
    refused = SQSSendQueue(aws("sqs"), SEND_QUEUE_URLS).put(MESSAGES)
    records = [record for _ in range(3) for record in queued()]

    assert [] == list(refused)
    assert {m.message_id for m in MESSAGES} == {record["Body"]["messageId"] for record in records}
    assert len(MESSAGES) == len(records)
    assert {"mystore"} == {record["Attributes"]["MessageGroupId"] for record in records}


def test_the_messages_that_the_queue_refuses_are_told() -> None:
    made, stub = _stubbed("sqs")
    failure = {"Id": "1", "SenderFault": False, "Code": "InternalError"}
    stub.add_response("send_message_batch", {"Successful": [], "Failed": []})
    stub.add_response("send_message_batch", {"Successful": [], "Failed": [failure, failure | {"Id": "9"}]})
    stub.add_response("send_message_batch", {"Successful": [], "Failed": [failure | {"Id": "0"}]})
    with stub:
        refused = SQSSendQueue(made, SEND_QUEUE_URLS).put(MESSAGES)

    assert [MESSAGES[11], MESSAGES[19], MESSAGES[20]] == list(refused)
    fake = FakeSendQueue(refuses=frozenset(message.message_id for message in refused))
    assert list(refused) == list(fake.put(MESSAGES))


@pytest.mark.usefixtures("imitated_aws")
def test_each_lead_to_be_made_is_queued_once_with_its_app_as_the_group() -> None:
    wrote = [inbound(f"m-{number}") for number in range(23)]
    refused = SQSLeadQueue(aws("sqs"), LEAD_QUEUE_URL).put(wrote)
    records = [record for _ in range(3) for record in queued(LEAD_QUEUE_URL)]

    assert ([], []) == (list(refused), list(FakeLeadQueue().put(wrote)))
    assert sorted(message.message_id for message in wrote) == sorted(record["Body"]["messageId"] for record in records)
    assert {"mystore"} == {record["Attributes"]["MessageGroupId"] for record in records}


def test_the_leads_that_the_queue_refuses_are_told() -> None:
    made, stub = _stubbed("sqs")
    failure = {"Id": "1", "SenderFault": False, "Code": "InternalError"}
    stub.add_response("send_message_batch", {"Successful": [], "Failed": []})
    stub.add_response("send_message_batch", {"Successful": [], "Failed": [failure]})
    wrote = [inbound(f"m-{number}") for number in range(12)]
    with stub:
        refused = SQSLeadQueue(made, LEAD_QUEUE_URL).put(wrote)

    assert [wrote[11]] == list(refused) == list(FakeLeadQueue(frozenset({"m-11"})).put(wrote))


@pytest.mark.usefixtures("imitated_aws")
@pytest.mark.parametrize("error", [None, ERROR])
def test_an_early_status_is_queued_for_later_and_read_as_it_was(error: MessageError | None) -> None:
    early = EarlyStatus(StatusCallback(Status.FAILED, NOW, WAMID, NUMBER, error=error), "mystore", NOW + 1)

    assert [True, True] == [
        queue.put(early) for queue in (SQSStatusQueue(aws("sqs"), STATUS_QUEUE_URL), FakeStatusQueue())
    ]
    assert [] == queued(STATUS_QUEUE_URL), "not yet"
    assert [early] == [read_early(json.dumps(body)) for body in delayed(STATUS_QUEUE_URL)]


def test_an_early_status_that_the_queue_refuses_is_told() -> None:
    made, stub = _stubbed("sqs")
    failure = {"Id": "0", "SenderFault": False, "Code": "InternalError"}
    stub.add_response("send_message_batch", {"Successful": [], "Failed": [failure]})
    early = EarlyStatus(callback(), "mystore", NOW)
    with stub:
        assert [False, False] == [
            queue.put(early) for queue in (SQSStatusQueue(made, STATUS_QUEUE_URL), FakeStatusQueue(refuses=True))
        ]


@pytest.mark.usefixtures("imitated_aws")
def test_each_event_arrives_as_it_is() -> None:
    listener = bus_with_listener()
    refused = EventBridgeBus(aws("events"), BUS).publish(EVENTS)
    arrived = [record["Body"] for _ in range(3) for record in queued(listener)]

    assert [] == list(refused)
    assert sorted(EVENTS, key=lambda event: event["id"]) == sorted(
        (entry["detail"] for entry in arrived), key=lambda event: event["id"]
    )
    assert {("hkreach", "messages.status"), ("hkreach", "messages.received")} == {
        (entry["source"], entry["detail-type"]) for entry in arrived
    }


def test_the_events_that_the_bus_refuses_are_told() -> None:
    made, stub = _stubbed("events")
    taken, refusal = {"EventId": "1"}, {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
    stub.add_response("put_events", {"FailedEntryCount": 0, "Entries": [taken] * 10})
    stub.add_response("put_events", {"FailedEntryCount": 2, "Entries": [taken, refusal] + [taken] * 7 + [refusal]})
    stub.add_response("put_events", {"FailedEntryCount": 4, "Entries": [refusal] * 4})
    with stub:
        refused = EventBridgeBus(made, BUS).publish(EVENTS)

    assert [EVENTS[11], *EVENTS[19:]] == list(refused)


def test_large_events_go_in_calls_that_the_bus_takes() -> None:
    made, stub = _stubbed("events")
    events = [received_event(inbound(content={"type": "text", "text": {"body": "☕" * 33_000}})) for _ in range(5)]
    for count in (2, 2, 1):
        stub.add_response("put_events", {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}] * count})
    with stub:
        assert [] == EventBridgeBus(made, BUS).publish(events)
        stub.assert_no_pending_responses()


@pytest.mark.usefixtures("imitated_aws")
def test_half_an_emoji_in_one_event_stops_no_other() -> None:
    listener = bus_with_listener()
    error = MessageError("131026", "Undeliverable \ud83d", "Half an emoji: \ud83d")
    half = status_event(outbound(facts={Status.FAILED: NOW}, error=error), Status.FAILED)
    refused = EventBridgeBus(aws("events"), BUS).publish([half, EVENTS[0]])
    arrived = [record["Body"]["detail"] for record in queued(listener)]

    assert [] == list(refused)
    assert {half["id"]: "Half an emoji: \ufffd", EVENTS[0]["id"]: None} == {
        event["id"]: event["data"].get("error", {}).get("details") for event in arrived
    }


def test_a_refused_call_is_raised() -> None:
    made, stub = _stubbed("events")
    stub.add_client_error("put_events", "ValidationException")
    with stub, pytest.raises(made.exceptions.ClientError):
        EventBridgeBus(made, BUS).publish(EVENTS[:1])


@pytest.mark.usefixtures("imitated_aws")
def test_a_hidden_record_stays_out_of_sight_and_in_the_queue() -> None:
    SQSSendQueue(aws("sqs"), SEND_QUEUE_URLS).put(MESSAGES[:1])
    visibility = SQSVisibility(aws("sqs"), SEND_NOW_QUEUE_URL)

    visibility.hide(queued()[0]["ReceiptHandle"], 60)
    assert [] == queued()

    attributes = aws("sqs").get_queue_attributes(
        QueueUrl=SEND_NOW_QUEUE_URL, AttributeNames=["ApproximateNumberOfMessagesNotVisible"]
    )["Attributes"]
    assert "1" == attributes["ApproximateNumberOfMessagesNotVisible"]


def test_the_detail_stays_one_text_in_utf_8() -> None:
    """What is not ASCII is not blown up to six bytes a letter: an entry may have 256 KB."""
    made, stub = _stubbed("events")
    event = received_event(inbound())
    entry = {
        "EventBusName": BUS,
        "Source": "hkreach",
        "DetailType": "messages.received",
        "Detail": json.dumps(event, ensure_ascii=False, separators=(",", ":")),
    }
    stub.add_response("put_events", {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}, {"Entries": [entry]})
    with stub:
        EventBridgeBus(made, BUS).publish([event])

    assert "☕" in entry["Detail"]
