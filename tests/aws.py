"""AWS as moto imitates it, with the template's own tables and queues. Clients are made once; `mock_aws` is per test."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any
from unittest.mock import patch

import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.botocore_stubber import BotocoreStubber
from moto.sqs.models import sqs_backends

from hkreach.adapters.aws import client
from hkreach.domain.message import Lane
from tests.template import resources, table_definition

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
}
APPS_TABLE = "apps"
MESSAGES_TABLE = "messages"
NUMBERS_TABLE = "numbers"
LEADS_TABLE = "leads"
DELIVERIES_TABLE = "deliveries"
MEDIA_BUCKET = "media"
BUS = "hkreach-test"
META_PARAMETERS = "/hkreach-test/meta"
SEND_NOW_QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/send-now"
SEND_BULK_QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/send-bulk"
MEDIA_QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/media"
SEND_QUEUE_URLS: Mapping[Lane, str] = {
    "now": SEND_NOW_QUEUE_URL,
    "bulk": SEND_BULK_QUEUE_URL,
    "media": MEDIA_QUEUE_URL,
}
WEBHOOK_QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/webhooks"
LEAD_QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/leads"
WEBHOOK_RETRY_QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/webhook-retries"
SEND_DEAD_LETTERS_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/send-dead"
MEDIA_DEAD_LETTERS_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/media-dead"
WEBHOOK_DEAD_LETTERS_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/webhooks-dead"
LEAD_DEAD_LETTERS_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/leads-dead"
STATUS_QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/statuses"
STATUS_DEAD_LETTERS_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/statuses-dead"
DEAD_LETTERS_URLS = (
    SEND_DEAD_LETTERS_URL,
    MEDIA_DEAD_LETTERS_URL,
    WEBHOOK_DEAD_LETTERS_URL,
    LEAD_DEAD_LETTERS_URL,
    STATUS_DEAD_LETTERS_URL,
)


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """The process's environment with these values, and nothing that points to a real account or another stack."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in values.items():
            patch.setenv(name, value)
        yield


@cache
def aws(service: str) -> Any:
    """A client with the settings that the functions use, for as long as the tests run."""
    with environment(ENVIRONMENT):
        return client(service)


@contextmanager
def _one_request_at_a_time() -> Iterator[None]:
    """Whatever threads ask: moto copies and walks through a table that another request is changing."""
    answer, lock = BotocoreStubber.process_request, Lock()

    def in_turn(self: BotocoreStubber, request: Any) -> Any:
        with lock:
            return answer(self, request)

    with patch.object(BotocoreStubber, "process_request", in_turn):
        yield


@contextmanager
def imitated() -> Iterator[None]:
    """AWS with the resources of the template, empty."""
    with mock_aws(), _one_request_at_a_time():
        aws("dynamodb").create_table(TableName=APPS_TABLE, **table_definition("AppsTable"))
        aws("dynamodb").create_table(TableName=MESSAGES_TABLE, **table_definition("MessagesTable"))
        aws("dynamodb").create_table(TableName=LEADS_TABLE, **table_definition("LeadsTable"))
        aws("s3").create_bucket(Bucket=MEDIA_BUCKET)
        aws("dynamodb").create_table(TableName=NUMBERS_TABLE, **table_definition("NumbersTable"))
        aws("dynamodb").create_table(TableName=DELIVERIES_TABLE, **table_definition("DeliveriesTable"))
        for url, logical_id in (
            (SEND_NOW_QUEUE_URL, "SendNowQueue"),
            (SEND_BULK_QUEUE_URL, "SendBulkQueue"),
            (MEDIA_QUEUE_URL, "MediaQueue"),
            (WEBHOOK_QUEUE_URL, "WebhookQueue"),
            (LEAD_QUEUE_URL, "LeadQueue"),
            (STATUS_QUEUE_URL, "StatusQueue"),
            (WEBHOOK_RETRY_QUEUE_URL, "WebhookRetryQueue"),
        ):
            seconds = resources("AWS::SQS::Queue")[logical_id]["VisibilityTimeout"]
            aws("sqs").create_queue(QueueName=url.rpartition("/")[2], Attributes={"VisibilityTimeout": str(seconds)})
        for url in DEAD_LETTERS_URLS:
            aws("sqs").create_queue(QueueName=url.rpartition("/")[2])
        yield


def new_key() -> str:
    """A KMS key; returns its ARN."""
    arn: str = aws("kms").create_key()["KeyMetadata"]["Arn"]
    return arn


def queued(url: str = SEND_NOW_QUEUE_URL) -> list[dict[str, Any]]:
    """What waits on a queue, each record with its body read as JSON."""
    answer = aws("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageSystemAttributeNames=["All"]
    )
    return [record | {"Body": json.loads(record["Body"])} for record in answer.get("Messages", [])]


def bus_with_listener() -> str:
    """Make the bus with a rule that copies all events to a queue; returns the queue's address for `queued`."""
    url: str = aws("sqs").create_queue(QueueName="listener")["QueueUrl"]
    arn = aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws("events").create_event_bus(Name=BUS)
    aws("events").put_rule(Name="all", EventBusName=BUS, EventPattern=json.dumps({"source": ["hkreach"]}))
    aws("events").put_targets(Rule="all", EventBusName=BUS, Targets=[{"Id": "listener", "Arn": arn}])
    return url


def delayed(url: str) -> list[dict[str, Any]]:
    """The bodies of all records of a queue, those too whose time has not come."""
    queue = sqs_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].queues[url.rpartition("/")[2]]
    return [json.loads(record.body) for record in queue._messages]


def items(table: str, sk: str = "") -> list[dict[str, Any]]:
    """All items of a table as they are stored; of one with sort keys those that begin so."""
    found: list[dict[str, Any]] = aws("dynamodb").scan(TableName=table)["Items"]
    return [item for item in found if not sk or item["sk"]["S"].startswith(sk)]
