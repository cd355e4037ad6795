"""How long a step waits before it tries again."""

import random

from hkreach.domain.time import MINUTE

LONGEST_IN_QUEUE = 60
"""Seconds that a wait may last in a queue: what is hidden is in flight, and a queue holds at most 120,000 of that."""

MISSED_AFTER = 5 * MINUTE
"""Milliseconds: what waits in a queue comes due in the table that much later, in case its record is no more."""

MOST_RECEIVES = 10
"""A record that the queue gave that often waits in the table: after twenty times it would be a dead letter."""


def full_jitter(tries: int, base: float, longest: float = LONGEST_IN_QUEUE) -> int:
    """Whole seconds, at least 1, drawn evenly below `base` doubled with each of the `tries` so far."""
    ceiling = min(longest, base * 2 ** min(max(tries - 1, 0), 16))
    return max(1, round(random.uniform(0, ceiling)))  # noqa: S311 - spreads load, protects nothing
