"""Queues: those that messages to send wait on, and the hiding of a record that is to be tried later."""

import json
from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any, Self

from aws_lambda_powertools import Logger

from hkreach.domain.message import DueMessage, Lane, OutboundMessage

logger = Logger(service="hkreach", child=True)

_BATCH = 10


class SQSSendQueue:
    """Implements the port `SendQueue`: ten messages to a call."""

    def __init__(self, client: Any, queue_urls: Mapping[Lane, str]) -> None:
        self._client = client
        self._queue_urls = queue_urls

    def put[Message: OutboundMessage | DueMessage](
        self, messages: Sequence[Message], delays: Mapping[str, int] | None = None
    ) -> Sequence[Message]:
        """See the port."""
        refused: list[Message] = []
        for lane in self._queue_urls:
            of_lane = [message for message in messages if message.lane == lane]
            for batch in batched(of_lane, _BATCH, strict=False):
                refused += self._put(lane, batch, delays or {})
        return refused

    def _put[Message: OutboundMessage | DueMessage](
        self, lane: Lane, batch: Sequence[Message], delays: Mapping[str, int]
    ) -> Sequence[Message]:
        """The group is the app, so that one app's backlog does not delay another's (fair queues)."""
        entries = [
            {
                "Id": str(number),
                "MessageBody": json.dumps({"messageId": message.message_id}),
                "MessageGroupId": message.app_name,
                "DelaySeconds": delays.get(message.message_id, 0),
            }
            for number, message in enumerate(batch)
        ]
        answer = self._client.send_message_batch(QueueUrl=self._queue_urls[lane], Entries=entries)
        refused: list[Message] = []
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

    @classmethod
    def beside(cls, client: Any, queue_url: str, queue_arn: str) -> Self:
        """For the queue that a record came from, which lies beside the one of `queue_url`."""
        return cls(client, f"{queue_url.rpartition('/')[0]}/{queue_arn.rpartition(':')[2]}")

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Keep a record out of sight; it must then be reported as failed, or it is deleted."""
        self._client.change_message_visibility(
            QueueUrl=self._queue_url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )
