"""The messages table as an operator needs it who lets a number go on: by its index of what waits."""

from typing import Protocol

from hkreach.domain.message import DueMessage
from hkreach.ports import Page


class StoppedMessages(Protocol):
    """Messages that may wait for a number that was stopped. The write is conditional."""

    def waiting(self, app_name: str, after: str | None) -> Page[DueMessage]:
        """An app's messages that wait for a breaker or a halted account, or after a try, by when they fall due.

        `after` is the `next` of the page before. What does not fit between them is found when asked from the start.
        """

    def move_up(self, message: DueMessage, at: int) -> bool:
        """Let it come due then, for its place in its number's line; False if it is not queued, or was touched."""
