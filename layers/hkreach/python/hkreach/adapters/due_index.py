"""The index `due` of what waits in a table: its parts, and the reading of them.

An item with `dueAt` and `dueShard` is in it. One part takes 1,000 writes a second.
"""

from collections.abc import Sequence
from typing import Any
from zlib import crc32

from hkreach.adapters.dynamodb_items import Item, to_item

DUE_SHARDS = 4
_ALL = tuple(range(DUE_SHARDS))


def due_shard(text: str) -> int:
    """The part that what is called so belongs to."""
    return crc32(text.encode()) % DUE_SHARDS


def query_due(client: Any, table: str, until: int, most: int, shards: Sequence[int] = _ALL) -> list[Item]:
    """What is due until then, in each part the oldest first; of each part at most its share of `most`."""
    found: list[Item] = []
    for shard in shards:
        answer = client.query(
            TableName=table,
            IndexName="due",
            KeyConditionExpression="dueShard = :shard AND dueAt <= :until",
            ExpressionAttributeValues=to_item({":shard": shard, ":until": until}),
            Limit=most // len(shards),
        )
        found += answer["Items"]
    return found
