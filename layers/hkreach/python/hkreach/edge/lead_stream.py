"""The leads table's stream: records in."""

from collections.abc import Mapping
from typing import Any

from hkreach.adapters.lead_items import MOVE, read_move_item
from hkreach.usecases.relay_events_leads import Moved


def is_of_leads(event: Mapping[str, Any]) -> bool:
    """Whether a batch is of the leads' stream. A batch is of one stream, and its keys tell of which."""
    return any("sk" in record["dynamodb"]["Keys"] for record in event["Records"])


def read_moves(event: Mapping[str, Any]) -> list[Moved]:
    """The moves in a batch of stream records: each is an item of its own, put once."""
    return [
        Moved(record["dynamodb"]["SequenceNumber"], read_move_item(record["dynamodb"]["NewImage"]))
        for record in event["Records"]
        if record["eventName"] == "INSERT" and record["dynamodb"]["NewImage"].get("kind") == {"S": MOVE}
    ]
