"""What the conditional writes to a message are made of."""

from collections.abc import Mapping
from typing import Any

from hkreach.adapters.dynamodb_items import from_item, to_item
from hkreach.adapters.message_items import FACT_ATTRIBUTES
from hkreach.domain.message import OutboundMessage, Status

NOTHING_KNOWN = " AND ".join(
    f"attribute_not_exists({name})"
    for status, name in FACT_ATTRIBUTES.items()
    if status not in {Status.QUEUED, Status.UNKNOWN}
)
"""It is queued or unknown: no accepted, sent, delivered, read or failed stands in it."""
NEVER_CALLED = f"{NOTHING_KNOWN} AND attribute_not_exists(unknownAt)"
"""It is queued: nothing that was tried can have sent it."""
UNKNOWN = f"{NOTHING_KNOWN} AND attribute_exists(unknownAt)"
"""It is unknown."""
UNCLAIMED = "attribute_exists(messageId) AND attribute_not_exists(claimedUntil)"

CLAIM = "claimedUntil, claimedBy"
SHARD = "dueShard = if_not_exists(codeShard, :shard)"
"""Its part of the index `due`: a one-time code's own, or `:shard`."""
WAIT = "dueAt, dueShard, nextTryAt, waitsFor"
LEAVE = "resendAt, resendBy"
END = f"REMOVE {CLAIM}, {WAIT}, {LEAVE}"
"""A settled message is neither claimed, nor does it wait, nor is there leave to send it again."""

_WAMID_INDEX = "wamid"


def message_key(message_id: str) -> dict[str, Any]:
    """The key of a message's item."""
    return {"messageId": {"S": message_id}}


def id_of_wamid(client: Any, table: str, wamid: str) -> str | None:
    """Our id of the message that Meta calls so."""
    answer = client.query(
        TableName=table,
        IndexName=_WAMID_INDEX,
        KeyConditionExpression="wamid = :wamid",
        ExpressionAttributeValues=to_item({":wamid": wamid}),
        Limit=1,
    )
    return answer["Items"][0]["messageId"]["S"] if answer["Items"] else None


def put_message(client: Any, table: str, item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """None, or the item that has the key already.

    An expired item that the table has not removed yet counts too: to replace it would look like a change in the
    table's stream, not like a new message.
    """
    try:
        client.put_item(
            TableName=table,
            Item=item,
            ConditionExpression="attribute_not_exists(messageId)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except client.exceptions.ConditionalCheckFailedException as refused:
        earlier: Mapping[str, Any] = refused.response["Item"]
        return earlier
    return None


def update_message(
    client: Any, table: str, message_id: str, update: str, condition: str, values: Mapping[str, Any]
) -> tuple[bool, dict[str, Any]]:
    """Whether the condition held, and what it updated, or else the whole item that stood in its way.

    Less is asked for than there is: to read a usual item's values costs a tenth of the call.
    """
    optional: dict[str, Any] = {"ExpressionAttributeValues": to_item(values)} if values else {}
    if "#error" in update:
        optional["ExpressionAttributeNames"] = {"#error": "error"}  # a reserved word
    try:
        answer = client.update_item(
            TableName=table,
            Key=message_key(message_id),
            UpdateExpression=update,
            ConditionExpression=condition,
            ReturnValues="UPDATED_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **optional,
        )
    except client.exceptions.ConditionalCheckFailedException as refused:
        return False, from_item(refused.response.get("Item", {}))
    return True, from_item(answer.get("Attributes", {}))


def untouched(message: OutboundMessage) -> tuple[str, dict[str, Any]]:
    """The condition that nobody tried the message since it was read, and its values."""
    if message.tries:
        return "claimNumber = :tries", {":tries": message.tries}
    return "attribute_not_exists(claimNumber)", {}
