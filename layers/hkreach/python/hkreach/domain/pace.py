"""The pace of a Meta number: how fast it may send, and how its senders share that.

Meta counts messages per second and number (80, or 1,000 when it raises a number), and refuses more with 130429. Two
marks on the clock are all the state there is: until when the rate is used up by what goes now, and until when by what
was told to come back. Source: Meta, "Messaging throughput"; the form is the generic cell rate algorithm.
"""

from dataclasses import dataclass, replace

from hkreach.domain.time import HOUR, SECOND

STANDARD = 80
"""Messages a second that Meta grants a number."""
HIGH = 1_000
"""The same after it raised the number (throughput level HIGH)."""
_USED = 0.95
"""The part of it that is used: between here and there messages bunch up."""
FREE_FROM = 38
"""Messages a second from which on a number is quick."""
_LOWEST = 0.5
_QUICK = 30 * SECOND
_SLOW = HOUR


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in milliseconds. A value is never changed; each method gives the next."""

    live_at: int = 0
    """The rate is used up until then by messages that go now."""
    booked_at: int = 0
    """The same by messages that wait for their time."""
    granted: int = STANDARD
    """Messages a second, as Meta said at `granted_at`; 0: it was never asked."""
    granted_at: int = 0
    cut_from: int = 0
    """The rate, in thousandths of a message a second, at which Meta last refused one for being too fast: `cut_at`."""
    cut_at: int = 0
    cut_until: int = 0
    """Until then it may refuse more of what was leased before that."""

    def rate(self, now: int, most: float | None = None) -> float:
        """Messages a second. `most` is the app's own setting.

        After a refusal it is half; in half a minute it comes back to nine tenths, and from there in an hour to all.
        """
        ceiling = float(self.granted if most is None else most)
        if self.cut_at:
            since = now - self.cut_at
            found = self.cut_from / 1_000
            back = found * (0.5 + 0.4 * min(1, since / _QUICK))
            back += (ceiling - back) * min(1, max(0, since - _QUICK) / _SLOW)
            ceiling = min(ceiling, max(_LOWEST, back))
        return ceiling * _USED

    def slowed(self, now: int, most: float | None = None) -> "Pace":
        """After Meta refused a message for being too fast; what was leased before that counts once."""
        if now < self.cut_until:
            return self
        found = round(self.rate(now, most) / _USED * 1_000)
        return replace(self, cut_from=found, cut_at=now, cut_until=max(now, self.live_at) + SECOND)

    def lease(self, now: int, count: int, rate: float) -> tuple["Pace", list[int]]:
        """Times for the next `count` messages that go now.

        After a second of silence they go at once; else they are spaced. So no second holds more than the rate.
        """
        span = _span(count, rate)
        if self.live_at <= now - SECOND and span <= SECOND:
            return replace(self, live_at=now + span), [now] * count
        start = max(self.live_at, now)
        return replace(self, live_at=start + span), [start + span * place // count for place in range(count)]

    def is_quiet(self, now: int, rate: float) -> bool:
        """Whether a message that is alone may go without a word.

        Nobody leased a time in the last second, and one message a second of each of 20 processes is far below the rate.
        """
        return self.live_at <= now - SECOND and rate >= FREE_FROM

    def is_idle(self, now: int, ahead: int = 0) -> bool:
        """Whether nobody stands in line, and what goes now uses the rate up for no more than `ahead` milliseconds.

        Not so while the rate comes back after a refusal.
        """
        is_back = not self.cut_at or now >= self.cut_at + _QUICK
        return is_back and self.booked_at <= now and self.live_at <= now + ahead

    def book(self, not_before: int, rate: float, count: int = 1) -> tuple["Pace", list[int]]:
        """The next free times for messages that come back."""
        at, span = max(self.booked_at, not_before), _span(count, rate)
        return replace(self, booked_at=at + span), [at + span * place // count for place in range(count)]


def _span(count: int, rate: float) -> int:
    """How long the rate is used up by so many messages: at least a millisecond."""
    return max(1, -int(-count * SECOND // rate))
