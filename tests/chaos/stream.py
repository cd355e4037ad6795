"""The table's stream as one reader sees it: in order, at least once."""

from hkreach.domain.change import Change

BATCH = 10
REPEATED = 3
_KEPT = 1_000


class Stream:
    """The changes that are not read yet, and the last few that were."""

    def __init__(self) -> None:
        self._changes: list[Change] = []
        self._first = 0
        self._read = 0

    @property
    def is_read(self) -> bool:
        return self._read == self._first + len(self._changes)

    @property
    def was_read_from(self) -> bool:
        return self._read > 0

    def add(self, change: Change) -> None:
        """Its sequence number is its place among all that were added."""
        self._changes.append(change)

    def batch(self) -> list[Change]:
        """The next records; they come again until the reader goes on from behind them."""
        place = self._read - self._first
        return self._changes[place : place + BATCH]

    def go_on_from(self, number: int) -> None:
        self._read = number
        if self._read - self._first > _KEPT:
            keep_from = self._read - REPEATED
            del self._changes[: keep_from - self._first]
            self._first = keep_from

    def repeat(self) -> None:
        """Show the last records again."""
        self._read -= min(self._read - self._first, REPEATED)
