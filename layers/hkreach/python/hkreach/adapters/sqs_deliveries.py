"""The slow lane of webhooks, as deliveries and first tries are put on it."""

from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any

from aws_lambda_powertools import Logger

from hkreach.adapters.delivery_items import forwarded_body, record_body
from hkreach.domain.delivery import DeliveryKey, DueDelivery
from hkreach.domain.event import Event

logger = Logger(service="hkreach", child=True)

_BATCH = 10
_LONGEST_DELAY = 900  # SQS's own


class SQSDeliveryQueue:
    """Implements the port `DeliveryQueue`: ten to a call."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def put(self, deliveries: Sequence[DueDelivery], delays: Mapping[DeliveryKey, int]) -> Sequence[DueDelivery]:
        """See the port. The group is the app, as with the events of the bus."""
        refused = []
        for batch in batched(deliveries, _BATCH, strict=False):
            entries = [
                {
                    "Id": str(number),
                    "MessageBody": record_body(delivery),
                    "MessageGroupId": delivery.key.endpoint.app_name,
                    "DelaySeconds": min(delays.get(delivery.key, 0), _LONGEST_DELAY),
                }
                for number, delivery in enumerate(batch)
            ]
            answer = self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
            for failure in answer.get("Failed", []):
                delivery = batch[int(failure["Id"])]
                logger.error("queue refused a delivery", event_id=delivery.key.event_id, code=failure.get("Code"))
                refused.append(delivery)
        return refused

    def forward(self, event: Event, endpoint_id: str) -> bool:
        """See the port."""
        entry = {"Id": "0", "MessageBody": forwarded_body(event, endpoint_id), "MessageGroupId": event["appName"]}
        answer = self._client.send_message_batch(QueueUrl=self._queue_url, Entries=[entry])
        return not answer.get("Failed")
