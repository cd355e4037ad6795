"""What the operator of a stack does to messages that are stuck: unknown, forgotten by their queue, or dead letters.

Each call goes on until its time is up and then says `more`; with its `next` as `after` another one goes on where it
stopped. Every write is conditional, so each call may be repeated at any time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aws_lambda_powertools import Logger

from hkreach.domain.errors import Conflict, NotFound
from hkreach.domain.inbound import InboundMessage, Unread
from hkreach.domain.message import MessageError, OutboundMessage, Status, is_message_id
from hkreach.domain.time import SECOND, to_rfc3339
from hkreach.ports import Apps, Clock, DeadLetters, Messages, Page, UnsettledMessages
from hkreach.ports.inbound import UnreadItems

logger = Logger(service="hkreach", child=True)

type Outcome = Literal["resend", "failed"]
"""What an operator decides of an unknown message."""
type QueueName = Literal["send", "media", "webhooks", "leads", "statuses"]

_RESERVE = 5 * SECOND
"""Left of an invocation's time for what was begun, and for the answer."""
_SHOWN_AT_ONCE = 20
"""Items with 16,000 characters each: an answer may have 6 MB."""
_NAMED_AT_ONCE = 500
"""Messages of which only some words are shown."""
_GIVEN_UP = MessageError(
    "unknown_outcome", "It is not known whether it was sent", "The operator settled it; it may have arrived.", True
)


@dataclass(frozen=True, slots=True)
class AdministerMessages:
    """The operator's calls. `time_left` tells the milliseconds that this invocation still has."""

    messages: Messages
    unsettled: UnsettledMessages
    apps: Apps
    dead_letters: Mapping[QueueName, DeadLetters]
    now: Clock
    unread: UnreadItems

    def settle_unknown(self, app_name: str, message_id: str, outcome: Outcome) -> dict[str, Any]:
        """Settle one. Raises NotFound if the app has no such message, Conflict if it is not unknown (any more)."""
        message = self.messages.get(message_id) if is_message_id(message_id) else None
        if message is None or message.app_name != app_name:
            raise NotFound(f"The app {app_name!r} has no message {message_id!r}.")
        if outcome == "resend" and message.deadline <= self.now():
            raise Conflict("The message's deadline has passed: it is not sent any more.")
        if not self._settle(message, outcome):
            raise Conflict("Nobody needs to settle it: it is not unknown (any more), or is being sent again just now.")
        return {"messageId": message_id, "settled": 1}

    def settle_all_unknown(
        self, app_name: str, outcome: Outcome, after: str | None, time_left: Callable[[], int]
    ) -> dict[str, Any]:
        """Settle all of an app. `unknownBefore` were found; `unknownAfter` are left: past their deadline."""
        if self.apps.get_fresh(app_name) is None:
            raise NotFound(f"There is no app {app_name!r}.")
        counts = {"unknownBefore": 0, "settled": 0, "unknownAfter": 0}

        def settle(message: OutboundMessage) -> None:
            counts["unknownBefore"] += 1
            if outcome == "resend" and message.deadline <= self.now():
                counts["unknownAfter"] += 1
            elif self._settle(message, outcome):
                counts["settled"] += 1

        return counts | _go_through(lambda at: self.unsettled.unknown(app_name, at), settle, after, time_left)

    def recover(self, older_than_seconds: int, after: str | None, time_left: Callable[[], int]) -> dict[str, Any]:
        """Put back what no queue may hold any more, and call unknown what was claimed and never came to an end."""
        before = self.now() - older_than_seconds * SECOND
        counts = {"found": 0, "putBack": 0, "becameUnknown": 0}

        def put_back(message: OutboundMessage | InboundMessage) -> None:
            counts["found"] += 1
            if isinstance(message, InboundMessage) or message.claim is None:
                counts["putBack"] += self.unsettled.put_back(message.message_id, self.now())
                return
            app = self.apps.get(message.app_name)
            resend_at = app.resends_at(self.now(), message.deadline) if app else None
            became = self.messages.record_unknown(message.message_id, message.claim, self.now(), resend_at)
            counts["becameUnknown"] += became
            logger.error("claim ran out without an outcome", message_id=message.message_id, claim=message.claim.number)

        return counts | _go_through(lambda at: self.unsettled.forgotten(before, at), put_back, after, time_left)

    def redrive(self, queue: QueueName, time_left: Callable[[], int]) -> dict[str, Any]:
        """Move dead letters back to their queue. What the queue does not take stays where it is."""
        letters = self.dead_letters[queue]
        before, moved, taken = letters.count(), 0, 1
        while taken and time_left() > _RESERVE:
            taken, went = letters.move()
            moved += went
        return {"queue": queue, "before": before, "moved": moved, "after": letters.count(), "more": taken > 0}

    def list_unknown(self, app_name: str | None, after: str | None, time_left: Callable[[], int]) -> dict[str, Any]:
        """The messages whose outcome nobody knows, of an app or of all, some 500 at a time: not what is in them."""
        if app_name is not None and self.apps.get_fresh(app_name) is None:
            raise NotFound(f"There is no app {app_name!r}.")

        def page(at: str | None) -> tuple[list[dict[str, Any]], str | None]:
            found = self.unsettled.unknown(app_name, at)
            return [_as_unknown(message) for message in found.messages], found.next

        return _list(page, after, time_left, _NAMED_AT_ONCE)

    def list_unreadable(self, after: str | None, time_left: Callable[[], int]) -> dict[str, Any]:
        """What came from Meta and could not be read, some twenty at a time."""

        def page(at: str | None) -> tuple[list[dict[str, Any]], str | None]:
            found = self.unread.unread(at)
            return [_as_unreadable(item) for item in found.items], found.next

        return _list(page, after, time_left, _SHOWN_AT_ONCE)

    def _settle(self, message: OutboundMessage, outcome: Outcome) -> bool:
        if message.status is not Status.UNKNOWN:
            return False
        if outcome == "resend":
            return self.unsettled.resend(message.message_id, message.app_name, self.now())
        return self.unsettled.fail(message.message_id, message.app_name, self.now(), _GIVEN_UP)


def _as_unknown(message: OutboundMessage) -> dict[str, Any]:
    """`resendAt`: when it is sent again, if it is; null: it is parked."""
    return {
        "messageId": message.message_id,
        "appName": message.app_name,
        "unknownSince": to_rfc3339(message.facts[Status.UNKNOWN]),
        "deadline": to_rfc3339(message.deadline),
        "resendAt": to_rfc3339(message.resend.at) if message.resend else None,
    }


def _as_unreadable(item: Unread) -> dict[str, Any]:
    shown = {"id": item.item_id, "receivedAt": to_rfc3339(item.at), "reason": item.reason, "size": item.size}
    return shown | {"excerpt": item.excerpt}


def _list(
    page: Callable[[str | None], tuple[list[dict[str, Any]], str | None]],
    after: str | None,
    time_left: Callable[[], int],
    most: int,
) -> dict[str, Any]:
    """Whole pages, until there is no time, or `most` are found."""
    found: list[dict[str, Any]] = []
    while len(found) < most and time_left() > _RESERVE:
        items, after = page(after)
        found += items
        if after is None:
            return {"items": found, "more": False, "next": None}
    return {"items": found, "more": True, "next": after}


def _go_through[Message](
    page: Callable[[str | None], Page[Message]],
    do: Callable[[Message], None],
    after: str | None,
    time_left: Callable[[], int],
) -> dict[str, Any]:
    """Do it to each, as long as there is time. The cursor is that of the last whole page: the rest comes again."""
    while time_left() > _RESERVE:
        found = page(after)
        for message in found.messages:
            if time_left() <= _RESERVE:
                return {"more": True, "next": after}
            do(message)
        if found.next is None:
            return {"more": False, "next": None}
        after = found.next
    return {"more": True, "next": after}
