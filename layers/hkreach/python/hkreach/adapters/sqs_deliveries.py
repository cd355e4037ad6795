"""The slow lane of webhooks, as deliveries and first tries are put on it."""

from collections.abc import Mapping, Sequence
from typing import Any

from hkreach.adapters.delivery_items import forwarded_body, record_body
from hkreach.adapters.sqs_batches import Record, put_records
from hkreach.domain.delivery import DeliveryKey, DueDelivery
from hkreach.domain.event import Event

_LONGEST_DELAY = 900  # SQS's own


class SQSDeliveryQueue:
    """Implements the port `DeliveryQueue`."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def put(self, deliveries: Sequence[DueDelivery], delays: Mapping[DeliveryKey, int]) -> Sequence[DueDelivery]:
        """See the port."""
        records = [
            Record(
                body=record_body(delivery),
                app_name=delivery.key.endpoint.app_name,
                about={"event_id": delivery.key.event_id},
                delay=min(delays.get(delivery.key, 0), _LONGEST_DELAY),
            )
            for delivery in deliveries
        ]
        return [deliveries[position] for position in put_records(self._client, self._queue_url, records)]

    def forward(self, event: Event, endpoint_id: str) -> bool:
        """See the port."""
        record = Record(forwarded_body(event, endpoint_id), event["appName"], about={"event_id": event["id"]})
        return not put_records(self._client, self._queue_url, [record])
