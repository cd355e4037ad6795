"""The messages table as what comes in from Meta needs it. Every write is conditional, and so made once."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from hkreach.domain.early_status import EarlyStatus
from hkreach.domain.inbound import InboundMessage, MetaNews, Unread
from hkreach.domain.inbound_file import StoredFile
from hkreach.domain.message import MessageError


class Inbound(Protocol):
    """Where it is written. Each write is False if the item was there already."""

    def add(self, message: InboundMessage) -> bool:
        """Write a customer's message."""

    def add_news(self, news: MetaNews) -> bool:
        """Write what Meta tells of an account."""

    def keep(self, item: Unread) -> bool:
        """Keep for the operator what could not be read."""

    def get(self, message_id: str) -> InboundMessage | None:
        """A customer's message, strongly consistent."""

    def get_news(self, news_id: str) -> MetaNews | None:
        """What Meta told of an account, strongly consistent."""

    def wait(self, message: InboundMessage, until: int, why: str) -> None:
        """Let a message wait in the table for its file: `why` in a word. Nothing happens if it is complete."""

    def record_stored(self, message_id: str, stored: StoredFile, now: int) -> bool:
        """Write where its file was put: the message is complete. False if it is already, or gone."""

    def record_not_given(self, message_id: str, error: MessageError, now: int) -> bool:
        """Write why its file was given up: the message is complete. False if it is already, or gone."""

    def own_id(self, phone_number_id: str, wamid: str) -> str | None:
        """Our id of the message that Meta calls so, sent or received by this number; None if there is none."""


class StatusQueue(Protocol):
    """The queue of statuses whose message could not be found yet."""

    def put(self, early: EarlyStatus) -> bool:
        """Queue it, to be looked for in some seconds; False if the queue did not take it."""


class MetaFiles(Protocol):
    """Files that customers sent, as long as Meta has them."""

    def open(
        self, meta_id: str, phone_number_id: str, access_token: str, most_bytes: int
    ) -> AbstractContextManager[Iterator[bytes]]:
        """The file's blocks of up to 256 KB, at least one byte and at most `most_bytes` in all.

        Raises FileNotGiven on entering, and from the blocks: what came until then is not the file. All of it has one
        deadline.
        """


@dataclass(frozen=True, slots=True)
class UnreadPage:
    """Some of what could not be read. `next` goes on behind them; None: that was all."""

    items: Sequence[Unread]
    next: str | None


class UnreadItems(Protocol):
    """What could not be read, for the operator: found by reading all of the table, page by page."""

    def unread(self, after: str | None) -> UnreadPage:
        """A page, which may be empty; `after` is the `next` of the page before."""
