"""The messages table as what comes in from Meta needs it."""

from typing import Any

from hkreach.adapters.dynamodb_items import from_item, to_item
from hkreach.adapters.inbound_items import inbound_item, news_item, read_unread, unread_item
from hkreach.adapters.message_writes import id_of_wamid, message_key, put_message
from hkreach.domain.inbound import InboundMessage, MetaNews, Unread, inbound_message_id
from hkreach.domain.time import SECOND
from hkreach.ports import Clock
from hkreach.ports.inbound import UnreadPage

_PAGE = 1_000


class DynamoDBInbound:
    """Implements the port `Inbound`; each write is one request."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def add(self, message: InboundMessage) -> bool:
        """See the port."""
        return put_message(self._client, self._table, inbound_item(message)) is None

    def add_news(self, news: MetaNews) -> bool:
        """See the port."""
        return put_message(self._client, self._table, news_item(news)) is None

    def keep(self, item: Unread) -> bool:
        """See the port."""
        return put_message(self._client, self._table, unread_item(item)) is None

    def own_id(self, phone_number_id: str, wamid: str) -> str | None:
        """See the port. What was sent stands in the index; of what was received the id follows, if it is there."""
        sent = id_of_wamid(self._client, self._table, wamid)
        if sent is not None:
            return sent
        received = inbound_message_id(phone_number_id, wamid)
        answer = self._client.get_item(
            TableName=self._table, Key=message_key(received), ProjectionExpression="messageId", ConsistentRead=True
        )
        return received if "Item" in answer else None


class DynamoDBUnread:
    """Implements the port `UnreadItems`, by a scan: it is for after an accident."""

    def __init__(self, client: Any, table: str, now: Clock, page: int = _PAGE) -> None:
        self._client = client
        self._table = table
        self._now = now
        self._page = page

    def unread(self, after: str | None) -> UnreadPage:
        """See the port."""
        answer = self._client.scan(
            TableName=self._table,
            Limit=self._page,
            FilterExpression="direction = :unread AND expiresAt > :alive",
            ExpressionAttributeValues=to_item({":unread": "unread", ":alive": self._now() // SECOND}),
            **({"ExclusiveStartKey": message_key(after)} if after else {}),
        )
        last = answer.get("LastEvaluatedKey")
        return UnreadPage(
            [read_unread(from_item(item)) for item in answer["Items"]], last["messageId"]["S"] if last else None
        )
