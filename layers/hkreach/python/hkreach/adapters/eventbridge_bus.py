"""The event bus."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from aws_lambda_powertools import Logger

from hkreach.domain.event import Event
from hkreach.domain.lenient_json import storable

logger = Logger(service="hkreach", child=True)

SOURCE = "hkreach"
_BATCH = 10
_BATCH_BYTES = 250_000
"""Of a call the bus takes 256 KB, all in all."""


class EventBridgeBus:
    """Implements the port `EventBus`: ten events to a call. The detail is the webhook's body."""

    def __init__(self, client: Any, bus_name: str) -> None:
        self._client = client
        self._bus_name = bus_name

    def publish(self, events: Sequence[Event]) -> Sequence[Event]:
        """See the port. A refused entry is told in the answer, not raised: it is read."""
        refused: list[Event] = []
        for batch in _batches(events):
            entries = [
                {"EventBusName": self._bus_name, "Source": SOURCE, "DetailType": event["event"], "Detail": detail}
                for event, detail in batch
            ]
            answer = self._client.put_events(Entries=entries)
            if answer["FailedEntryCount"]:
                for (event, _), result in zip(batch, answer["Entries"], strict=True):
                    if "ErrorCode" in result:
                        logger.error("bus refused an event", event_id=event["id"], code=result["ErrorCode"])
                        refused.append(event)
        return refused


def _batches(events: Sequence[Event]) -> Iterator[list[tuple[Event, str]]]:
    """Each event with its text: as many as one call takes. One that holds half an emoji does not stop the others."""
    batch: list[tuple[Event, str]] = []
    size = 0
    for event in events:
        detail = storable(json.dumps(event, ensure_ascii=False, separators=(",", ":")))
        length = len(detail.encode())
        if len(batch) == _BATCH or (batch and size + length > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((event, detail))
        size += length
    if batch:
        yield batch
