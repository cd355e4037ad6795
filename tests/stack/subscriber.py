"""An internal subscriber: a rule of its own on the bus, and a queue."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from local.stack import Stack
from tests.event_forms import check_event

type Look = Callable[[], list[dict[str, Any]]]


@contextmanager
def subscribed(stack: Stack) -> Iterator[Look]:
    """All events from now on. Each must have the form that docs/events/ says."""
    sqs, events, name = stack.client("sqs"), stack.client("events"), f"subscriber-{uuid.uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bus = stack.outputs["EventBusName"]
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps({"source": ["hkreach"]}))
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": name, "Arn": arn}])
    seen: list[dict[str, Any]] = []

    def look() -> list[dict[str, Any]]:
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for record in found:
                event = json.loads(record["Body"])["detail"]
                check_event(event)
                seen.append(event)
                sqs.delete_message(QueueUrl=url, ReceiptHandle=record["ReceiptHandle"])
        return seen

    yield look
    events.remove_targets(Rule=name, EventBusName=bus, Ids=[name])
    events.delete_rule(Name=name, EventBusName=bus)
    sqs.delete_queue(QueueUrl=url)
