"""The operator's `recover`, called again and again until it has gone through the whole table."""

from collections import Counter
from collections.abc import Callable
from itertools import count

from hkreach.usecases.administer_messages import AdministerMessages
from tests.chaos.faults import Faults

SOON, A_DAY = 600, 86_400
"""The shortest age, in seconds, that `recover` takes, and its default."""
_TIME = 50_000


class Operator:
    """Goes on where the last call stopped; after one that gave no answer, from the beginning."""

    def __init__(self, calls: AdministerMessages, faults: Faults) -> None:
        self._calls, self._faults = calls, faults
        self._next: str | None = None

    def recover(self, older_than_seconds: int) -> Counter[str]:
        """One call, and its counts; `more` is 1 if there is more to go through."""
        after, self._next = self._next, None
        answer = self._calls.recover(older_than_seconds, after, self._time_left())
        self._next = answer.pop("next")
        return Counter(answer)

    def recover_all(self, older_than_seconds: int) -> Counter[str]:
        """The sum of as many calls as it takes."""
        total: Counter[str] = Counter()
        self._next = None
        for _ in range(1_000):
            counts = self.recover(older_than_seconds)
            total.update(counts)
            if not counts["more"]:  # a call that had no time for its first page has no `next` either
                return total
        raise AssertionError("recover comes to no end")

    def _time_left(self) -> Callable[[], int]:
        if self._faults.random.random() < 0.5:
            return lambda: _TIME
        ticks = count(_TIME, -self._faults.random.randrange(500, 20_000))
        self._faults.met["operator's call short of time"] += 1
        return lambda: next(ticks)
