"""What a message costs, as counts of calls to AWS: the whole way of ten messages, with the real adapters on moto.

The steps share their caches here. On AWS each process reads an app once a minute, and opens a secret once in five.
"""

import json
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from hkreach.adapters.aws import client
from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.dynamodb_deliveries import DynamoDBDeliveries
from hkreach.adapters.dynamodb_endpoint_healths import DynamoDBEndpointHealths
from hkreach.adapters.dynamodb_event_facts import DynamoDBEventFacts
from hkreach.adapters.dynamodb_inbound import DynamoDBInbound
from hkreach.adapters.dynamodb_messages import DynamoDBMessages
from hkreach.adapters.dynamodb_numbers import DynamoDBNumbers
from hkreach.adapters.eventbridge_bus import EventBridgeBus
from hkreach.adapters.kms_secrets import KMSSecrets
from hkreach.adapters.message_items import read_message_item
from hkreach.adapters.overdue import overdue
from hkreach.adapters.sqs_deliveries import SQSDeliveryQueue
from hkreach.adapters.sqs_queue import SQSSendQueue, SQSVisibility
from hkreach.adapters.ssm_meta_app import SSMMetaApp
from hkreach.domain.app import MetaAccount
from hkreach.domain.change import Change
from hkreach.domain.delivery import Plan
from hkreach.domain.endpoint_health import EndpointLimits
from hkreach.domain.message import OutboundMessage
from hkreach.domain.progress import Progress
from hkreach.domain.signature import sign
from hkreach.edge.queue_batch import work_on_batch
from hkreach.usecases.accept_message import SendRequest, accept_message
from hkreach.usecases.deliver_webhook import DeliverWebhook
from hkreach.usecases.deliver_webhook_try import TryDelivery
from hkreach.usecases.receive_meta import ReceiveMeta
from hkreach.usecases.relay_events import relay_events
from hkreach.usecases.relay_outbox import relay_outbox
from hkreach.usecases.send_message import SendMessage
from hkreach.usecases.send_message_admission import Admission
from hkreach.usecases.send_message_upload import UploadMedia
from tests.aws import (
    APPS_TABLE,
    BUS,
    DELIVERIES_TABLE,
    ENVIRONMENT,
    LEADS_TABLE,
    MESSAGES_TABLE,
    META_PARAMETERS,
    NUMBERS_TABLE,
    SEND_NOW_QUEUE_URL,
    SEND_QUEUE_URLS,
    WEBHOOK_RETRY_QUEUE_URL,
    bus_with_listener,
    environment,
    imitated,
    items,
    new_key,
)
from tests.builders import LIMITS, NOW, NUMBER, TEMPLATE, UPLOAD, WAITS, app, endpoint, hooks
from tests.fakes.outside import FakeMeta, FakeWebhookClient
from tests.fakes.stores import FakeMediaStore, FakeStatusQueue
from tests.fakes.uploads import FakeUploads

MESSAGES = 10
TABLE_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
WAMID = "wamid.HBgMOTE5OTk5OTk5OTk5FQIAERgSMEQ5QjRGNkY5QTA3QzQ4RjQ1AA=="


@pytest.fixture
def calls() -> Iterator[Counter[str]]:
    with environment(ENVIRONMENT), imitated():
        bus_with_listener()
        yield Counter()


def _counted(service: str, calls: Counter[str]) -> Any:
    made = client(service)
    made.meta.events.register("before-call", lambda model, **_: calls.update([model.name]))
    return made


def _the_whole_way(calls: Counter[str]) -> Counter[str]:
    """Ten messages are accepted, sent, delivered, read, and told of; each step is one warm process.

    Returns the calls of the sending alone: from the stream to the written outcome.
    """
    dynamodb, kms = _counted("dynamodb", calls), _counted("kms", calls)
    key = new_key()
    secrets, meta_app = KMSSecrets(kms, key), SSMMetaApp(_counted("ssm", calls), META_PARAMETERS, key)
    account = MetaAccount(NUMBER, "102290129340398", secrets.seal("mystore", "access_token", "EAAtoken"))
    hook = hooks(endpoint(secret=secrets.seal("mystore", "webhook_secret", "a-webhook-secret")))
    customer = app(meta=account, endpoints=hook)
    apps = DynamoDBApps(dynamodb, APPS_TABLE, 60)
    apps.add(customer)
    meta_app.rotate("the-meta-apps-secret", "verify")
    messages = DynamoDBMessages(dynamodb, MESSAGES_TABLE, lambda: NOW)
    calls.clear()

    for number in range(MESSAGES):
        request = SendRequest(f"9199{number:08}", TEMPLATE, "MyStore_ERP")
        accept_message(
            customer, request, messages=messages, media=FakeMediaStore(), uploads=FakeUploads(), now=lambda: NOW
        )
    accepted, sqs = calls.copy(), _counted("sqs", calls)
    relay_outbox(_changes(), queue=SQSSendQueue(sqs, SEND_QUEUE_URLS))
    numbers, meta = DynamoDBNumbers(dynamodb, NUMBERS_TABLE), FakeMeta()
    admission = Admission(numbers, lambda: NOW, LIMITS)
    upload = UploadMedia(numbers, FakeMediaStore(), meta, lambda: NOW, UPLOAD)
    queue = SQSSendQueue(sqs, SEND_QUEUE_URLS)
    sender = SendMessage(messages, apps, secrets, upload, meta, lambda: NOW, WAITS, admission, queue=queue)
    _send_batch(sqs, sender)
    sent = calls - accepted
    ids = [change.after.message_id for change in _changes()]
    receiver = ReceiveMeta(
        messages,
        apps,
        meta_app,
        lambda: NOW,
        numbers,
        DynamoDBInbound(dynamodb, MESSAGES_TABLE, lambda: NOW),
        FakeStatusQueue(),
    )
    for status in ("sent", "delivered", "read"):
        for message_id in ids:
            body = _callback(status, message_id)
            receiver(body, "sha256=" + sign("the-meta-apps-secret", body))
    bus = EventBridgeBus(_counted("events", calls), BUS)
    events: list[Any] = []
    relay_events(_changes(), bus=_Kept(bus, events))
    deliveries = DynamoDBDeliveries(dynamodb, DELIVERIES_TABLE, lambda: NOW)
    attempt = TryDelivery(
        deliveries=deliveries,
        healths=DynamoDBEndpointHealths(dynamodb, DELIVERIES_TABLE),
        queue=SQSDeliveryQueue(sqs, WEBHOOK_RETRY_QUEUE_URL),
        bus=bus,
        secrets=secrets,
        client=FakeWebhookClient(),
        now=lambda: NOW,
        plan=Plan(),
        limits=EndpointLimits(),
        draw=lambda: 0.5,
        overdue=overdue,
    )
    deliver_webhook = DeliverWebhook(
        apps, DynamoDBEventFacts(dynamodb, (MESSAGES_TABLE, LEADS_TABLE), lambda: NOW), attempt
    )
    for event in events:
        deliver_webhook(event)
    assert {"read"} == {change.after.status for change in _changes() if isinstance(change.after, OutboundMessage)}
    return sent


def _send_batch(sqs: Any, sender: SendMessage) -> None:
    """One batch as Lambda's poller has it: received, worked on, and deleted for what the answer does not keep."""
    received = sqs.receive_message(QueueUrl=SEND_NOW_QUEUE_URL, MaxNumberOfMessages=MESSAGES, AttributeNames=["All"])
    records = [
        {
            "messageId": record["MessageId"],
            "receiptHandle": record["ReceiptHandle"],
            "body": record["Body"],
            "attributes": record["Attributes"],
            "eventSource": "aws:sqs",
        }
        for record in received["Messages"]
    ]
    context: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)

    def work(record: SQSRecord) -> Progress:
        return sender(json.loads(record.body)["messageId"], context.get_remaining_time_in_millis, batch=len(records))

    answer = work_on_batch({"Records": records}, context, work, SQSVisibility(sqs, SEND_NOW_QUEUE_URL), 2)
    assert {"batchItemFailures": []} == answer
    done = [{"Id": record["messageId"], "ReceiptHandle": record["receiptHandle"]} for record in records]
    sqs.delete_message_batch(QueueUrl=SEND_NOW_QUEUE_URL, Entries=done)


class _Kept:
    def __init__(self, bus: EventBridgeBus, events: list[Any]) -> None:
        self._bus, self._events = bus, events

    def publish(self, events: Any) -> Any:
        self._events += events
        return self._bus.publish(events)


def _changes() -> list[Change]:
    return [Change(str(n), None, read_message_item(item)) for n, item in enumerate(items(MESSAGES_TABLE))]


def _callback(status: str, message_id: str) -> bytes:
    node = {"id": WAMID, "status": status, "timestamp": "1795338001", "biz_opaque_callback_data": message_id}
    value = {"metadata": {"phone_number_id": NUMBER}, "statuses": [node]}
    return json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()


def test_ten_messages_cost_so_many_calls_and_no_more(calls: Counter[str]) -> None:
    _the_whole_way(calls)
    assert [] == items(DELIVERIES_TABLE), "what is taken with the first try writes nothing"

    assert {
        "PutItem": 10 + 1,  # accepted; the times of the whole batch
        # The sender reads each message, and once the app, its number's state and Meta's; the endpoint's health.
        "GetItem": 10 + 1 + 2 + 1,
        "UpdateItem": 10 * (2 + 3),  # claim and outcome; three facts of Meta's
        "SendMessageBatch": 1,
        "ReceiveMessage": 1,  # this one and the next are of Lambda's poller
        "DeleteMessageBatch": 1,
        "PutEvents": 5,  # five events each, ten to a call
        "Decrypt": 2,  # the token and the webhook's secret, once each
    } == dict(calls)


def test_a_message_that_is_sent_costs_few_table_writes_and_queue_calls(calls: Counter[str]) -> None:
    sent = _the_whole_way(calls)

    writes = sum(count for name, count in sent.items() if name in TABLE_WRITES)
    queue_calls = sum(count for name, count in sent.items() if "Message" in name)
    assert writes / MESSAGES <= 2.2, sent  # claim and outcome are 2.0
    assert 0.2 < queue_calls / MESSAGES <= 0.4, sent  # send, receive, delete: ten to a call are 0.3


def test_a_usual_item_costs_one_write_unit_through_its_whole_life(calls: Counter[str]) -> None:
    _the_whole_way(calls)

    sizes = [_size(item) for item in items(MESSAGES_TABLE)]
    assert max(sizes) <= 1_024, sizes


def _size(item: dict[str, Any]) -> int:
    """The bytes that DynamoDB counts: names and values, numbers at their longest (AWS, "Item sizes and formats")."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return len(content) // 2 + 2
        case "M":
            return 3 + sum(len(name.encode()) + 1 + _value_size(inner) for name, inner in content.items())
        case "L":
            return 3 + sum(1 + _value_size(inner) for inner in content)
    return 1
