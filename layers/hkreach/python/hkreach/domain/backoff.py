"""How long a step waits before it tries again."""

import random


def full_jitter(tries: int, base: float, longest: float = 60.0) -> int:
    """Whole seconds, at least 1, drawn evenly below `base` doubled with each of the `tries` so far.

    Longest is a minute: a hidden SQS message counts as in flight, and a queue holds at most 120,000 of those.
    """
    ceiling = min(longest, base * 2 ** min(max(tries - 1, 0), 16))
    return max(1, round(random.uniform(0, ceiling)))  # noqa: S311 - spreads load, protects nothing
