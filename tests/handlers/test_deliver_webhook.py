"""deliver_webhook as Lambda runs it."""

import hashlib
import hmac
import io
import json
import re

import pytest

from hkreach.domain.delivery import EndpointKey
from hkreach.domain.event import status_event
from hkreach.domain.message import Status
from hkreach.domain.webhook_answer import Answer
from tests.aws import DELIVERIES_TABLE, WEBHOOK_QUEUE_URL, WEBHOOK_RETRY_QUEUE_URL, aws, delayed, items, queued
from tests.builders import NOW, outbound
from tests.fakes.outside import FakeWebhookClient
from tests.handlers.conftest import WEBHOOK_SECRET, Stack, sample
from tests.template import resources

NAME = "deliver_webhook/status_delivered"
RETRY = "deliver_webhook/delivery_due"
TOGETHER = "deliver_webhook/deliveries_due"
FORWARDED = "deliver_webhook/event_forwarded"


@pytest.fixture
def client(stack: Stack) -> FakeWebhookClient:
    client = FakeWebhookClient()
    stack.webhooks_go_to(client)
    stack.add_app()
    return client


def test_an_event_of_the_bus_is_delivered_signed(stack: Stack, client: FakeWebhookClient) -> None:
    answer = stack.invoke("deliver_webhook", sample(NAME))

    assert {"batchItemFailures": []} == answer
    ((url, body, headers),) = client.posted
    assert "https://shop.example.com/whatsapp/events" == url
    assert json.loads(sample(NAME)["Records"][0]["body"])["detail"] == json.loads(body)
    expected = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert expected == headers["X-HKReach-Signature"]


def test_a_fault_of_ours_raises_the_alarm(stack: Stack, client: FakeWebhookClient, logs: io.StringIO) -> None:
    client.answers = [Answer(None, ours=True)]
    assert {"batchItemFailures": []} == stack.invoke("deliver_webhook", sample(NAME))

    pattern = resources("AWS::Logs::MetricFilter")["WebhookFaults"]["FilterPattern"]
    message = re.fullmatch(r'\{ \$\.message = "(.*)" \}', pattern)
    assert message
    assert 1 == logs.getvalue().count(f'"message":"{message[1]}"')


def test_what_is_not_taken_waits_in_the_table_and_is_tried_again(stack: Stack, client: FakeWebhookClient) -> None:
    client.answers = [Answer(500, body=b"no")]
    message = outbound(facts={Status.DELIVERED: NOW})
    stack.messages.add(message)
    event = sample(NAME)
    event["Records"][0]["body"] = json.dumps({"detail": status_event(message, Status.DELIVERED)})
    assert {"batchItemFailures": []} == stack.invoke("deliver_webhook", event)

    ((row),) = items(DELIVERIES_TABLE, "d#")
    ((record),) = delayed(WEBHOOK_RETRY_QUEUE_URL)
    assert [] == delayed(WEBHOOK_QUEUE_URL)
    assert {"pk": row["pk"]["S"], "sk": row["sk"]["S"]} == record["delivery"]
    again = sample(RETRY)
    again["Records"][0]["body"] = json.dumps(record)
    assert {"batchItemFailures": []} == stack.invoke("deliver_webhook", again)
    ((row),) = items(DELIVERIES_TABLE, "d#")
    assert ("delivered", "2") == (row["state"]["S"], row["tries"]["N"])
    first, second = client.posted
    assert first[1] == second[1], "made anew from the facts, byte by byte"
    assert {"batchItemFailures": []} == stack.invoke("deliver_webhook", again)
    assert 2 == len(client.posted), "woken twice"


def test_what_is_woken_together_is_delivered_in_its_turn(stack: Stack, client: FakeWebhookClient) -> None:
    client.answers = [Answer(500)] * 2
    event, message = sample(NAME), outbound(facts={Status.DELIVERED: NOW, Status.READ: NOW})
    stack.messages.add(message)
    for status in (Status.READ, Status.DELIVERED):
        event["Records"][0]["body"] = json.dumps({"detail": status_event(message, status)})
        stack.invoke("deliver_webhook", event)
    records = sorted(delayed(WEBHOOK_RETRY_QUEUE_URL), key=lambda record: record["delivery"]["sk"])
    together = sample(TOGETHER)
    shape = json.loads(together["Records"][0]["body"])["deliveries"]
    woken = [{**record["delivery"], "version": 1 + 1} for record in records]
    assert [list(each) for each in shape] == [list(each) for each in woken]
    for order in (woken[::-1], woken):
        client.posted.clear()
        together["Records"][0]["body"] = json.dumps({"deliveries": order})
        assert {"batchItemFailures": []} == stack.invoke("deliver_webhook", together)
        ids = [json.loads(body)["id"] for _, body, _ in client.posted]
        assert [one["sk"].split("#")[2] for one in order] * (order != woken) == ids, "and once"


def _make_slow(stack: Stack) -> None:
    attempt = stack.functions["deliver_webhook"].deliver_webhook.attempt
    shop = EndpointKey("mystore", "we_operator")
    attempt.healths.change(shop, lambda health: (health.timed(stack.clock(), 9_000, attempt.limits), None))


def test_an_event_for_a_slow_endpoint_goes_by_the_slow_lane(stack: Stack, client: FakeWebhookClient) -> None:
    _make_slow(stack)
    assert {"batchItemFailures": []} == stack.invoke("deliver_webhook", sample(NAME))
    assert [] == client.posted

    ((record),) = queued(WEBHOOK_RETRY_QUEUE_URL)
    forwarded = sample(FORWARDED)
    assert json.loads(forwarded["Records"][0]["body"]) == record["Body"]
    assert "mystore" == record["Attributes"]["MessageGroupId"]
    assert {"batchItemFailures": []} == stack.invoke("deliver_webhook", forwarded)
    ((_, body, _),) = client.posted
    assert json.loads(sample(NAME)["Records"][0]["body"])["detail"] == json.loads(body)
    assert [] == items(DELIVERIES_TABLE, "d#")


def test_a_slow_lane_that_is_not_there_keeps_the_record(stack: Stack, client: FakeWebhookClient) -> None:
    _make_slow(stack)
    aws("sqs").delete_queue(QueueUrl=WEBHOOK_RETRY_QUEUE_URL)
    answer = stack.invoke("deliver_webhook", sample(NAME))

    assert ([], 1) == (client.posted, len(answer["batchItemFailures"]))


def test_what_has_a_delivery_is_not_posted_when_its_record_comes_again(stack: Stack, client: FakeWebhookClient) -> None:
    client.answers = [Answer(500)]
    event = sample(NAME)
    stack.invoke("deliver_webhook", event)
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = "2"
    stack.invoke("deliver_webhook", event)

    assert 1 == len(client.posted)


def test_a_table_that_does_not_answer_keeps_the_record(stack: Stack, client: FakeWebhookClient) -> None:
    client.answers = [Answer(500)]
    aws("dynamodb").delete_table(TableName=DELIVERIES_TABLE)
    event = sample(NAME)

    assert [{"itemIdentifier": event["Records"][0]["messageId"]}] == stack.invoke("deliver_webhook", event)[
        "batchItemFailures"
    ]


def test_a_delivery_that_is_no_more_is_done(stack: Stack, client: FakeWebhookClient) -> None:
    assert {"batchItemFailures": []} == stack.invoke("deliver_webhook", sample(RETRY))
    assert [] == client.posted


def test_an_app_that_is_gone_gets_nothing(stack: Stack, client: FakeWebhookClient) -> None:
    event = sample(NAME)
    event["Records"][0]["body"] = event["Records"][0]["body"].replace("mystore", "nobody")

    assert {"batchItemFailures": []} == stack.invoke("deliver_webhook", event)
    assert [] == client.posted
