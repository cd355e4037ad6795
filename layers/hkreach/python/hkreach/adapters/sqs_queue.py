"""Queues: the one that messages to send wait on, and the hiding of a record that is to be tried later."""

import json
from collections.abc import Sequence
from itertools import batched
from typing import Any

from aws_lambda_powertools import Logger

from hkreach.domain.message import DueMessage, OutboundMessage

logger = Logger(service="hkreach", child=True)

_BATCH = 10


class SQSSendQueue:
    """Implements the port `SendQueue`: ten messages to a call."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def put[Message: OutboundMessage | DueMessage](self, messages: Sequence[Message]) -> Sequence[Message]:
        """See the port. The group is the app, so that one app's backlog does not delay another's (fair queues)."""
        refused: list[Message] = []
        for batch in batched(messages, _BATCH, strict=False):
            entries = [
                {
                    "Id": str(number),
                    "MessageBody": json.dumps({"messageId": message.message_id}),
                    "MessageGroupId": message.app_name,
                }
                for number, message in enumerate(batch)
            ]
            answer = self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
            for failure in answer.get("Failed", []):
                message = batch[int(failure["Id"])]
                logger.error("queue refused a message", message_id=message.message_id, code=failure.get("Code"))
                refused.append(message)
        return refused


class SQSVisibility:
    """Hides records of a queue for a while, so that they come back later."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Keep a record out of sight; it must then be reported as failed, or it is deleted."""
        self._client.change_message_visibility(
            QueueUrl=self._queue_url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )
