"""The numbers table as one process of many sees it."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from hkreach.domain.time import SECOND
from hkreach.ports import Clock
from tests.fakes.numbers import FakeNumbers

REMEMBERED = {"meta": 5 * SECOND, "number": SECOND}
OVERTAKEN = 30 * SECOND
"""For so long after a write that came too late it reads before each."""


class RememberedNumbers(FakeNumbers):
    """One process's: what it saw it believes for as long as the adapter does, so that a write may come too late."""

    def __init__(self, shared: FakeNumbers, now: Clock) -> None:
        super().__init__()
        self._shared, self._now = shared, now
        self._seen: dict[str, tuple[int, Any]] = {}
        self._overtaken: dict[str, int] = {}
        self.requests: Counter[str] = Counter()
        """Writes, those among them that came too late, and reads."""

    def _change[State, T](self, key: str, new: State, decide: Callable[[State], tuple[State, T]]) -> T:
        at, state = self._seen.get(key, (0, new))
        if self._now() - at >= REMEMBERED.get(key.partition("#")[0], 0):
            state = self._read(key, new)
        fresh = self._now() - self._overtaken.get(key, 0) >= OVERTAKEN
        while True:
            after, told = decide(state)
            if after == state:
                return told
            if not fresh:
                before, state, fresh = state, self._read(key, new), True
                if before != state:
                    continue
            self.requests["write"] += 1
            written = self._shared.states.get(key, new) == state
            if written:
                self._shared.states[key] = after
            state = self._shared.states[key]
            self._seen[key] = self._now(), state
            if written:
                return told
            fresh = True
            self._overtaken[key] = self._now()
            self.requests["late"] += 1

    def _read[State](self, key: str, new: State) -> State:
        self.requests["read"] += 1
        state: State = self._shared.states.get(key, new)
        self._seen[key] = self._now(), state
        return state
