"""The messages table."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from hkreach.adapters.dynamodb_items import from_item, to_item
from hkreach.adapters.message_items import FACT_ATTRIBUTES, inbound_item, outbound_item, read_message_item
from hkreach.domain.message import Claim, InboundMessage, MessageError, OutboundMessage, Status, StatusCallback
from hkreach.domain.time import SECOND
from hkreach.ports import Clock

WAMID_INDEX = "wamid"
_UNSETTLED = " AND ".join(
    f"attribute_not_exists({name})" for status, name in FACT_ATTRIBUTES.items() if status is not Status.QUEUED
)
_UNCLAIMED = "attribute_exists(messageId) AND attribute_not_exists(claimedUntil)"
_NO_LATER_CLAIM = "claimNumber = :number"
_CLAIM_HOLDS = f"{_NO_LATER_CLAIM} AND attribute_exists(claimedUntil)"
_KEPT_ATTEMPTS = 5


class DynamoDBMessages:
    """Implements the port `Messages`; each method is one request."""

    def __init__(self, client: Any, table: str, now: Clock) -> None:
        self._client = client
        self._table = table
        self._now = now

    def get(self, message_id: str) -> OutboundMessage | None:
        """See the port."""
        answer = self._client.get_item(TableName=self._table, Key=_key(message_id), ConsistentRead=True)
        message = read_message_item(answer["Item"]) if "Item" in answer else None
        if not isinstance(message, OutboundMessage) or message.expires_at <= self._now():
            return None
        return message

    def add(self, message: OutboundMessage) -> OutboundMessage | None:
        """See the port."""
        earlier = self._put(outbound_item(message))
        if earlier is None:
            return None
        found = read_message_item(earlier)
        assert isinstance(found, OutboundMessage), "inbound and outbound ids are derived apart"
        return found

    def add_inbound(self, message: InboundMessage) -> bool:
        """See the port."""
        return self._put(inbound_item(message)) is None

    def claim(self, message_id: str, now: int, until: int) -> Claim | None:
        """See the port."""
        item = self._update(
            message_id,
            "SET claimNumber = if_not_exists(claimNumber, :zero) + :one, claimedUntil = :until",
            f"{_UNCLAIMED} AND expiresAt > :now AND {_UNSETTLED}",
            {":zero": 0, ":one": 1, ":until": until, ":now": now // SECOND},
        )
        return Claim(from_item(item)["claimNumber"], until) if item is not None else None

    def release(self, message_id: str, claim: Claim, now: int, code: str) -> None:
        """See the port. Of its attempts the message keeps the last five; the log has the rest."""
        attempt = {"n": claim.number, "at": now, "code": code}
        values = {":number": claim.number, ":attempt": [attempt], ":none": []}
        item = self._update(
            message_id,
            "SET attempts = list_append(if_not_exists(attempts, :none), :attempt) REMOVE claimedUntil",
            _CLAIM_HOLDS,
            values,
        )
        if item is not None and len(item["attempts"]["L"]) > _KEPT_ATTEMPTS:
            self._update(message_id, "REMOVE attempts[0]", "attribute_exists(attempts[5])", {})

    def record_accepted(self, message_id: str, claim: Claim, now: int, wamid: str) -> None:
        """See the port."""
        self._update(
            message_id,
            "SET acceptedAt = :now, wamid = if_not_exists(wamid, :wamid) REMOVE claimedUntil",
            f"{_NO_LATER_CLAIM} AND attribute_not_exists(acceptedAt)",
            {":now": now, ":wamid": wamid, ":number": claim.number},
        )

    def record_failed(self, message_id: str, now: int, error: MessageError, claim: Claim | None = None) -> None:
        """See the port."""
        values = {":now": now, ":error": error.as_dict()} | ({":number": claim.number} if claim else {})
        self._update(
            message_id,
            "SET failedAt = :now, #error = :error REMOVE claimedUntil",
            f"{_NO_LATER_CLAIM} AND attribute_not_exists(failedAt)" if claim else f"{_UNCLAIMED} AND {_UNSETTLED}",
            values,
            {"#error": "error"},
        )

    def record_unknown(self, message_id: str, claim: Claim, now: int) -> None:
        """See the port."""
        self._update(
            message_id,
            "SET unknownAt = :now REMOVE claimedUntil",
            f"{_CLAIM_HOLDS} AND {_UNSETTLED}",
            {":now": now, ":number": claim.number},
        )

    def record_status(self, callback: StatusCallback) -> str:
        """See the port. An item that the echo does not name is looked for by its wamid."""
        message_id = callback.message_id or self._id_of_wamid(callback.wamid)
        if message_id is None:
            return "unknown"
        fact = FACT_ATTRIBUTES[callback.status]
        set_error = ", #error = :error" if callback.error else ""
        values = {":at": callback.at, ":wamid": callback.wamid, ":phone": callback.phone_number_id}
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(message_id),
                UpdateExpression=f"SET {fact} = :at, wamid = if_not_exists(wamid, :wamid){set_error}",
                ConditionExpression=f"phoneNumberId = :phone AND direction = :out AND attribute_not_exists({fact})",
                ExpressionAttributeValues=to_item(
                    values | {":out": "outbound"} | ({":error": callback.error.as_dict()} if callback.error else {})
                ),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **({"ExpressionAttributeNames": {"#error": "error"}} if callback.error else {}),
            )
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            item = from_item(refused.response.get("Item", {}))
            return "repeated" if item.get("phoneNumberId") == callback.phone_number_id and fact in item else "unknown"
        return "recorded"

    def _id_of_wamid(self, wamid: str) -> str | None:
        answer = self._client.query(
            TableName=self._table,
            IndexName=WAMID_INDEX,
            KeyConditionExpression="wamid = :wamid",
            ExpressionAttributeValues=to_item({":wamid": wamid}),
            Limit=1,
        )
        return answer["Items"][0]["messageId"]["S"] if answer["Items"] else None

    def _put(self, item: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """None, or the living item that has the key already."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(messageId) OR expiresAt <= :now",
                ExpressionAttributeValues=to_item({":now": self._now() // SECOND}),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            earlier: Mapping[str, Any] = refused.response["Item"]
            return earlier
        return None

    def _update(
        self,
        message_id: str,
        update: str,
        condition: str,
        values: Mapping[str, Any],
        names: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any] | None:
        """The item after the update, or None if the condition did not hold."""
        optional = {"ExpressionAttributeValues": to_item(values)} if values else {}
        if names:
            optional["ExpressionAttributeNames"] = dict(names)
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key=_key(message_id),
                UpdateExpression=update,
                ConditionExpression=condition,
                ReturnValues="ALL_NEW",
                **optional,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return None
            raise
        item: Mapping[str, Any] = answer["Attributes"]
        return item


def _key(message_id: str) -> dict[str, Any]:
    return {"messageId": {"S": message_id}}
