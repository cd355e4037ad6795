"""The pace between a number and one recipient: Meta takes one message in six seconds, and bursts that borrow.

Source: Meta, "Pair rate limits": a burst of up to 45, then 131056, to be tried again after 4^X seconds. Of both, the
burst and the rate, a part is for what each of 20 processes may send from its own memory without a word.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from threading import Lock

from hkreach.domain.time import MINUTE, SECOND

BURST = 24
"""Of Meta's 45."""
APART = 7_500
"""Milliseconds: eight messages in a minute; with two of 20 processes' free ones they are Meta's ten."""
_FREE_EVERY = 10 * MINUTE
_LONGEST_BLOCK = 4**6 * SECOND
_FORGOTTEN_AFTER = 10 * MINUTE
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class PairPace:
    """Times in milliseconds. A value is never changed; each method gives the next."""

    used_until: int = 0
    """Until when the rate is used up, what was borrowed included."""
    blocked_until: int = 0
    """Meta refused with 131056."""
    blocks: int = 0
    """X: how often in a row it did."""

    def take(self, now: int, count: int = 1) -> tuple["PairPace", int]:
        """When the next message may go: now, or later. It has its place from then on.

        `count` tells of messages that went before, without a word.
        """
        start = max(self.used_until, now)
        taken = start + (count - 1) * APART
        at = max(now, self.blocked_until, taken - (BURST - 1) * APART)
        return replace(self, used_until=max(taken, self.blocked_until) + APART), at

    def refused(self, now: int) -> "PairPace":
        """After 131056: nothing for 4^X seconds. Refusals of calls that were on their way count once."""
        if now < self.blocked_until:
            return self
        blocks = 0 if now - self.blocked_until > _FORGOTTEN_AFTER else self.blocks
        until = now + min(_LONGEST_BLOCK, 4**blocks * SECOND)
        used_until = max(self.used_until, until + (BURST - 1) * APART)  # Meta has no burst left, so neither have we
        return PairPace(used_until, until, blocks + 1)


class RecentPairs:
    """What one process remembers of the pairs it sent to: the first message in ten minutes needs nobody's leave."""

    def __init__(self) -> None:
        self._pairs: OrderedDict[tuple[str, str], tuple[int, int]] = OrderedDict()
        self._lock = Lock()

    def untold(self, pair: tuple[str, str], now: int) -> int:
        """How many messages of the pair the others must be told of now, this one among them; 0: it may just go."""
        with self._lock:
            untold, until = self._pairs.pop(pair, (0, 0))
            first = until <= now
            self._pairs[pair] = (1, now + _FREE_EVERY) if first else (0, until)
            self._forget()
            return 0 if first else untold + 1

    def watch(self, pair: tuple[str, str], until: int) -> None:
        """All that went is told of by now; all of the pair's messages need leave until then."""
        with self._lock:
            _, before = self._pairs.get(pair, (0, 0))
            self._pairs[pair] = (0, max(until, before))
            self._forget()

    def _forget(self) -> None:
        if len(self._pairs) > _REMEMBERED:
            self._pairs.popitem(last=False)
