"""A circuit breaker that all senders share: for one Meta number, and for Meta as a whole.

It opens on failures in a row. When its time is over one message goes as a probe, and the others wait for what becomes
of it. Each opening in a row lasts twice as long as the one before.
"""

from dataclasses import dataclass, replace

from hkreach.domain.time import HOUR, SECOND

UNKNOWNS_TO_OPEN = 2
"""Each may be a message that nobody can account for, so two in a row are enough."""
FAILURES_TO_OPEN = 5
_FOR_GOOD = 253_402_300_800_000
"""Milliseconds: the year 10000."""


@dataclass(frozen=True, slots=True)
class OpenTimes:
    """How long a breaker stays open, in seconds: the first time, and at most."""

    first: float = 15
    longest: float = 300

    def after(self, opens: int) -> float:
        """The next time, after so many in a row."""
        return min(self.longest, self.first * 2.0 ** min(opens, 16))


@dataclass(frozen=True, slots=True)
class Breaker:
    """Times in milliseconds. A value is never changed; each method gives the next."""

    failures: int = 0
    """In a row, since Meta last answered."""
    unknowns: int = 0
    """Those of them of which nobody knows whether they sent."""
    opens: int = 0
    """In a row."""
    open_until: int = 0
    """0: closed. Past: half open, it is time for a probe."""
    code: str | None = None
    """Why it is open: Meta's code, or a word."""
    account: str | None = None
    """The account that Meta refuses; another one need not wait."""
    probing: bool = False

    @property
    def is_closed(self) -> bool:
        """Whether everything goes."""
        return not self.open_until

    @property
    def is_calm(self) -> bool:
        """Whether there is nothing for a success to mend."""
        return self.is_closed and not self.failures

    def is_open(self, now: int) -> bool:
        """Whether nothing goes."""
        return now < self.open_until

    @property
    def is_held(self) -> bool:
        """Whether it is open until somebody closes it: no probe goes."""
        return self.open_until == _FOR_GOOD

    def probed(self, now: int, lasts: int) -> "Breaker":
        """The one probe goes now; for `lasts` milliseconds the others wait for it."""
        return replace(self, open_until=now + lasts, probing=True)

    def failed(self, now: int, code: str, times: OpenTimes, *, unknown: bool) -> "Breaker":
        """After a failure: open, if it was the probe or one too many. What comes while it is open does not matter."""
        if self.probing:
            return self.opened(now, times.after(self.opens), code)
        if not self.is_closed:
            return self
        counted = replace(self, failures=self.failures + 1, unknowns=self.unknowns + unknown)
        if counted.failures >= FAILURES_TO_OPEN or counted.unknowns >= UNKNOWNS_TO_OPEN:
            return counted.opened(now, times.after(self.opens), code)
        return counted

    def opened(self, now: int, seconds: float, code: str, account: str | None = None) -> "Breaker":
        """Open for so long at least, and for an hour at most: what Meta asks for may be a day, and wrong."""
        if self.is_held:
            return self
        until = now + round(min(seconds * SECOND, HOUR))
        longer = until if self.probing else max(self.open_until, until)
        if self.account and not account and not self.probing:  # on its way when the account was refused
            return replace(self, open_until=longer)
        opens = self.opens + (self.probing or self.is_closed)  # of a batch's refusals the first opens it
        return replace(self, opens=opens, open_until=longer, code=code, account=account, probing=False)

    def held(self, code: str, account: str) -> "Breaker":
        """Open until somebody closes it."""
        return Breaker(opens=self.opens + 1, open_until=_FOR_GOOD, code=code, account=account)

    def answered(self) -> "Breaker":
        """After Meta answered: closed. While it is open only the probe's answer counts."""
        return Breaker() if self.probing or self.is_closed else self
