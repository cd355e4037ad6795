"""The messages table."""

import secrets
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any

from hkreach.adapters.due_index import CODE_SHARDS, due_pages, due_shard
from hkreach.adapters.message_items import (
    FACT_ATTRIBUTES,
    media_value,
    outbound_item,
    read_due_item,
    read_message_item,
)
from hkreach.adapters.message_writes import (
    CLAIM,
    END,
    LEAVE,
    NEVER_CALLED,
    NOTHING_KNOWN,
    SHARD,
    UNCLAIMED,
    UNKNOWN,
    WAIT,
    id_of_wamid,
    message_key,
    put_message,
    untouched,
    update_message,
)
from hkreach.domain.media import Media
from hkreach.domain.message import (
    UNKNOWN_ATTEMPT,
    Attempt,
    Claim,
    DueMessage,
    MessageError,
    OutboundMessage,
    StatusCallback,
)
from hkreach.domain.time import SECOND
from hkreach.ports import Clock

_NO_LATER_CLAIM = "claimNumber = :number"
_CLAIM_HOLDS = f"{_NO_LATER_CLAIM} AND attribute_exists(claimedUntil)"
_WAITS = f"dueAt = :due, {SHARD}, nextTryAt = :next"
_KEPT_ATTEMPTS = 5


class DynamoDBMessages:
    """Implements the port `Messages`; each method is one request."""

    def __init__(self, client: Any, table: str, now: Clock) -> None:
        self._client = client
        self._table = table
        self._now = now

    def get(self, message_id: str) -> OutboundMessage | None:
        """See the port."""
        answer = self._client.get_item(TableName=self._table, Key=message_key(message_id), ConsistentRead=True)
        message = read_message_item(answer["Item"]) if "Item" in answer else None
        if not isinstance(message, OutboundMessage) or message.expires_at <= self._now():
            return None
        return message

    def add(self, message: OutboundMessage) -> OutboundMessage | None:
        """See the port."""
        earlier = put_message(self._client, self._table, outbound_item(message))
        if earlier is None:
            return None
        found = read_message_item(earlier)
        assert isinstance(found, OutboundMessage), "inbound and outbound ids are derived apart"
        return found

    def claim(self, message_id: str, now: int, until: int) -> Claim | None:
        """See the port."""
        return self._claim(message_id, now, until, NEVER_CALLED)

    def claim_again(self, message_id: str, now: int, until: int) -> Claim | None:
        """See the port. The leave stays until there is an outcome: a call that did not send may be repeated."""
        return self._claim(message_id, now, until, f"{UNKNOWN} AND resendAt <= :time")

    def _claim(self, message_id: str, now: int, until: int, condition: str) -> Claim | None:
        """The SDK repeats a write whose answer got lost: the token tells our own claim from another's."""
        token = secrets.token_hex(8)
        claimed, item = self._update(
            message_id,
            "SET claimNumber = if_not_exists(claimNumber, :zero) + :one, claimedUntil = :until, claimedBy = :token "
            "REMOVE nextTryAt, waitsFor",
            f"{UNCLAIMED} AND expiresAt > :now AND deadline > :time AND {condition}",
            {":zero": 0, ":one": 1, ":until": until, ":now": now // SECOND, ":time": now, ":token": token},
        )
        return Claim(item["claimNumber"], until) if claimed or item.get("claimedBy") == token else None

    def release(
        self, message_id: str, claim: Claim, now: int, code: str, due_at: int | None, next_try_at: int | None = None
    ) -> bool:
        """See the port."""
        attempt, condition = Attempt(claim.number, now, code), f"{_CLAIM_HOLDS} AND {NOTHING_KNOWN}"
        return self._end_attempt(message_id, attempt, (due_at, next_try_at), f" REMOVE {CLAIM}", condition, {})

    def postpone(
        self, message: OutboundMessage, now: int, code: str, due_at: int | None, next_try_at: int | None = None
    ) -> bool:
        """See the port."""
        attempt = Attempt(message.tries + 1, now, code)
        condition, tries = untouched(message)
        condition = f"{UNCLAIMED} AND {NOTHING_KNOWN} AND {condition}"
        wait = due_at, next_try_at
        return self._end_attempt(message.message_id, attempt, wait, " REMOVE waitsFor", condition, tries)

    def wait(self, message: OutboundMessage, until: int, why: str, due_at: int | None = None) -> bool:
        """See the port."""
        condition, tries = untouched(message)
        written, _ = self._update(
            message.message_id,
            f"SET {_WAITS}, waitsFor = :why",
            f"{UNCLAIMED} AND {NOTHING_KNOWN} AND {condition}",
            _waits(message.message_id, until if due_at is None else due_at, until) | {":why": why} | tries,
        )
        return written

    def due(self, now: int, at_once: int) -> Iterator[DueMessage]:
        """See the port."""
        pages = partial(due_pages, self._client, self._table, now, at_once)
        for page in chain(pages(CODE_SHARDS), pages()):
            yield from map(read_due_item, page)

    def wait_again(self, message: DueMessage, due_at: int) -> None:
        """See the port."""
        values = {":later": due_at, ":due": message.due_at}
        self._update(message.message_id, "SET dueAt = :later", "dueAt = :due", values)

    def record_fetched(self, message_id: str, media: Media, due_at: int) -> bool:
        """See the port."""
        fetched, _ = self._update(
            message_id,
            f"SET media = :media, dueAt = :due, {SHARD} REMOVE nextTryAt, waitsFor",
            f"{UNCLAIMED} AND {NEVER_CALLED} AND attribute_not_exists(media)",
            {":media": media_value(media), ":due": due_at, ":shard": due_shard(message_id)},
        )
        return fetched

    def record_accepted(self, message_id: str, claim: Claim, now: int, wamid: str) -> None:
        """See the port."""
        self._update(
            message_id,
            f"SET acceptedAt = :now, wamid = if_not_exists(wamid, :wamid) {END}",
            f"{_NO_LATER_CLAIM} AND attribute_not_exists(acceptedAt)",
            {":now": now, ":wamid": wamid, ":number": claim.number},
        )

    def record_failed(self, message_id: str, now: int, error: MessageError, claim: Claim | None = None) -> bool:
        """See the port."""
        written, _ = self._update(
            message_id,
            f"SET failedAt = :now, #error = :error {END}",
            f"{_NO_LATER_CLAIM} AND attribute_not_exists(failedAt)" if claim else f"{UNCLAIMED} AND {NEVER_CALLED}",
            {":now": now, ":error": error.as_dict()} | ({":number": claim.number} if claim else {}),
        )
        return written

    def record_unknown(self, message_id: str, claim: Claim, now: int, resend_at: int | None = None) -> bool:
        """See the port. A fact is set once: the second time only the attempt says so."""
        values: dict[str, Any] = {":now": now, ":number": claim.number}
        update, remove = ", unknownAt = if_not_exists(unknownAt, :now)", END
        if resend_at is not None:
            update += ", resendAt = :due, resendBy = :policy"
            remove = f"REMOVE {CLAIM}"
            values[":policy"] = "policy"
        attempt = Attempt(claim.number, now, UNKNOWN_ATTEMPT)
        condition = f"{_CLAIM_HOLDS} AND {NOTHING_KNOWN}"
        return self._end_attempt(message_id, attempt, (resend_at, None), f"{update} {remove}", condition, values)

    def leave_unknown(self, message: OutboundMessage) -> None:
        """See the port."""
        if message.resend is None:
            return
        condition = f"{UNCLAIMED} AND resendAt = :at AND resendBy = :by"
        values = {":at": message.resend.at, ":by": message.resend.by}
        self._update(message.message_id, f"REMOVE {WAIT}, {LEAVE}", condition, values)

    def record_status(self, callback: StatusCallback) -> str:
        """See the port. A message that the echo does not name is looked for by its wamid."""
        fate = self._record_status(callback.message_id, callback) if callback.message_id else "unknown"
        if fate == "unknown" and (message_id := id_of_wamid(self._client, self._table, callback.wamid)):
            return self._record_status(message_id, callback)
        return fate

    def _record_status(self, message_id: str, callback: StatusCallback) -> str:
        fact, error = FACT_ATTRIBUTES[callback.status], callback.error
        values = {":at": callback.at, ":wamid": callback.wamid, ":phone": callback.phone_number_id, ":out": "outbound"}
        recorded, item = self._update(
            message_id,
            f"SET {fact} = :at, wamid = if_not_exists(wamid, :wamid)"
            + (", #error = :error" if error else "")
            + f" REMOVE {WAIT}, {LEAVE}",
            f"phoneNumberId = :phone AND direction = :out AND attribute_not_exists({fact})",
            values | ({":error": error.as_dict()} if error else {}),
        )
        if recorded:
            return "recorded"
        return "repeated" if item.get("phoneNumberId") == callback.phone_number_id and fact in item else "unknown"

    def _end_attempt(
        self,
        message_id: str,
        attempt: Attempt,
        wait: tuple[int | None, int | None],
        more: str,
        condition: str,
        values: dict[str, Any],
    ) -> bool:
        """Of its attempts the message keeps the last five; the log has the rest."""
        update = "SET claimNumber = :number, attempts = list_append(if_not_exists(attempts, :none), :attempt)"
        values |= {
            ":number": attempt.number,
            ":attempt": [{"n": attempt.number, "at": attempt.at, "code": attempt.code}],
            ":none": [],
        }
        due_at, next_try_at = wait
        if due_at is not None:
            update += f", {_WAITS}"
            values |= _waits(message_id, due_at, due_at if next_try_at is None else next_try_at)
        ended, item = self._update(message_id, f"{update}{more}", condition, values)
        if ended and len(item["attempts"]) > _KEPT_ATTEMPTS:
            self._update(message_id, "REMOVE attempts[0]", "attribute_exists(attempts[5])", {})
        return ended

    def _update(
        self, message_id: str, update: str, condition: str, values: Mapping[str, Any]
    ) -> tuple[bool, dict[str, Any]]:
        return update_message(self._client, self._table, message_id, update, condition, values)


def _waits(message_id: str, due_at: int, next_try_at: int) -> dict[str, Any]:
    return {":due": due_at, ":shard": due_shard(message_id), ":next": next_try_at}
