"""Queues that hide, delay and repeat records, and the processes that work on them in batches."""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from hkreach.domain.backoff import LONGEST_IN_QUEUE
from hkreach.domain.progress import Progress
from hkreach.domain.time import SECOND
from tests.replay.timeline import Steps, Timeline

MOST_RECEIVES = 20
_INVOCATION = 60 * SECOND
_LATER = 30
"""Seconds that stand for the usual back-off of a step that says `later`."""


@dataclass
class Record:
    """A record of a queue: which message, and how often it was received."""

    message_id: str
    receives: int = 0


class Work(Protocol):
    """What a process does with a record. `batch`: how many it got at once."""

    def __call__(self, message_id: str, time_left: Callable[[], int], receives: int, batch: int) -> Progress: ...


@dataclass(frozen=True)
class Workers:
    """The processes of a lane, as template.yaml sets them. Each keeps what it has in memory."""

    processes: int
    batch: int
    window: int = 0
    """Milliseconds that records are collected for, unless there are enough."""


class SimulatedQueue:
    """A queue with its processes. A share of the records comes twice, as SQS may do it."""

    def __init__(
        self,
        timeline: Timeline,
        steps: Steps,
        workers: Workers,
        work: Callable[[], Work],
        *,
        twice: float,
        seed: int = 1,
    ) -> None:
        self._timeline, self._steps, self._workers = timeline, steps, workers
        self._free = [work() for _ in range(workers.processes)]
        self._twice, self._random = twice, random.Random(seed)
        self._visible: deque[Record] = deque()
        self._collects = False
        self.dead: list[Record] = []
        self.in_flight = 0
        """Hidden, delayed or in work; SQS allows 120,000."""
        self.most_in_flight = 0

    def put(self, message_id: str, delay: int = 0) -> None:
        """Queue a message; `delay` in seconds."""
        for _ in range(2 if self._random.random() < self._twice else 1):
            self._hide(Record(message_id), delay)

    def _hide(self, record: Record, seconds: int) -> None:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self._timeline.after(seconds * SECOND, lambda: self._show(record))

    def _show(self, record: Record) -> None:
        self.in_flight -= 1
        record.receives += 1
        if record.receives > MOST_RECEIVES:
            self.dead.append(record)
            return
        self._visible.append(record)
        self._receive()

    def _receive(self) -> None:
        while self._free and len(self._visible) >= (self._workers.batch if self._workers.window else 1):
            self._invoke()
        if self._free and self._visible and not self._collects:
            self._collects = True
            self._timeline.after(self._workers.window, self._invoke_with_fewer)

    def _invoke_with_fewer(self) -> None:
        self._collects = False
        if self._free and self._visible:
            self._invoke()

    def _invoke(self) -> None:
        """A batch is done when each of its records is; the process that was busy last is asked first."""
        work, ends = self._free.pop(), self._timeline() + _INVOCATION
        batch = [self._visible.popleft() for _ in range(min(self._workers.batch, len(self._visible)))]
        self.in_flight += len(batch)
        open_records = set(map(id, batch))

        def one(record: Record) -> None:
            progress = work(record.message_id, lambda: ends - self._timeline(), record.receives, len(batch))
            self.in_flight -= 1
            if progress != "done":
                self._hide(record, _LATER if progress == "later" else min(progress, LONGEST_IN_QUEUE))
            open_records.remove(id(record))
            if not open_records:
                self._free.append(work)
                self._timeline.after(0, self._receive)

        for record in batch:
            self._steps.start(partial(one, record))
