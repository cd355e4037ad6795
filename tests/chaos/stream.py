"""The table's stream as one reader sees it: in order, at least once."""

from collections.abc import Callable

from hkreach.domain.change import Change
from hkreach.domain.message import OutboundMessage, Status, new_facts
from tests.chaos.faults import Faults, survive

_BATCH = 10
_REPEATED = 3
_KEPT = 1_000


class Stream:
    """The changes that are not read yet, and the last few that were."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dropped: set[tuple[str, Status]] = set()
        """The facts whose records were never shown."""
        self._changes: list[Change] = []
        self._first = 0
        self._read = 0

    @property
    def is_read(self) -> bool:
        return self._read == self._first + len(self._changes)

    def add(self, change: Change) -> None:
        """Its sequence number is its place among all that were added."""
        self._changes.append(change)

    def read(self, relay: Callable[[list[Change]], frozenset[str]], faults: Faults) -> None:
        """A reader takes a batch, and goes on from behind what it has relayed."""
        if self._read and faults.happens(f"stream records repeated: {self.name}"):
            self._read -= min(self._read - self._first, _REPEATED)
        if faults.happens(f"stream late: {self.name}"):
            return
        if not self.is_read and faults.happens(f"stream records dropped: {self.name}", 0.005):
            self._drop()
        batch = self._batch()
        refused = survive(lambda: relay(batch)) if batch else None
        if refused is not None:
            self._go_on_from(min(map(int, refused), default=int(batch[-1].sequence_number) + 1))

    def _batch(self) -> list[Change]:
        place = self._read - self._first
        return self._changes[place : place + _BATCH]

    def _go_on_from(self, number: int) -> None:
        self._read = number
        if self._read - self._first > _KEPT:
            keep_from = self._read - _REPEATED
            del self._changes[: keep_from - self._first]
            self._first = keep_from

    def _drop(self) -> None:
        """The stream was off for more than a day: what was not read is gone."""
        gone = self._changes[self._read - self._first :]
        for change in gone:
            if isinstance(change.after, OutboundMessage):
                facts = new_facts(change.before.facts if change.before else {}, change.after.facts)
                self.dropped |= {(change.after.message_id, fact) for fact in facts}
        self._go_on_from(self._read + len(gone))
