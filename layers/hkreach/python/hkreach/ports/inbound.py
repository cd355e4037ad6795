"""The messages table as what comes in from Meta needs it. Every write is conditional, and so made once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hkreach.domain.inbound import InboundMessage, MetaNews, Unread


class Inbound(Protocol):
    """Where it is written. Each write is False if the item was there already."""

    def add(self, message: InboundMessage) -> bool:
        """Write a customer's message."""

    def add_news(self, news: MetaNews) -> bool:
        """Write what Meta tells of an account."""

    def keep(self, item: Unread) -> bool:
        """Keep for the operator what could not be read."""

    def own_id(self, phone_number_id: str, wamid: str) -> str | None:
        """Our id of the message that Meta calls so, sent or received by this number; None if there is none."""


@dataclass(frozen=True, slots=True)
class UnreadPage:
    """Some of what could not be read. `next` goes on behind them; None: that was all."""

    items: Sequence[Unread]
    next: str | None


class UnreadItems(Protocol):
    """What could not be read, for the operator: found by reading all of the table, page by page."""

    def unread(self, after: str | None) -> UnreadPage:
        """A page, which may be empty; `after` is the `next` of the page before."""
