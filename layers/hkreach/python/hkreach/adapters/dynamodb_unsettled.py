"""The messages table, read whole for an operator."""

from collections.abc import Mapping
from typing import Any

from hkreach.adapters.due_index import due_shard
from hkreach.adapters.dynamodb_items import to_item
from hkreach.adapters.message_items import read_message_item
from hkreach.adapters.message_writes import (
    END,
    NEVER_CALLED,
    NOTHING_KNOWN,
    SHARD,
    UNCLAIMED,
    UNKNOWN,
    message_key,
    update_message,
)
from hkreach.domain.inbound import InboundMessage
from hkreach.domain.message import MessageError, OutboundMessage
from hkreach.domain.time import SECOND
from hkreach.ports import Clock, Page

_PAGE = 1_000
"""Items that one request reads: what is done for each of them must fit into the time left."""
_FORGOTTEN = (
    f"{NEVER_CALLED} AND {UNCLAIMED} AND attribute_not_exists(dueAt) AND queuedAt < :before"
    f" OR {NOTHING_KNOWN} AND claimedUntil < :before"
)
_UNFETCHED = (
    "direction = :inbound AND attribute_exists(waitsFor) AND attribute_not_exists(dueAt) AND receivedAt < :before"
)


class DynamoDBUnsettled:
    """Implements the port `UnsettledMessages`.

    An index of unsettled messages would make every message dearer for a call that is made after an accident; a scan
    costs half a read unit for each 4 KB, when it is needed.
    """

    def __init__(self, client: Any, table: str, now: Clock, page: int = _PAGE) -> None:
        self._client = client
        self._table = table
        self._now = now
        self._page = page

    def unknown(self, app_name: str | None, after: str | None) -> Page[OutboundMessage]:
        """See the port."""
        condition = f"{UNKNOWN} AND {UNCLAIMED}"
        if app_name is None:
            page = self._scan(condition, {}, after)
        else:
            page = self._scan(f"{condition} AND appName = :app", {":app": app_name}, after)
        return Page([message for message in page.messages if isinstance(message, OutboundMessage)], page.next)

    def forgotten(self, before: int, after: str | None) -> Page[OutboundMessage | InboundMessage]:
        """See the port."""
        condition = f"attribute_exists(queuedAt) AND ({_FORGOTTEN}) OR {_UNFETCHED}"
        return self._scan(condition, {":before": before, ":inbound": "inbound"}, after)

    def put_back(self, message_id: str, now: int) -> bool:
        """See the port."""
        lacks = "(direction = :outbound OR attribute_exists(waitsFor))"
        condition = f"{NEVER_CALLED} AND {UNCLAIMED} AND attribute_not_exists(dueAt) AND {lacks}"
        values = _due(message_id, now) | {":outbound": "outbound"}
        return self._update(message_id, f"SET dueAt = :now, {SHARD}", condition, values)

    def resend(self, message_id: str, app_name: str, now: int) -> bool:
        """See the port."""
        return self._update(
            message_id,
            f"SET dueAt = :now, {SHARD}, nextTryAt = :now, resendAt = :now, resendBy = :operator",
            f"{UNKNOWN} AND {UNCLAIMED} AND appName = :app AND deadline > :now",
            _due(message_id, now) | {":app": app_name, ":operator": "operator"},
        )

    def fail(self, message_id: str, app_name: str, now: int, error: MessageError) -> bool:
        """See the port."""
        return self._update(
            message_id,
            f"SET failedAt = :now, #error = :error {END}",
            f"{UNKNOWN} AND {UNCLAIMED} AND appName = :app",
            {":now": now, ":error": error.as_dict(), ":app": app_name},
        )

    def _scan(
        self, condition: str, values: Mapping[str, Any], after: str | None
    ) -> Page[OutboundMessage | InboundMessage]:
        answer = self._client.scan(
            TableName=self._table,
            Limit=self._page,
            FilterExpression=f"expiresAt > :alive AND ({condition})",
            ExpressionAttributeValues=to_item({**values, ":alive": self._now() // SECOND}),
            **({"ExclusiveStartKey": message_key(after)} if after else {}),
        )
        found = [read_message_item(item) for item in answer["Items"]]
        last = answer.get("LastEvaluatedKey")
        messages = [message for message in found if isinstance(message, OutboundMessage | InboundMessage)]
        return Page(messages, last["messageId"]["S"] if last else None)

    def _update(self, message_id: str, update: str, condition: str, values: Mapping[str, Any]) -> bool:
        done, _ = update_message(self._client, self._table, message_id, update, condition, values)
        return done


def _due(message_id: str, now: int) -> dict[str, Any]:
    return {":now": now, ":shard": due_shard(message_id)}
