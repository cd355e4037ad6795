"""The index `due` of what waits in a table: its parts, and the reading of them.

An item with `dueAt` and `dueShard` is in it. One part takes 1,000 writes a second.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from zlib import crc32

from hkreach.adapters.dynamodb_items import Item, to_item

DUE_SHARDS = 4
_ALL = tuple(range(DUE_SHARDS))
CODE_SHARDS = (DUE_SHARDS, DUE_SHARDS + 1)
"""Of one-time codes alone, in the messages table: whatever else waits, they are found first."""
MESSAGE_SHARDS = (*CODE_SHARDS, *_ALL)
"""All parts of the messages table's index."""


def due_shard(text: str) -> int:
    """The part that what is called so belongs to."""
    return crc32(text.encode()) % DUE_SHARDS


def code_shard(message_id: str) -> int:
    """The part that a one-time code belongs to."""
    return CODE_SHARDS[crc32(message_id.encode()) % len(CODE_SHARDS)]


def query_due(client: Any, table: str, until: int, most: int, shards: Sequence[int] = _ALL) -> list[Item]:
    """What is due until then, in each part the oldest first; of each part at most its share of `most`."""
    return next(due_pages(client, table, until, most, shards))


def due_pages(client: Any, table: str, until: int, most: int, shards: Sequence[int] = _ALL) -> Iterator[list[Item]]:
    """The same, and then what comes after it, page by page, to the end."""
    behind: dict[int, dict[str, Any]] = {shard: {} for shard in shards}
    while behind:
        found: list[Item] = []
        for shard, start in list(behind.items()):
            answer = client.query(
                TableName=table,
                IndexName="due",
                KeyConditionExpression="dueShard = :shard AND dueAt <= :until",
                ExpressionAttributeValues=to_item({":shard": shard, ":until": until}),
                Limit=most // len(shards),
                **start,
            )
            found += answer["Items"]
            if "LastEvaluatedKey" in answer:
                behind[shard] = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
            else:
                del behind[shard]
        yield found
