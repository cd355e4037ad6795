"""The index of what waits in the messages table, read for an operator."""

from typing import Any

from hkreach.adapters.due_index import MESSAGE_SHARDS
from hkreach.adapters.dynamodb_items import to_item
from hkreach.adapters.message_items import read_due_item
from hkreach.adapters.message_writes import NEVER_CALLED, UNCLAIMED, update_message
from hkreach.domain.message import DueMessage
from hkreach.domain.number import BREAKER, HALTED, NUMBER_RATE
from hkreach.ports import Page

_PAGE = 250
"""Items that one request reads of each part of the index."""


class DynamoDBStopped:
    """Implements the port `StoppedMessages`. It reads all that waits, of all apps: never more than was not sent."""

    def __init__(self, client: Any, table: str, page: int = _PAGE) -> None:
        self._client = client
        self._table = table
        self._page = page

    def waiting(self, app_name: str, after: str | None) -> Page[DueMessage]:
        """See the port. The parts are read side by side: each page ends where the first of them does."""
        start = int(after or 0)
        found: list[DueMessage] = []
        ends: list[int] = []
        for shard in MESSAGE_SHARDS:
            answer = self._query(app_name, shard, start)
            found += map(read_due_item, answer["Items"])
            if last := answer.get("LastEvaluatedKey"):
                ends.append(int(last["dueAt"]["N"]))
        found.sort(key=lambda message: message.due_at)
        if not ends:
            return Page(found, None)
        end = max(min(ends), start + 1)  # were more due in one millisecond than a page holds, it would stand still
        return Page([message for message in found if message.due_at < end], str(end))

    def move_up(self, message: DueMessage, at: int) -> bool:
        """See the port."""
        moved, _ = update_message(
            self._client,
            self._table,
            message.message_id,
            "SET dueAt = :at, nextTryAt = :at, waitsFor = :why",
            f"{UNCLAIMED} AND {NEVER_CALLED} AND dueAt = :due",
            {":at": at, ":why": NUMBER_RATE, ":due": message.due_at},
        )
        return moved

    def _query(self, app_name: str, shard: int, start: int) -> dict[str, Any]:
        values = {":shard": shard, ":start": start, ":app": app_name, ":halted": HALTED, ":breaker": BREAKER}
        answer: dict[str, Any] = self._client.query(
            TableName=self._table,
            IndexName="due",
            KeyConditionExpression="dueShard = :shard AND dueAt >= :start",
            FilterExpression="appName = :app AND (attribute_not_exists(waitsFor)"
            " OR begins_with(waitsFor, :halted) OR begins_with(waitsFor, :breaker))",
            ExpressionAttributeValues=to_item(values),
            Limit=self._page,
        )
        return answer
