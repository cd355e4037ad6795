"""Records put on a queue, ten to a call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger

logger = Logger(service="hkreach", child=True)

BATCH = 10
"""As many as SQS takes in one call."""


@dataclass(frozen=True)
class Record:
    """One to be put. The group is the app, so that one app's backlog does not delay another's (fair queues)."""

    body: str
    app_name: str
    about: Mapping[str, str]
    """What the log says of it if the queue refuses it."""
    delay: int = 0
    """Seconds."""


def put_records(client: Any, queue_url: str, records: Sequence[Record]) -> Sequence[int]:
    """The positions of those that the queue refused: that is told in its answer, not raised."""
    refused = []
    for start in range(0, len(records), BATCH):
        entries = [
            {
                "Id": str(number),
                "MessageBody": record.body,
                "MessageGroupId": record.app_name,
                "DelaySeconds": record.delay,
            }
            for number, record in enumerate(records[start : start + BATCH])
        ]
        answer = client.send_message_batch(QueueUrl=queue_url, Entries=entries)
        for failure in answer.get("Failed", []):
            position = start + int(failure["Id"])
            logger.error("queue refused a record", extra={"code": failure.get("Code"), **records[position].about})
            refused.append(position)
    return refused
