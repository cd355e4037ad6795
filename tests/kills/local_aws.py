"""A local AWS with the template's tables and queues and none of its pollers: the tests play those themselves."""

import dataclasses
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from local.loopback import call
from local.progress import Progress
from local.stack.deployment import GRAPH_VERSION
from local.stack.description import CREDENTIALS, REGION, Stack, aws_client
from local.stack.lifecycle import local_target, locked, start_program
from local.stack.ministack import start_ministack
from local.stack.ports import free_port
from local.stack.processes import Processes
from local.stack.tenants import configure_inbox, configure_meta, create_app, set_meta_app
from local.typed_json import JsonObject
from tests.kills.functions import Functions
from tests.template import resources, table_definition

CALL_SECONDS = 1
VISIBILITY_SECONDS = 2
"""Not the template's: who is killed leaves a claim of 6 s and a record that is hidden for 2 s."""
QUEUES = {
    "SendNowQueueUrl": ("SendNowQueue", "SendDeadLetterQueue"),
    "SendBulkQueueUrl": ("SendBulkQueue", "SendDeadLetterQueue"),
    "MediaQueueUrl": ("MediaQueue", "MediaDeadLetterQueue"),
    "LeadQueueUrl": ("LeadQueue", "LeadDeadLetterQueue"),
    "StatusQueueUrl": ("StatusQueue", "StatusDeadLetterQueue"),
    "WebhookQueueUrl": ("WebhookQueue", "WebhookDeadLetterQueue"),
    "WebhookRetryQueueUrl": ("WebhookRetryQueue", "WebhookDeadLetterQueue"),
}
NAMES = {
    "MessagesTableName": "messages",
    "AppsTableName": "apps",
    "NumbersTableName": "numbers",
    "LeadsTableName": "leads",
    "DeliveriesTableName": "deliveries",
    "MediaBucketName": "media",
    "EventBusName": "bus",
}
APP_NAME = "demo_store"


def function_environment(stack: Stack, key_id: str) -> dict[str, str]:
    """What all functions are told, in one place; each reads what is its own."""
    outputs = stack.outputs
    return {
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": stack.aws_endpoint_url,
        "AWS_DEFAULT_REGION": stack.aws_region,
        "AWS_REGION": stack.aws_region,
        "STAGE": "local",
        "APP_CACHE_SECONDS": "0",
        "APPS_TABLE": outputs["AppsTableName"],
        "MESSAGES_TABLE": outputs["MessagesTableName"],
        "MEDIA_BUCKET": outputs["MediaBucketName"],
        "NUMBERS_TABLE": outputs["NumbersTableName"],
        "LEADS_TABLE": outputs["LeadsTableName"],
        "DELIVERIES_TABLE": outputs["DeliveriesTableName"],
        "SEND_NOW_QUEUE_URL": outputs["SendNowQueueUrl"],
        "SEND_BULK_QUEUE_URL": outputs["SendBulkQueueUrl"],
        "SEND_DEAD_LETTER_QUEUE_URL": outputs["SendDeadLetterQueueUrl"],
        "MEDIA_QUEUE_URL": outputs["MediaQueueUrl"],
        "MEDIA_DEAD_LETTER_QUEUE_URL": outputs["MediaDeadLetterQueueUrl"],
        "WEBHOOK_QUEUE_URL": outputs["WebhookQueueUrl"],
        "WEBHOOK_RETRY_QUEUE_URL": outputs["WebhookRetryQueueUrl"],
        "WEBHOOK_DEAD_LETTER_QUEUE_URL": outputs["WebhookDeadLetterQueueUrl"],
        "LEAD_DEAD_LETTER_QUEUE_URL": outputs["LeadDeadLetterQueueUrl"],
        "LEAD_QUEUE_URL": outputs["LeadQueueUrl"],
        "STATUS_QUEUE_URL": outputs["StatusQueueUrl"],
        "STATUS_DEAD_LETTER_QUEUE_URL": outputs["StatusDeadLetterQueueUrl"],
        "EVENT_BUS_NAME": outputs["EventBusName"],
        "SECRETS_KEY_ID": key_id,
        "META_APP_PARAMETERS": "/kills/meta",
        "GRAPH_URL": stack.graph_url,
        "GRAPH_VERSION": GRAPH_VERSION,
        "LOCAL_TARGETS": local_target(stack.inbox_url),
        "CALL_SECONDS": str(CALL_SECONDS),
        "FETCH_SECONDS": "5",
        "RETRY_BASE_SECONDS": "1",
        "LEAST_WAIT_SECONDS": "1",
        # All messages are of one number: what stops it for longer would only make the others wait.
        "HALTED_SECONDS": "1",
        "BREAKER_FIRST_SECONDS": "0.05",
        "BREAKER_LONGEST_SECONDS": "0.1",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }


@cache
def _client(endpoint_url: str, service: str) -> Any:
    return aws_client(endpoint_url, service)


@dataclass(frozen=True)
class PlayedStack(Stack):
    """A stack whose functions are processes of the test."""

    functions: Functions = field(kw_only=True)

    def client(self, service: str) -> Any:
        """Made once: it takes half a second."""
        return _client(self.aws_endpoint_url, service)

    def administer(self, request: JsonObject) -> JsonObject:
        answer = self.functions.invoke("administer", request).answer
        assert "error" not in answer, answer
        return dict(answer)


@contextmanager
def bare_stack(folder: Path) -> Iterator[tuple[Stack, str]]:
    """The programs, with the resources made and nobody who works; and the key that seals secrets."""
    with locked(folder, Progress()):
        processes = Processes(folder)
        processes.stop_all()
        try:
            endpoint_url = start_ministack(processes, folder, free_port())
            graph_url = start_program(processes, "meta", 0, "graphUrl")
            inbox_url = start_program(processes, "inbox", 0, "inboxUrl")
            outputs, key_id = make_resources(endpoint_url)
            yield (
                Stack(
                    api_url="",
                    meta_callback_url="",
                    graph_url=graph_url,
                    inbox_url=inbox_url,
                    meta_app_secret=secrets.token_hex(16),
                    verify_token=secrets.token_urlsafe(24),
                    aws_endpoint_url=endpoint_url,
                    aws_region=REGION,
                    stack_name="kills",
                    apps=[],
                    outputs=outputs,
                ),
                key_id,
            )
        finally:
            processes.stop_all()


def introduce(stack: PlayedStack, callback_url: str) -> PlayedStack:
    """The stack with an app that Meta and the inbox know."""
    set_meta_app(stack)
    app = create_app(stack, APP_NAME, f"{stack.inbox_url}/hooks/{APP_NAME}")
    stack = dataclasses.replace(stack, apps=[app], meta_callback_url=callback_url)
    configure_meta(stack)
    configure_inbox(stack)
    call("POST", f"{stack.graph_url}/_control/configuration", {"callbackMaxTries": 1_000, "callbackMaxDelay": 0.5})
    return stack


def make_resources(endpoint_url: str) -> tuple[dict[str, str], str]:
    """Make them as the template has them; the stack's outputs, and the id of the key that seals secrets."""
    outputs = dict(NAMES)
    dynamodb, sqs, events = (aws_client(endpoint_url, service) for service in ("dynamodb", "sqs", "events"))
    dynamodb.create_table(TableName=outputs["AppsTableName"], **table_definition("AppsTable"))
    dynamodb.create_table(TableName=outputs["MessagesTableName"], **table_definition("MessagesTable"))
    dynamodb.create_table(TableName=outputs["NumbersTableName"], **table_definition("NumbersTable"))
    dynamodb.create_table(TableName=outputs["LeadsTableName"], **table_definition("LeadsTable"))
    dynamodb.create_table(TableName=outputs["DeliveriesTableName"], **table_definition("DeliveriesTable"))
    aws_client(endpoint_url, "s3").create_bucket(Bucket=outputs["MediaBucketName"])
    for output, (queue, dead_letters) in QUEUES.items():
        policy = dict(resources("AWS::SQS::Queue")[queue]["RedrivePolicy"])
        hidden = {"VisibilityTimeout": str(VISIBILITY_SECONDS)}
        dead = sqs.create_queue(QueueName=dead_letters, Attributes=hidden)["QueueUrl"]
        policy["deadLetterTargetArn"] = queue_arn(sqs, dead)
        attributes = hidden | {"RedrivePolicy": json.dumps(policy)}
        outputs[output] = sqs.create_queue(QueueName=queue, Attributes=attributes)["QueueUrl"]
        outputs[f"{dead_letters}Url"] = dead
    outputs["AllEventsQueueUrl"] = sqs.create_queue(QueueName="all-events")["QueueUrl"]
    bus = outputs["EventBusName"]
    events.create_event_bus(Name=bus)
    of_webhooks = resources("AWS::Events::Rule")["WebhookRule"]["EventPattern"]
    for name, pattern in (("WebhookQueueUrl", of_webhooks), ("AllEventsQueueUrl", {"source": ["hkreach"]})):
        events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
        target = {"Id": name, "Arn": queue_arn(sqs, outputs[name])}
        assert 0 == events.put_targets(Rule=name, EventBusName=bus, Targets=[target])["FailedEntryCount"]
    key_id: str = aws_client(endpoint_url, "kms").create_key()["KeyMetadata"]["KeyId"]
    return outputs, key_id


def queue_arn(sqs: Any, url: str) -> str:
    arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return arn
