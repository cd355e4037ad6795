"""The simulated Meta's time: one clock for its limits and its records, so that the one can be checked by the other."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

type Clock = Callable[[], float]
"""Tells the seconds since 1970, and never steps back."""


def steady_clock() -> Clock:
    """Return a clock that is set once, now, and is not set again when the machine's is."""
    origin = time.time() - time.monotonic()
    return lambda: origin + time.monotonic()


def as_text(seconds: float) -> str:
    """Return a moment as records show it: RFC 3339 to the microsecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
