"""The slow lane of webhooks, as deliveries and first tries are put on it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any

from hkreach.adapters.delivery_items import forwarded_body, record_body
from hkreach.adapters.sqs_batches import Record, put_records
from hkreach.domain.delivery import DeliveryKey, DueDelivery, EndpointKey
from hkreach.domain.event import Event

_LONGEST_DELAY = 900  # SQS's own
_MOST_IN_TURN = 10
"""Deliveries in one record: so many quick answers are a matter of a second or two."""


class SQSDeliveryQueue:
    """Implements the port `DeliveryQueue`."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def put(self, deliveries: Sequence[DueDelivery], delays: Mapping[DeliveryKey, int]) -> Sequence[DueDelivery]:
        """See the port."""
        together: defaultdict[tuple[EndpointKey, int], list[DueDelivery]] = defaultdict(list)
        for delivery in deliveries:
            delay = min(delays.get(delivery.key, 0), _LONGEST_DELAY)
            together[delivery.key.endpoint, delay].append(delivery)
        groups = [
            (endpoint, delay, some)
            for (endpoint, delay), those in together.items()
            for some in batched(those, _MOST_IN_TURN, strict=False)
        ]
        records = [
            Record(record_body(some), endpoint.app_name, {"event_id": some[0].key.event_id}, delay)
            for endpoint, delay, some in groups
        ]
        refused = put_records(self._client, self._queue_url, records)
        return [delivery for position in refused for delivery in groups[position][2]]

    def forward(self, event: Event, endpoint_id: str) -> bool:
        """See the port."""
        record = Record(forwarded_body(event, endpoint_id), event["appName"], about={"event_id": event["id"]})
        return not put_records(self._client, self._queue_url, [record])
