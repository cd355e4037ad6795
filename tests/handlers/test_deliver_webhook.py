"""deliver_webhook as Lambda runs it."""

import hashlib
import hmac
import json

import pytest

from hkreach.domain.webhook_answer import Answer
from tests.aws import WEBHOOK_QUEUE_URL, aws, queued
from tests.fakes.outside import FakeWebhookClient
from tests.handlers.conftest import WEBHOOK_SECRET, Stack, sample

NAME = "deliver_webhook/status_delivered"


@pytest.fixture
def client(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> FakeWebhookClient:
    client = FakeWebhookClient()
    monkeypatch.setattr(stack.functions["deliver_webhook"], "webhooks", client)
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


def test_what_is_not_taken_is_kept_and_hidden(stack: Stack, client: FakeWebhookClient) -> None:
    client.answers = [Answer(500)]
    aws("sqs").send_message(QueueUrl=WEBHOOK_QUEUE_URL, MessageBody="{}")
    event = sample(NAME)
    event["Records"][0]["receiptHandle"] = queued(WEBHOOK_QUEUE_URL)[0]["ReceiptHandle"]
    answer = stack.invoke("deliver_webhook", event)

    assert [{"itemIdentifier": event["Records"][0]["messageId"]}] == answer["batchItemFailures"]
    assert [] == queued(WEBHOOK_QUEUE_URL)


def test_a_handle_that_is_no_more_keeps_the_record_all_the_same(stack: Stack, client: FakeWebhookClient) -> None:
    client.answers = [Answer(None)]

    assert 1 == len(stack.invoke("deliver_webhook", sample(NAME))["batchItemFailures"])


def test_an_app_that_is_gone_gets_nothing(stack: Stack, client: FakeWebhookClient) -> None:
    event = sample(NAME)
    event["Records"][0]["body"] = event["Records"][0]["body"].replace("mystore", "nobody")

    assert {"batchItemFailures": []} == stack.invoke("deliver_webhook", event)
    assert [] == client.posted
