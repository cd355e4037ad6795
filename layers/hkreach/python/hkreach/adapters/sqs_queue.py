"""Queues: those that messages to send wait on, and the hiding of a record that is to be tried later."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

from hkreach.adapters.sqs_batches import Record, put_records
from hkreach.domain.message import DueMessage, Lane, OutboundMessage


class SQSSendQueue:
    """Implements the port `SendQueue`."""

    def __init__(self, client: Any, queue_urls: Mapping[Lane, str]) -> None:
        self._client = client
        self._queue_urls = queue_urls

    def put[Message: OutboundMessage | DueMessage](
        self, messages: Sequence[Message], delays: Mapping[str, int] | None = None
    ) -> Sequence[Message]:
        """See the port."""
        refused: list[Message] = []
        for lane, queue_url in self._queue_urls.items():
            of_lane = [message for message in messages if message.lane == lane]
            records = [
                Record(
                    body=json.dumps({"messageId": message.message_id}),
                    app_name=message.app_name,
                    about={"message_id": message.message_id},
                    delay=(delays or {}).get(message.message_id, 0),
                )
                for message in of_lane
            ]
            refused += [of_lane[position] for position in put_records(self._client, queue_url, records)]
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
