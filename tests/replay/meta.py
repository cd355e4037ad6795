"""Meta, simulated: its limits, its outages, and its own count of what it really took.

The limits are those of Meta's documentation: so many messages a second for a number (above: 130429), and for a pair of
number and recipient 45 at once and one each six seconds (above: 131056). What it refuses counts towards no limit.
"""

import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from hkreach.domain.meta_outcome import NO_CONNECTION, Accepted, NotSent, Outcome, Uncertain
from hkreach.domain.time import HOUR, SECOND
from tests.replay.timeline import Timeline

CALL = 200
"""Milliseconds that a call takes."""
CALL_TIMES_OUT = 20 * SECOND
THROUGHPUT, PAIR = "130429", "131056"
_PAIR_BURST, _PAIR_EACH = 45, 6 * SECOND


@dataclass(frozen=True)
class Rate:
    """`most` messages in any `window` milliseconds."""

    most: int
    window: int

    @property
    def per_second(self) -> float:
        return self.most * SECOND / self.window


@dataclass(frozen=True)
class Outage:
    """From `start` to `end` (milliseconds) no call is answered well. What the calls meet, as shares of all of them."""

    start: int
    end: int
    refused: float = 0.60
    """The connection does not open."""
    unavailable: float = 0.38
    """Graph error 131016: not processed."""
    torn_though_taken: float = 0.01
    """No answer comes before the call's time is up, yet Meta took the message. Other torn calls were not taken."""

    @property
    def lasts(self) -> int:
        return self.end - self.start


class SimulatedMeta:
    """Answers each call by its limits and outages. `told` hears of each message taken."""

    def __init__(self, timeline: Timeline, rate: Rate, outage: Outage | None = None, seed: int = 1) -> None:
        self.timeline, self._rate, self.outage = timeline, rate, outage
        self._random = random.Random(seed)
        self._sent: dict[str, deque[int]] = {}
        self._pairs: dict[tuple[str, str], tuple[float, int]] = {}
        self.taken: dict[str, list[int]] = {}
        """When it took each message: more than once is a double."""
        self.answers: Counter[str] = Counter()
        """How many calls it answered, by what it said."""
        self.refusals: list[tuple[int, str]] = []
        """When it refused a call for a limit, and which."""
        self.told: Callable[[str, str, str], object] = lambda message_id, wamid, number: None

    @property
    def is_out(self) -> bool:
        return self.outage is not None and self.outage.start <= self.timeline() < self.outage.end

    def answer(self, number: str, to: str, message_id: str) -> tuple[int, Outcome]:
        """How many milliseconds its answer to this call takes, and what the caller makes of it."""
        took, outcome = (
            self._in_outage(number, message_id) if self.is_out else self._by_its_limits(number, to, message_id)
        )
        said = outcome.code if isinstance(outcome, NotSent) else type(outcome).__name__.lower()
        self.answers[f"{said} in the outage" if self.is_out else said] += 1
        return took, outcome

    def _in_outage(self, number: str, message_id: str) -> tuple[int, Outcome]:
        assert self.outage is not None
        drawn = self._random.random()
        for share, took, outcome in (
            (self.outage.refused, 5, NotSent(NO_CONNECTION)),
            (self.outage.unavailable, CALL, NotSent("131016")),
        ):
            if drawn < share:
                return took, outcome
            drawn -= share
        if drawn < self.outage.torn_though_taken:
            self._take(number, message_id)
        return CALL_TIMES_OUT, Uncertain("ReadTimeout")

    def _by_its_limits(self, number: str, to: str, message_id: str) -> tuple[int, Outcome]:
        now = self.timeline()
        sent = self._sent.setdefault(number, deque())
        while sent and sent[0] <= now - self._rate.window:
            sent.popleft()
        left, at = self._pairs.get((number, to), (_PAIR_BURST, now))
        left = min(_PAIR_BURST, left + (now - at) / _PAIR_EACH)
        limit = THROUGHPUT if len(sent) >= self._rate.most else PAIR if left < 1 else None
        if limit is not None:
            self.refusals.append((now, limit))
            return CALL, NotSent(limit)
        sent.append(now)
        self._pairs[number, to] = (left - 1, now)
        return CALL, Accepted(self._take(number, message_id))

    def _take(self, number: str, message_id: str) -> str:
        times = self.taken.setdefault(message_id, [])
        times.append(self.timeline())
        wamid = f"wamid.{message_id}.{len(times)}"
        self.told(message_id, wamid, number)
        return wamid

    def callbacks_at(self) -> int:
        """When what it took now is told by callbacks: in an outage these come after it, over half an hour."""
        if not self.is_out:
            return self.timeline() + SECOND
        assert self.outage is not None
        return self.outage.end + self._random.randrange(HOUR // 2)
