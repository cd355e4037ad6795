"""The messages table's stream: records in, the partial batch answer out."""

from collections.abc import Iterable, Mapping
from typing import Any

from hkreach.adapters.message_items import read_message_item
from hkreach.domain.change import Change


def read_changes(event: Mapping[str, Any]) -> list[Change]:
    """The changes in a batch of stream records. Removals are no changes: items expire; what is only kept is none."""
    changes = (_change(record["dynamodb"]) for record in event["Records"] if record["eventName"] != "REMOVE")
    return [change for change in changes if change is not None]


def failed_from(sequence_numbers: Iterable[str]) -> dict[str, Any]:
    """The answer that makes Lambda repeat the batch from the first of these records on."""
    lowest = min(sequence_numbers, key=int, default=None)
    return {"batchItemFailures": [{"itemIdentifier": lowest}] if lowest else []}


def _change(record: Mapping[str, Any]) -> Change | None:
    before = read_message_item(record["OldImage"]) if "OldImage" in record else None
    after = read_message_item(record["NewImage"])
    if after is None:
        return None
    return Change(record["SequenceNumber"], before, after)
