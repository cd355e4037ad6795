"""Events made anew from the messages table and the leads table."""

from typing import Any

from hkreach.adapters.dynamodb_items import Item
from hkreach.adapters.lead_items import MOVE, fact_sk, lead_key, read_move_item
from hkreach.adapters.message_items import read_message_item
from hkreach.adapters.message_writes import message_key
from hkreach.domain.delivery import EventSource, LeadMove, MessageFact
from hkreach.domain.event import Event, moved_event, received_event, status_event
from hkreach.domain.inbound import InboundMessage
from hkreach.domain.message import OutboundMessage, Status
from hkreach.ports import Clock
from hkreach.ports.deliveries import NotYet


class DynamoDBEventFacts:
    """Implements the port `EventFacts`."""

    def __init__(self, client: Any, tables: tuple[str, str], now: Clock) -> None:
        """`tables`: of messages, and of leads."""
        self._client = client
        self._messages_table, self._leads_table = tables
        self._now = now

    def event(self, source: EventSource, app_name: str) -> Event | None:
        """See the port."""
        match source:
            case MessageFact():
                return self._of_message(source, app_name)
            case LeadMove():
                return self._of_lead(source, app_name)
        return source if source["appName"] == app_name else None

    def _of_lead(self, source: LeadMove, app_name: str) -> Event | None:
        item = self._item(self._leads_table, lead_key(app_name, fact_sk(MOVE, source.lead_id, source.number)))
        return moved_event(read_move_item(item)) if item else None

    def _of_message(self, source: MessageFact, app_name: str) -> Event | None:
        item = self._item(self._messages_table, message_key(source.message_id))
        message = read_message_item(item) if item else None
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

    def _item(self, table: str, key: Item) -> Item | None:
        item: Item | None = self._client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return item
