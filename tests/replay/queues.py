"""Queues that hide, delay and repeat records, and the senders that work on them."""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from hkreach.domain.progress import Progress
from hkreach.domain.time import SECOND
from tests.replay.timeline import Timeline, Steps

MOST_RECEIVES = 20
_LATER = 30
"""Seconds that stand for the usual back-off of a step that says `later`."""


@dataclass
class Record:
    """A record of a queue: which message, and how often it was received."""

    message_id: str
    receives: int = 0


class Lane:
    """A queue with its own concurrent senders. A share of its records comes twice, as SQS may do it."""

    def __init__(
        self, timeline: Timeline, steps: Steps, senders: int, work: Callable[[str], Progress], *, twice: float, seed: int = 1
    ) -> None:
        self._timeline, self._steps, self._free, self._work = timeline, steps, senders, work
        self._twice, self._random = twice, random.Random(seed)
        self._visible: deque[Record] = deque()
        self.dead: list[Record] = []
        self.in_flight = 0
        """Hidden, delayed or in work."""
        self.most_in_flight = 0
        self.received = 0

    def put(self, message_id: str, delay: int = 0) -> None:
        """Queue a message; `delay` in seconds."""
        for _ in range(2 if self._random.random() < self._twice else 1):
            self._hide(Record(message_id), delay * SECOND)

    def _hide(self, record: Record, milliseconds: int) -> None:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self._timeline.after(milliseconds, lambda: self._show(record))

    def _show(self, record: Record) -> None:
        self.in_flight -= 1
        self._visible.append(record)
        self._receive()

    def _receive(self) -> None:
        while self._free and self._visible:
            record = self._visible.popleft()
            record.receives += 1
            if record.receives > MOST_RECEIVES:
                self.dead.append(record)
                continue
            self._free -= 1
            self.received += 1
            self.in_flight += 1
            self._steps.start(lambda record=record: self._send(record))  # type: ignore[misc]

    def _send(self, record: Record) -> None:
        progress = self._work(record.message_id)
        self._free += 1
        self.in_flight -= 1
        if progress != "done":
            self._hide(record, (_LATER if progress == "later" else progress) * SECOND)
        self._timeline.after(0, self._receive)
