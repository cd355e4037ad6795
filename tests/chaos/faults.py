"""Faults, struck at random before and after every call that a step makes on its adapters.

The calls are counted by the wrapper, outside the production code: a new call is among them by itself.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

from botocore.exceptions import ClientError

type When = Literal["before", "after"]


class Killed(BaseException):
    """The process is gone: no handler of ours sees it."""


class TimedOut(Killed):
    """Lambda ended the invocation: its time was up."""


class OutOfTime(Killed):
    """The batch did not wait for this record any longer; its call goes on when the process is thawed."""


class Failed(OSError):
    """An adapter's call failed: before (it did nothing) or after (it was done, and its answer got lost)."""


STOPPED = (ClientError, Failed, Killed)
"""What a step that does not come to its end may end with."""
TABLES = ("messages", "apps", "unsettled")
_READS = ("get", "due", "forgotten")
_RARELY = 0.01
_OFTEN: Mapping[str, float] = {"before messages.claim": 0.2}
"""Where two workers with one record meet."""


def throttled(call: str) -> ClientError:
    """What boto3 raises when its own retries did not help."""
    error = {"Code": "ThrottlingException", "Message": "Rate of requests exceeds the allowed throughput"}
    return ClientError({"Error": error}, call)


def survive[Answer](step: Callable[[], Answer]) -> Answer | None:
    """What the step gives, or None if it was killed or failed."""
    try:
        return step()
    except STOPPED:
        return None


class Faults:
    """Decides by a seeded random generator whether a call is struck; counts what it did by class."""

    def __init__(self, seed: int, rate: float) -> None:
        self.random = random.Random(seed)
        self.rate = rate
        self.struck: Counter[str] = Counter()
        self.met: Counter[str] = Counter()
        """What came of them that is a class of its own, and is not counted as a fault."""
        self.overtake: Callable[[], None] = lambda: None
        """Lets another worker run in the middle of this one."""
        self.paused: list[Callable[[], object]] = []
        """Calls of processes that stood still so long that they count as dead, and then go on."""
        self._depth = 0

    def stop(self) -> None:
        """From now on nothing goes wrong."""
        self.rate = 0

    def happens(self, kind: str, rate: float | None = None) -> bool:
        """Whether this fault happens now; if so it is counted."""
        happens = self.random.random() < (self.rate if rate is None or not self.rate else rate)
        if happens:
            self.struck[kind] += 1
        return happens

    def strike(self, call: str, when: When) -> None:
        """Kill the process, fail the call, or let another worker overtake; most often nothing."""
        if self._depth == 0 and self.happens(f"overtaken {when} {call}", _OFTEN.get(f"{when} {call}")):
            self._depth += 1
            try:
                self.overtake()
            finally:
                self._depth -= 1
        if self.happens(f"killed {when} {call}"):
            raise Killed(call)
        if self.happens(f"Lambda timed out {when} {call}", _RARELY):
            raise TimedOut(call)
        if when == "before" and call.startswith(TABLES) and self.happens(f"throttled {call}"):
            raise throttled(call)
        if not call.startswith("meta.") and self.happens(f"failed {when} {call}"):
            raise Failed(call)


class FewFaults(Faults):
    """Faults of some kinds only, and more of those. `kinds`: how they begin."""

    def __init__(self, seed: int, rate: float, kinds: tuple[str, ...]) -> None:
        super().__init__(seed, rate)
        self._kinds = kinds

    def happens(self, kind: str, rate: float | None = None) -> bool:
        return kind.startswith(self._kinds) and super().happens(kind)


class Interposed:
    """An adapter whose every call may be struck. `done` is told of each call that was made: whether it wrote."""

    def __init__(self, name: str, adapter: Any, faults: Faults, done: Callable[[], bool] = lambda: True) -> None:
        self._name, self._adapter, self._faults, self._done = name, adapter, faults, done

    def __getattr__(self, method: str) -> Any:
        real = getattr(self._adapter, method)
        name = f"{self._name}.{method}"

        def call(*args: Any, **kwargs: Any) -> Any:
            make = partial(self._make, name, partial(real, *args, **kwargs))
            self._faults.strike(name, "before")
            if self._faults.happens(f"paused before {name}"):
                self._faults.paused.append(make)
                raise Killed(name)
            if self._faults.happens(f"Lambda: record out of time before {name}", _RARELY):
                self._faults.paused.append(make)
                raise OutOfTime(name)
            answer = make()
            self._faults.strike(name, "after")
            return answer

        return call

    def _make(self, name: str, call: Callable[[], Any]) -> Any:
        answer = call()
        wrote = self._done()
        if not wrote and not name.endswith(_READS):
            self._faults.met[f"conditional check lost: {name}"] += 1
        return answer
