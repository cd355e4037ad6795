"""The lead queue, as messages are put on it whose leads could not be made at once."""

import json
from collections.abc import Sequence
from typing import Any

from hkreach.adapters.sqs_batches import Record, put_records
from hkreach.domain.inbound import InboundMessage, MetaNews


class SQSLeadQueue:
    """Implements the port `LeadQueue`."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def put(self, messages: Sequence[InboundMessage | MetaNews]) -> Sequence[InboundMessage | MetaNews]:
        """See the port."""
        records = [
            Record(
                body=json.dumps({"messageId": message.message_id}),
                app_name=message.app_name or "",
                about={"message_id": message.message_id},
            )
            for message in messages
        ]
        return [messages[position] for position in put_records(self._client, self._queue_url, records)]
