"""The lead queue, as messages are put on it whose leads could not be made at once."""

import json
from collections.abc import Sequence
from itertools import batched
from typing import Any

from aws_lambda_powertools import Logger

from hkreach.domain.inbound import InboundMessage

logger = Logger(service="hkreach", child=True)

_BATCH = 10


class SQSLeadQueue:
    """Implements the port `LeadQueue`: ten to a call."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def put(self, messages: Sequence[InboundMessage]) -> Sequence[InboundMessage]:
        """See the port. The group is the app, so that one app's customers do not wait for another's."""
        refused = []
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
                logger.error("queue refused a lead", message_id=message.message_id, code=failure.get("Code"))
                refused.append(message)
        return refused
