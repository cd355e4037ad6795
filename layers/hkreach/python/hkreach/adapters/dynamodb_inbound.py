"""The messages table as what comes in from Meta needs it."""

from typing import Any

from hkreach.adapters.due_index import due_shard
from hkreach.adapters.dynamodb_items import from_item, to_item
from hkreach.adapters.inbound_items import (
    inbound_item,
    news_item,
    read_inbound,
    read_news,
    read_unread,
    stored_value,
    unread_item,
)
from hkreach.adapters.message_writes import WAIT, id_of_wamid, message_key, put_message, update_message
from hkreach.domain.inbound import InboundMessage, MetaNews, Unread, inbound_message_id
from hkreach.domain.inbound_file import StoredFile
from hkreach.domain.message import MessageError
from hkreach.domain.time import SECOND
from hkreach.ports import Clock
from hkreach.ports.inbound import UnreadPage

_PAGE = 1_000


class DynamoDBInbound:
    """Implements the port `Inbound`; each write is one request."""

    def __init__(self, client: Any, table: str, now: Clock) -> None:
        self._client = client
        self._table = table
        self._now = now

    def add(self, message: InboundMessage) -> bool:
        """See the port."""
        return put_message(self._client, self._table, inbound_item(message)) is None

    def add_news(self, news: MetaNews) -> bool:
        """See the port."""
        return put_message(self._client, self._table, news_item(news)) is None

    def keep(self, item: Unread) -> bool:
        """See the port."""
        return put_message(self._client, self._table, unread_item(item)) is None

    def get(self, message_id: str) -> InboundMessage | None:
        """See the port."""
        values = self._values(message_id)
        message = read_inbound(values) if values.get("direction") == "inbound" else None
        return message if message and message.expires_at > self._now() else None

    def get_news(self, news_id: str) -> MetaNews | None:
        """See the port."""
        values = self._values(news_id)
        news = read_news(values) if values.get("direction") == "meta" else None
        return news if news and news.expires_at > self._now() else None

    def _values(self, message_id: str) -> dict[str, Any]:
        answer = self._client.get_item(TableName=self._table, Key=message_key(message_id), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else {}

    def wait(self, message: InboundMessage, until: int, why: str) -> None:
        """See the port."""
        values = {":until": until, ":shard": due_shard(message.message_id), ":why": why}
        self._update(message.message_id, "SET dueAt = :until, dueShard = :shard, waitsFor = :why", values)

    def record_stored(self, message_id: str, stored: StoredFile, now: int) -> bool:
        """See the port."""
        values = {":media": stored_value(stored), ":now": now}
        return self._update(message_id, f"SET media = :media, mediaAt = :now REMOVE {WAIT}", values)

    def record_not_given(self, message_id: str, error: MessageError, now: int) -> bool:
        """See the port."""
        values = {":error": error.as_dict(), ":now": now}
        return self._update(message_id, f"SET #error = :error, mediaFailedAt = :now REMOVE {WAIT}", values)

    def _update(self, message_id: str, update: str, values: dict[str, Any]) -> bool:
        """Only as long as its file is missing."""
        condition, of_inbound = "direction = :inbound AND attribute_exists(waitsFor)", {":inbound": "inbound"}
        done, _ = update_message(self._client, self._table, message_id, update, condition, values | of_inbound)
        return done

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
