"""Faults, struck at random before and after every call that a step makes on its adapters.

The calls are counted by the wrapper, outside the production code: a new call is among them by itself.
"""

import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

type When = Literal["before", "after"]


class Killed(BaseException):
    """The process is gone: no handler of ours sees it."""


class Failed(OSError):
    """An adapter's call failed: before (it did nothing) or after (it was done, and its answer got lost)."""


class Faults:
    """Decides by a seeded random generator whether a call is struck; counts what it did by class."""

    def __init__(self, seed: int, rate: float) -> None:
        self.random = random.Random(seed)
        self.rate = rate
        self.struck: Counter[str] = Counter()
        self.overtake: Callable[[], None] = lambda: None
        """Lets another worker run in the middle of this one."""
        self.paused: list[Callable[[], object]] = []
        """Calls of processes that stood still so long that they count as dead, and then go on."""
        self._depth = 0

    def happens(self, kind: str, rate: float | None = None) -> bool:
        """Whether this fault happens now; if so it is counted."""
        happens = self.random.random() < (self.rate if rate is None or not self.rate else rate)
        if happens:
            self.struck[kind] += 1
        return happens

    def strike(self, call: str, when: When) -> None:
        """Kill the process, fail the call, or let another worker overtake; most often nothing."""
        if self._depth == 0 and self.happens(f"overtaken {when} {call}"):
            self._depth += 1
            try:
                self.overtake()
            finally:
                self._depth -= 1
        if self.happens(f"killed {when} {call}"):
            raise Killed(call)
        if not call.startswith("meta.") and self.happens(f"failed {when} {call}"):
            raise Failed(call)


class Interposed:
    """An adapter whose every call may be struck. `done` is told of each call that was made."""

    def __init__(self, name: str, adapter: Any, faults: Faults, done: Callable[[], None] = lambda: None) -> None:
        self._name, self._adapter, self._faults, self._done = name, adapter, faults, done

    def __getattr__(self, method: str) -> Any:
        real = getattr(self._adapter, method)

        def call(*args: Any, **kwargs: Any) -> Any:
            self._faults.strike(f"{self._name}.{method}", "before")
            if self._faults.happens(f"paused before {self._name}.{method}"):
                self._faults.paused.append(partial(self._go_on, partial(real, *args, **kwargs)))
                raise Killed(method)
            answer = real(*args, **kwargs)
            self._done()
            self._faults.strike(f"{self._name}.{method}", "after")
            return answer

        return call

    def _go_on(self, call: Callable[[], object]) -> None:
        call()
        self._done()
