"""Events made anew from the messages table."""

from typing import Any

from hkreach.adapters.message_items import read_message_item
from hkreach.adapters.message_writes import message_key
from hkreach.domain.delivery import EventSource, MessageFact
from hkreach.domain.event import Event, received_event, status_event
from hkreach.domain.inbound import InboundMessage
from hkreach.domain.message import OutboundMessage, Status
from hkreach.ports import Clock
from hkreach.ports.deliveries import NotYet


class DynamoDBEventFacts:
    """Implements the port `EventFacts`."""

    def __init__(self, client: Any, table: str, now: Clock) -> None:
        self._client = client
        self._table = table
        self._now = now

    def event(self, source: EventSource, app_name: str) -> Event | None:
        """See the port."""
        if not isinstance(source, MessageFact):
            return source if source["appName"] == app_name else None
        key = message_key(source.message_id)
        answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        message = read_message_item(answer["Item"]) if "Item" in answer else None
        if message is None or message.app_name != app_name or message.expires_at <= self._now():
            return None
        match message:
            case InboundMessage() if source.fact == "received":
                if not message.is_complete:  # its event would be told with another body when its file is there
                    raise NotYet(source)
                return received_event(message)
            case OutboundMessage() if source.fact in message.facts:
                return status_event(message, Status(source.fact))
            case OutboundMessage() if source.fact in set(Status):
                raise NotYet(source)
        return None
