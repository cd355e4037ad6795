"""The contract of the slow lane: what is tried again, each for its time, and first tries at slow endpoints."""

import json

import pytest

from hkreach.adapters.delivery_items import read_record_body
from hkreach.adapters.sqs_deliveries import SQSDeliveryQueue
from hkreach.domain.delivery import DeliveryKey, DueDelivery, EndpointKey
from hkreach.domain.event import received_event
from tests.aws import WEBHOOK_RETRY_QUEUE_URL, aws, delayed, queued
from tests.builders import NOW, inbound
from tests.fakes.deliveries import FakeDeliveryQueue

SHOP = EndpointKey("mystore", "we_operator")
EVENT = received_event(inbound())


@pytest.fixture(params=["fake", "sqs"])
def queue(request: pytest.FixtureRequest) -> FakeDeliveryQueue | SQSDeliveryQueue:
    if request.param == "fake":
        return FakeDeliveryQueue()
    request.getfixturevalue("imitated_aws")
    return SQSDeliveryQueue(aws("sqs"), WEBHOOK_RETRY_QUEUE_URL)


def test_it_takes_deliveries_and_first_tries(queue: FakeDeliveryQueue | SQSDeliveryQueue) -> None:
    due = [DueDelivery(DeliveryKey(SHOP, NOW, f"evt_{number}"), NOW, 1) for number in range(11)]

    assert [] == queue.put(due, {due[3].key: 5})
    assert queue.forward(EVENT, "we_operator")


def test_a_first_try_is_the_whole_event_in_the_group_of_its_app(imitated_aws: None) -> None:
    SQSDeliveryQueue(aws("sqs"), WEBHOOK_RETRY_QUEUE_URL).forward(EVENT, "we_operator")

    ((record),) = queued(WEBHOOK_RETRY_QUEUE_URL)
    assert {"event": EVENT, "endpointId": "we_operator"} == record["Body"]
    assert EVENT["appName"] == record["Attributes"]["MessageGroupId"]


def test_what_is_one_endpoints_and_of_one_second_is_one_record_in_turn(imitated_aws: None) -> None:
    other = EndpointKey("mystore", "we_2")
    due = [
        DueDelivery(DeliveryKey(other if number == 3 else SHOP, NOW + number, f"evt_{number}"), 0, 1)
        for number in range(25)
    ]
    delays = {each.key: number // 20 for number, each in enumerate(due)}
    assert [] == SQSDeliveryQueue(aws("sqs"), WEBHOOK_RETRY_QUEUE_URL).put(due, delays)

    found = [[each.key for each in read_record_body(body)] for body in delayed(WEBHOOK_RETRY_QUEUE_URL)]
    keys = [each.key for each in due]
    meant = [[*keys[:3], *keys[4:11]], keys[11:20], [keys[3]], keys[20:]]
    assert sorted(meant, key=str) == sorted(found, key=str)


def test_of_a_record_that_the_queue_refuses_all_are_told(imitated_aws: None) -> None:
    due = [DueDelivery(DeliveryKey(SHOP, NOW + number, f"evt_{number}"), 0, 1) for number in range(12)]

    assert due == SQSDeliveryQueue(_Refusing(), WEBHOOK_RETRY_QUEUE_URL).put(due, {})


def test_what_the_queue_refuses_is_said(imitated_aws: None) -> None:
    client = _Refusing()

    assert not SQSDeliveryQueue(client, WEBHOOK_RETRY_QUEUE_URL).forward(EVENT, "we_operator")
    assert EVENT == json.loads(client.bodies[0])["event"]
    assert [] == delayed(WEBHOOK_RETRY_QUEUE_URL)


class _Refusing:
    """A queue that takes no entry: moto has no way to refuse one of a batch."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, list[dict[str, str]]]:  # noqa: N803 - boto3's names
        self.bodies += [entry["MessageBody"] for entry in Entries]
        return {"Failed": [{"Id": entry["Id"], "Code": "InternalError"} for entry in Entries]}
