"""The event bus."""

import json
from collections.abc import Sequence
from itertools import batched
from typing import Any

from aws_lambda_powertools import Logger

from hkreach.domain.event import Event

logger = Logger(service="hkreach", child=True)

SOURCE = "hkreach"
_BATCH = 10


class EventBridgeBus:
    """Implements the port `EventBus`: ten events to a call. The detail is the webhook's body."""

    def __init__(self, client: Any, bus_name: str) -> None:
        self._client = client
        self._bus_name = bus_name

    def publish(self, events: Sequence[Event]) -> Sequence[Event]:
        """See the port. A refused entry is told in the answer, not raised: it is read."""
        refused: list[Event] = []
        for batch in batched(events, _BATCH, strict=False):
            entries = [
                {
                    "EventBusName": self._bus_name,
                    "Source": SOURCE,
                    "DetailType": event["event"],
                    "Detail": json.dumps(event, ensure_ascii=False, separators=(",", ":")),
                }
                for event in batch
            ]
            answer = self._client.put_events(Entries=entries)
            if answer["FailedEntryCount"]:
                for event, result in zip(batch, answer["Entries"], strict=True):
                    if "ErrorCode" in result:
                        logger.error("bus refused an event", event_id=event["id"], code=result["ErrorCode"])
                        refused.append(event)
        return refused
