"""The deliveries table: the deliveries. The endpoints' health beside them is `dynamodb_endpoint_healths`."""

from collections.abc import Mapping, Sequence
from typing import Any

from hkreach.adapters.delivery_items import (
    WAITING_INDEX,
    delivery_item,
    delivery_shard,
    endpoint_text,
    key_texts,
    read_delivery_item,
    read_due_item,
)
from hkreach.adapters.due_index import query_due
from hkreach.adapters.dynamodb_items import to_item
from hkreach.domain.delivery import Delivery, DeliveryKey, DueDelivery, EndpointKey, place
from hkreach.domain.time import SECOND
from hkreach.ports import Clock
from hkreach.ports.deliveries import Line, LogPage, LogQuery

_MOST_PAGES = 5
"""Of the table's, in one call: what is looked for may be rare."""
_READ_AT_ONCE = 1_000
"""Rows of a line in one page: the table counts them before it leaves out what has a time of its own."""


class DynamoDBDeliveries:
    """Implements the port `Deliveries`."""

    def __init__(self, client: Any, table: str, now: Clock, read_at_once: int = _READ_AT_ONCE) -> None:
        """`read_at_once`: rows of a line in one page, found or not."""
        self._client = client
        self._table = table
        self._now = now
        self._read_at_once = read_at_once

    def get(self, key: DeliveryKey) -> Delivery | None:
        """See the port."""
        answer = self._client.get_item(TableName=self._table, Key=to_item(key_texts(key)), ConsistentRead=True)
        found = read_delivery_item(answer["Item"]) if "Item" in answer else None
        return found if found is not None and found.expires_at > self._now() else None

    def add(self, delivery: Delivery) -> bool:
        """See the port."""
        return self._put(delivery, "attribute_not_exists(pk)", {})

    def replace(self, before: Delivery, after: Delivery) -> bool:
        """See the port."""
        return self._put(after, "version = :before", {":before": before.version})

    def _put(self, delivery: Delivery, condition: str, values: Mapping[str, Any]) -> bool:
        optional = {"ExpressionAttributeValues": to_item(values)} if values else {}
        try:
            self._client.put_item(
                TableName=self._table, Item=delivery_item(delivery), ConditionExpression=condition, **optional
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def due(self, until: int, most: int) -> Sequence[DueDelivery]:
        """See the port."""
        return [read_due_item(item) for item in query_due(self._client, self._table, until, most)]

    def wait_again(self, delivery: DueDelivery, due_at: int) -> None:
        """See the port. It takes a time from the clock too: one that was held until now is no more."""
        shard = delivery_shard(delivery.key)
        try:
            self._client.update_item(
                TableName=self._table,
                Key=to_item(key_texts(delivery.key)),
                UpdateExpression="SET dueAt = :later, dueShard = :shard, touchedAt = :now",
                ConditionExpression="version = :version AND attribute_exists(line)",
                ExpressionAttributeValues=to_item(
                    {":later": due_at, ":shard": shard, ":now": self._now(), ":version": delivery.version}
                ),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return

    def line(self, endpoint: EndpointKey, after: str | None, most: int, before: int) -> Line:
        """See the port."""
        found: list[DueDelivery] = []
        for _ in range(_MOST_PAGES):
            answer = self._client.query(
                TableName=self._table,
                IndexName=WAITING_INDEX,
                KeyConditionExpression="line = :line AND sk > :after",
                FilterExpression="attribute_not_exists(dueAt) OR touchedAt < :before",
                ExpressionAttributeValues=to_item(
                    {":line": endpoint_text(endpoint), ":after": after or place(0), ":before": before}
                ),
                Limit=self._read_at_once,
            )
            found += [read_due_item(item) for item in answer["Items"]]
            if len(found) > most:
                return Line(found[:most], found[most - 1].key.place)
            if "LastEvaluatedKey" not in answer:
                return Line(found, None)
            after = answer["LastEvaluatedKey"]["sk"]["S"]
            if len(found) == most:
                break
        return Line(found, after)

    def log(self, endpoint: EndpointKey, query: LogQuery, after: str | None, most: int) -> LogPage:
        """See the port."""
        first, last = place(query.since), place(query.until)
        start = {"ExclusiveStartKey": to_item({"pk": endpoint_text(endpoint), "sk": after})} if after else {}
        values = {":pk": endpoint_text(endpoint), ":first": first, ":last": last, ":alive": self._now() // SECOND}
        condition, names = "expiresAt > :alive", {}
        if query.state is not None:
            condition, names = f"{condition} AND #state = :state", {"ExpressionAttributeNames": {"#state": "state"}}
            values[":state"] = query.state
        found: list[Delivery] = []
        for _ in range(_MOST_PAGES):
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
                FilterExpression=condition,
                ExpressionAttributeValues=to_item(values),
                ScanIndexForward=not query.newest_first,
                ConsistentRead=True,
                Limit=most - len(found) if query.state is None else 10 * most,
                **names,
                **start,
            )
            found += [read_delivery_item(item) for item in answer["Items"]]
            if len(found) > most:
                found = found[:most]
                return LogPage(found, key_texts(found[-1].key)["sk"])
            if "LastEvaluatedKey" not in answer:
                return LogPage(found, None)
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
            if len(found) == most:
                break
        return LogPage(found, start["ExclusiveStartKey"]["sk"]["S"])
