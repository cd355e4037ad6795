"""Simulated time: things to do, each at its moment; and steps that stand still while it goes on."""

import heapq
import itertools
import os
import threading
from collections.abc import Callable


class Timeline:
    """What is to be done and when, in milliseconds; nothing happens between. Implements `Clock`."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._heap: list[tuple[int, int, Callable[[], object]]] = []
        self._order = itertools.count()

    def __call__(self) -> int:
        return self._now

    def at(self, moment: int, do: Callable[[], object]) -> None:
        heapq.heappush(self._heap, (max(moment, self._now), next(self._order), do))

    def after(self, milliseconds: int, do: Callable[[], object]) -> None:
        self.at(self._now + milliseconds, do)

    def every(self, milliseconds: int, do: Callable[[], object]) -> None:
        def again() -> None:
            self.after(milliseconds, again)
            do()

        self.after(milliseconds, again)

    def run_until(self, moment: int, *, stop: Callable[[], bool] = lambda: False) -> None:
        """Do all that is due up to then, or until `stop` says so."""
        while self._heap and self._heap[0][0] <= moment and not stop():
            self._now, _, do = heapq.heappop(self._heap)
            do()
        if not stop():
            self._now = moment


class Steps:
    """Runs the production steps so that each can stand still in the middle, at its call to Meta.

    A step is an ordinary function that blocks, so each has a thread; but one of all of them runs at a time, handed on
    from one to the next, so that a run is the same each time.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._idle: list[_Thread] = []
        self._running: _Thread | None = None

    def start(self, step: Callable[[], object]) -> None:
        """Run it to its end, or to its first stand."""
        thread = self._idle.pop() if self._idle else _Thread()
        thread.step = step
        self._enter(thread)

    def stand_still(self, milliseconds: int) -> None:
        """Called in a step: it goes on when so much simulated time has passed."""
        thread = self._running
        assert thread is not None, "only a step can stand still"
        self._timeline.after(milliseconds, lambda: self._enter(thread))
        thread.leave()

    def close(self) -> None:
        """End the threads of the steps that came to their end."""
        while self._idle:
            thread = self._idle.pop()
            thread.step = None
            thread.go.release()
            thread.join()

    def _enter(self, thread: "_Thread") -> None:
        self._running = thread
        thread.enter()
        self._running = None
        if thread.step is None:
            self._idle.append(thread)
            if thread.error is not None:
                raise thread.error


class _Thread(threading.Thread):
    """One step at a time, and either it runs or the timeline."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.step: Callable[[], object] | None = None
        self.error: BaseException | None = None
        self.go, self._back = threading.Lock(), threading.Lock()
        self.go.acquire()
        self._back.acquire()
        self.start()

    def run(self) -> None:
        while self.go.acquire() and self.step is not None:
            try:
                self.step()
            except BaseException as error:  # noqa: BLE001 - raised again where the step was started
                self.error = error
            self.step = None
            self._back.release()

    def enter(self) -> None:
        self.go.release()
        self._back.acquire()

    def leave(self) -> None:
        self._back.release()
        self.go.acquire()


def stay_on_one_processor() -> set[int]:
    """The threads take turns, and turns across processors cost twice the time. Returns where this thread was before."""
    if not hasattr(os, "sched_setaffinity"):
        return set()
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[os.getpid() % len(before)]})
    return before
