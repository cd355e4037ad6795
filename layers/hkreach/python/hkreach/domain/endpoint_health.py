"""What all who deliver to an endpoint share: its breaker, how long it has been failing, and when to look after it.

The breaker slows: while it is open nothing is posted, and one probe at a time finds out whether that has passed. The
patience ends: an endpoint that has failed without a success between for so long is disabled until its app resumes it.
One that answers slowly, whatever it answers, goes by a lane of its own, so that it holds up nobody else.
What it does not get meanwhile is held in the table; `wake_at` is when `wake_due` looks after that.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from hkreach.domain.breaker import Breaker, OpenTimes
from hkreach.domain.delivery import GONE, TOO_MANY_REQUESTS, Plan
from hkreach.domain.time import DAY, MINUTE, SECOND
from hkreach.domain.webhook_answer import Answer

WARNED_AT = (50, 70, 90, 100)
"""The parts of its patience, in per cent, at which an app is told. At the last the endpoint is disabled."""
SERVICE_UNAVAILABLE = 503
FAULT_OF_OURS = "fault of ours"
QUICK_TO_END = 5
"""So many quick answers, and no slow one between, and an endpoint is not slow any more."""
_SETTLES = 2 * MINUTE
"""Longer than anybody remembers an app or an endpoint's health: what is held by an old memory is in the table by then.
"""

type Admission = Literal["go", "probe", "breaker", "disabled"]
"""Whether an event may be posted, the second as the one probe; or why it is held."""


@dataclass(frozen=True, slots=True)
class EndpointLimits:
    """How long things may take, in milliseconds."""

    patience: int = 5 * DAY
    longest_wait: int = Plan().longest
    """Between two tries of one delivery."""
    probe: int = 15 * SECOND
    """One POST: the others wait as long for what becomes of a probe."""
    opens: OpenTimes = field(default_factory=lambda: OpenTimes(first=30, longest=1_800))
    suspect_after: int = SECOND
    """A POST that is not answered by then makes its endpoint slow for as long as one may take: until it is known."""
    slow_after: int = 3 * SECOND
    """A POST that takes so long makes its endpoint slow."""
    slow_for: int = 5 * MINUTE

    @property
    def forgotten(self) -> int:
        """Who was not tried for so long is not said to have failed in between.

        Longer than the longest wait, also if its end meets an open breaker: nobody gets new patience by asking for it.
        """
        return self.longest_wait + 2 * round(self.opens.longest * SECOND)

    def level(self, failing: int) -> int:
        """How much of the patience is used up, as the last level that was reached."""
        return max((level for level in WARNED_AT if failing * 100 >= self.patience * level), default=0)


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """Times in milliseconds. A value is never changed; each method gives the next."""

    breaker: Breaker = field(default_factory=Breaker)
    failing_since: int | None = None
    """The first failure after the last success."""
    failed_at: int | None = None
    """The last."""
    warned: int = 0
    """The last level that its app was told of."""
    disabled_at: int | None = None
    why: str | None = None
    """Why it is disabled: `410`, or `failing`."""
    wake_at: int | None = None
    """When `wake_due` looks after what is held; None: nothing is."""
    drain_began: int | None = None
    """Since when what is held is delivered, in order; None: it is not."""
    drained_to: str | None = None
    """The place in the table up to where that, or the search for a probe, got; None: begin at the beginning."""
    ending: bool = False
    """The last look found nothing. If the next finds nothing either, and nobody has held anything, it was the last."""
    slow_until: int | None = None
    """Until then first tries go by the slow lane. Quick answers end it sooner, and slow ones make it longer."""
    quick: int = 0
    """Quick answers since it was half over."""

    @property
    def is_calm(self) -> bool:
        """Whether there is nothing for a success to mend."""
        return self.breaker.is_calm and self.failing_since is None and self.disabled_at is None

    def is_slow(self, now: int) -> bool:
        """Whether first tries are not to hold up those of others."""
        return self.slow_until is not None and now < self.slow_until

    def goes_slowly(self, now: int) -> bool:
        """Whether a first try is put on the slow lane. What would be held is held at once, on either."""
        return self.is_slow(now) and self.disabled_at is None and not self.breaker.is_open(now)

    def suspected(self, now: int, limits: EndpointLimits) -> "EndpointHealth":
        """While a POST is still not answered: a hundred more could begin until it is."""
        return self if self.is_slow(now) else replace(self, slow_until=now + limits.probe, quick=0)

    def timed(self, now: int, took: int, limits: EndpointLimits) -> "EndpointHealth":
        """After a POST that took so many milliseconds.

        In the first half of the time that it is slow nothing changes: it costs few writes, however much it gets.
        """
        left = max(0, (self.slow_until or 0) - now)
        if left > limits.slow_for // 2:
            return self
        if took >= limits.slow_after:
            return replace(self, slow_until=now + limits.slow_for, quick=0)
        if not left or took >= limits.suspect_after:
            return self
        if self.quick + 1 >= QUICK_TO_END:
            return replace(self, slow_until=None, quick=0)
        return replace(self, quick=self.quick + 1)

    def admit(self, now: int, limits: EndpointLimits) -> tuple["EndpointHealth", Admission]:
        """Whether an event may be posted now."""
        if self.disabled_at is not None:
            return self, "disabled"
        if self.breaker.is_closed:
            return self, "go"
        if self.breaker.is_open(now):
            return self, "breaker"
        return replace(self, breaker=self.breaker.probed(now, limits.probe)), "probe"

    def failed(self, now: int, answer: Answer, limits: EndpointLimits) -> "EndpointHealth":
        """After a POST that was not taken."""
        if self.disabled_at is not None:
            return self
        lasting = self.failed_at is not None and now - self.failed_at <= limits.forgotten
        since = self.failing_since if lasting and self.failing_since is not None else now
        level = limits.level(now - since)
        counted = replace(
            self,
            breaker=self._breaker_after(now, answer, limits),
            failing_since=since,
            failed_at=now,
            warned=max(self.warned if lasting else 0, level),
        )
        if answer.status == GONE:
            return counted._disabled(now, str(GONE))  # noqa: SLF001 - its own kind
        if level == WARNED_AT[-1]:
            return counted._disabled(now, "failing")  # noqa: SLF001
        return counted._probed_later(now)  # noqa: SLF001

    def faulted(self, now: int, limits: EndpointLimits) -> "EndpointHealth":
        """A fault of ours lasts: others are held, and probed with, as after its own, but its patience is not used."""
        if self.disabled_at is not None or (self.breaker.is_open(now) and not self.breaker.probing):
            return self
        breaker = self.breaker.opened(now, limits.opens.after(self.breaker.opens), FAULT_OF_OURS)
        return replace(self, breaker=breaker)._probed_later(now)  # noqa: SLF001

    def _probed_later(self, now: int) -> "EndpointHealth":
        if self.wake_at is not None and self.breaker.is_open(now):
            return replace(self, wake_at=self.breaker.open_until, **_NO_DRAIN)
        return self

    def _breaker_after(self, now: int, answer: Answer, limits: EndpointLimits) -> Breaker:
        code = answer.failure or ""
        asks = answer.status in {TOO_MANY_REQUESTS, SERVICE_UNAVAILABLE} and answer.retry_after
        if asks:  # it says itself how long it wants nothing
            return self.breaker.opened(now, min(asks / SECOND, limits.opens.longest), code)
        return self.breaker.failed(now, code, limits.opens, unknown=answer.status is None)

    def _disabled(self, now: int, why: str) -> "EndpointHealth":
        return replace(self, disabled_at=now, why=why, warned=WARNED_AT[-1], wake_at=None, **_NO_DRAIN)

    def succeeded(self, now: int) -> "EndpointHealth":
        """After a POST that was taken. If it was the probe, what waits is delivered."""
        if self.disabled_at is not None:
            return self
        breaker = self.breaker.answered()
        mended = replace(self, breaker=breaker, failing_since=None, failed_at=None, warned=0)
        return mended.drained(now) if breaker.is_closed and not self.breaker.is_closed else mended

    def held(self, now: int) -> "EndpointHealth":
        """Something was held because of the breaker: see to it that somebody looks after it."""
        if self.disabled_at is not None:
            return self
        if self.wake_at is None and self.breaker.is_closed:
            return self.drained(now)
        if self.wake_at is None:
            return replace(self, wake_at=max(now, self.breaker.open_until), ending=False)
        return replace(self, ending=False)

    def drained(self, now: int) -> "EndpointHealth":
        """What waits is delivered, in order, from the beginning."""
        return replace(self, wake_at=now, drain_began=now, drained_to=None, ending=False)

    def resending(self, now: int) -> "EndpointHealth":
        """Something was held that is to go as soon as it can: it alone, and not what waits for a time of its own."""
        if not self.breaker.is_closed or self.disabled_at is not None:
            return self.held(now)
        began = 0 if self.drain_began is None else self.drain_began
        return replace(self, wake_at=now, drain_began=began, drained_to=None, ending=False)

    def resumed(self, now: int) -> "EndpointHealth":
        """As if it had never failed; what waits is delivered."""
        return EndpointHealth().drained(now)

    def paused(self) -> "EndpointHealth":
        """Its app wants it to get nothing: nobody looks after it."""
        return replace(self, wake_at=None, **_NO_DRAIN)

    # ---- what `wake_due` does when `wake_at` has come

    @property
    def wants_probe(self) -> bool:
        """Whether one of those held is to go as the probe, and the others to wait for what becomes of it."""
        return not self.breaker.is_closed

    def probe_queued(self, at: int) -> "EndpointHealth":
        """One was queued for then. What becomes of it says when to look again; this is for the case that it is lost."""
        return replace(self, wake_at=at + 5 * MINUTE, **_NO_DRAIN)

    def searched(self, now: int, last: str) -> "EndpointHealth":
        """Nothing to probe with was found up to `last`; the next minute's look goes on behind it."""
        return replace(self, wake_at=now + MINUTE // 2, drained_to=last)

    def some_queued(self, now: int, last: str | None) -> "EndpointHealth":
        """Some were queued; the next minute's look goes on behind `last`.

        None: that was the end of the line, and the next look is from its beginning, for what was held meanwhile.
        """
        return replace(self, wake_at=now + MINUTE // 2, drained_to=last, ending=False)

    def none_found(self, now: int) -> "EndpointHealth":
        """Nothing is held. Somebody may just be writing, so only the second such look in a row is the last."""
        if self.ending:
            return replace(self, wake_at=None, **_NO_DRAIN)
        return replace(self, wake_at=now + _SETTLES, drained_to=None, ending=True)


_NO_DRAIN: dict[str, Any] = {"drain_began": None, "drained_to": None, "ending": False}
