"""A clock that rings at the end, by another one's time: what waits in between is the test's own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hkreach.ports import Clock


class FakeOverdue:
    """Implements the port `Overdue`."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self.rang = 0

    @contextmanager
    def __call__(self, milliseconds: int, ring: Callable[[], None]) -> Iterator[None]:
        began = self._now()
        try:
            yield
        finally:
            if self._now() - began >= milliseconds:
                self.rang += 1
                ring()
