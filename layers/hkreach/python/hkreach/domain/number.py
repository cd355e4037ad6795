"""What the senders of a Meta number share, and what those of all numbers do: when a message may go."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hkreach.domain.breaker import Breaker, OpenTimes
from hkreach.domain.meta_outcome import Halted, NotSent, Outcome, Uncertain
from hkreach.domain.pace import FREE_FROM, Pace
from hkreach.domain.time import HOUR, MINUTE, SECOND

PAIR_RATE, NUMBER_RATE, UPLOAD, BREAKER, HALTED = "pair_rate", "number_rate", "upload", "breaker", "halted"
"""Why a message waits untried; behind the last two, and a colon, stands the code that opened the breaker."""
_SOON = 5 * SECOND
_LOOKS_AGAIN = HOUR
"""How long a message waits for an account that is not asked again, until it looks whether somebody mended that."""
_LATE, _LATE_ON_A_QUICK_NUMBER, _GOOD_FOR = 250, SECOND, 15 * SECOND
_ROOM = 350
"""Milliseconds: with the rate used up for longer than that a number has no room for what was leased long ago."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take."""

    probe: int
    """One probe, in milliseconds: the others wait as long for it."""
    halted: int
    """Until an account that Meta refuses is tried again, in seconds."""
    patience: int = 3_000
    """How long a sender holds a message until its time, in milliseconds; an urgent one twice as long."""
    opens: OpenTimes = field(default_factory=OpenTimes)
    """How long a breaker stays open."""


@dataclass(frozen=True, slots=True)
class Go:
    """Messages may go at these times, in milliseconds: now or soon. `asks`: ask Meta then what it grants the number."""

    times: list[int]
    asks: bool = False
    late: int = field(default=_LATE, compare=False)
    """For how many milliseconds a time may be used late: longer on a quick number, where that bunches up little."""
    good_for: int = field(default=_LATE, compare=False)
    """The same while the number has room."""


@dataclass(frozen=True, slots=True)
class Later:
    """The message's time is `at`; why, in a word of this module. `more`: times for others of the number at hand."""

    at: int
    why: str
    more: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """A sender asks for its next messages of a number."""

    now: int
    count: int
    """How many it has at hand."""
    account: str
    """Tells one token of the number from another."""
    messages_per_second: float | None = None
    """The app's own setting; None: what Meta grants."""
    urgent: bool = False
    """A one-time code: it goes before what waits."""
    at_hand: int = 1
    """How many it has at hand that are not more urgent than this one."""
    waited: bool = False
    """It has waited, and need not stand behind those that have not."""
    alone: bool = False
    """It is the only one at hand, and this process sent none of the number's in the last second."""
    ahead: int = 0
    """As many it may have to send in the next seconds: it gets times for them too, while nobody else needs them."""
    may_knock: bool = False
    """If there is no room now, it comes back in some seconds; else it goes to the end of the line."""


@dataclass(frozen=True, slots=True)
class NumberState:
    """A value is never changed; each method gives the next."""

    pace: Pace = field(default_factory=Pace)
    breaker: Breaker = field(default_factory=Breaker)

    def admit(self, asked: Request, limits: Limits, meta: Breaker, *, probes: bool) -> tuple["NumberState", Go | Later]:
        """When the messages may go. `meta` is the breaker of Meta as a whole; `probes`: this is the probe for it."""
        now, breaker = asked.now, self.breaker
        if breaker.account and breaker.account != asked.account:  # what Meta refused was another token
            return self.resumed().admit(asked, limits, meta, probes=probes)
        if stop := self._stop(now, meta, probes=probes):
            return self._later(asked, *stop)
        if not breaker.is_closed:
            return replace(self, breaker=breaker.probed(now, limits.probe)), Go([now])
        if probes:  # whatever else waits: as long as it does not go, nobody does
            return self, Go([now])
        until, rate = now + limits.patience * (2 if asked.urgent else 1), self.pace.rate(now, asked.messages_per_second)
        if self.pace.booked_at > until and not (asked.urgent or asked.waited):
            return self._later(asked, now, NUMBER_RATE)
        if asked.alone and self.pace.is_quiet(now, rate):
            return self, Go([now])
        quick = rate >= FREE_FROM
        wanted = max(asked.count, asked.ahead if quick and self.pace.is_idle(now) else 0)
        _, times = self.pace.lease(now, wanted, rate)
        count = sum(at <= until for at in times)
        if not count and asked.waited and asked.may_knock:
            return self, Later(_soon(now), NUMBER_RATE)
        if not count:
            return self._later(asked, now, NUMBER_RATE)
        pace, times = self.pace.lease(now, count, rate)
        late, good_for = (_LATE_ON_A_QUICK_NUMBER, _GOOD_FOR) if quick else (_LATE, _LATE)
        asks = asked.messages_per_second is None and times[0] > now + SECOND and pace.granted_at < now - HOUR
        return replace(self, pace=replace(pace, granted_at=now) if asks else pace), Go(times, asks, late, good_for)

    def _stop(self, now: int, meta: Breaker, *, probes: bool) -> tuple[int, str] | None:
        """Until when nobody goes, and why; None: nothing stops who asks."""
        breaker = self.breaker
        why = f"{HALTED if breaker.account else BREAKER}:{breaker.code}"
        if breaker.is_held:
            return breaker.open_until, why
        if not probes and meta.is_open(now):
            return max(meta.open_until, breaker.open_until), f"{BREAKER}:{meta.code}"
        return (breaker.open_until, why) if not probes and breaker.is_open(now) else None

    def has_room(self, asked: Request) -> bool:
        """Whether a time that was leased some seconds ago can still be used: the number is quick and far from busy."""
        is_quick = self.pace.rate(asked.now, asked.messages_per_second) >= FREE_FROM
        return self.breaker.is_closed and is_quick and self.pace.is_idle(asked.now, _ROOM)

    def refuses(self, asked: Request) -> bool:
        """Whether who asks has an account that Meta refuses, and that must not be asked with again."""
        return self.breaker.is_held and self.breaker.account == asked.account

    def after(self, outcome: Outcome, asked: Request, limits: Limits) -> tuple["NumberState", int | None]:
        """What a call teaches; and when a message that was not sent has its next time, if that is known."""
        now, breaker = asked.now, self.breaker
        match outcome:
            case Uncertain():
                breaker = breaker.failed(now, "unknown", limits.opens, unknown=True)
            case Halted(code) if outcome.by_hand_only:
                breaker = breaker.held(code, asked.account)
            case Halted(code):
                breaker = breaker.opened(now, limits.halted, code, asked.account)
            case NotSent(code) if outcome.throttle.scope == "meta":
                breaker = breaker.failed(now, code, limits.opens, unknown=False)
            case NotSent(code) if outcome.throttle.scope == "number" and outcome.throttle.seconds:
                breaker = breaker.opened(now, outcome.seconds, code)
            case NotSent(code) if outcome.throttle.scope == "number":
                pace = self.pace.slowed(now, asked.messages_per_second)
                asks = outcome.retry_after
                breaker = breaker.opened(now, asks, code) if asks else breaker.answered()
                return _place(NumberState(pace, breaker), asked, breaker.open_until if asks else now)
            case _:  # it answered, whatever it said
                breaker = breaker.answered()
        after = self if breaker == self.breaker else replace(self, breaker=breaker)
        if isinstance(outcome, NotSent | Halted) and breaker.is_open(now):
            return _place(after, asked, breaker.open_until)
        return after, None

    def granted(self, messages_per_second: int) -> "NumberState":
        """Meta said how many messages a second it grants."""
        return replace(self, pace=replace(self.pace, granted=messages_per_second))

    def resumed(self) -> "NumberState":
        """The number goes on at once: nobody stands behind those who wait for what stopped it."""
        return NumberState(self.without_line().pace)

    def without_line(self) -> "NumberState":
        """The places that were given are void: those who have them get others."""
        return replace(self, pace=replace(self.pace, booked_at=0))

    def _later(self, asked: Request, not_before: int, why: str) -> tuple["NumberState", Later]:
        state, (at, *more) = _places(self, asked, not_before, asked.at_hand)
        return state, Later(at, why, tuple(more))


@dataclass(frozen=True, slots=True)
class MetaState:
    """What the senders of all numbers share. A value is never changed; each method gives the next."""

    breaker: Breaker = field(default_factory=Breaker)
    last_number: str | None = None
    """The number whose own breaker opened last, at `last_at`, for a reason that may be everybody's."""
    last_at: int = 0

    def probed(self, now: int, limits: Limits) -> tuple["MetaState", bool]:
        """Whether the message that asks is the probe for all."""
        if self.breaker.is_closed or self.breaker.is_open(now):
            return self, False
        return replace(self, breaker=self.breaker.probed(now, limits.probe)), True

    def after(self, outcome: Outcome, number: str, now: int, limits: Limits, *, opened: bool) -> "MetaState":
        """What a call teaches. `opened`: it opened the number's breaker.

        One number's failures say nothing of the others'; a second number's within a minute do.
        """
        breaker = self.breaker
        if isinstance(outcome, NotSent) and stops_everybody(outcome):
            least = limits.opens.after(breaker.opens) if breaker.probing else 0
            return replace(self, breaker=breaker.opened(now, max(least, outcome.seconds), outcome.code))
        if not is_failure(outcome):
            return self if breaker.is_calm else replace(self, breaker=breaker.answered())
        code = outcome.code if isinstance(outcome, NotSent) else "unknown"
        if breaker.probing:
            return replace(self, breaker=breaker.failed(now, code, limits.opens, unknown=True))
        if not opened:
            return self
        second = self.last_number not in {None, number} and now - self.last_at < MINUTE
        if second and breaker.is_closed:
            breaker = breaker.opened(now, limits.opens.first, code)
        return MetaState(breaker, number, now)


def stops_everybody(outcome: Outcome) -> bool:
    """Whether one such refusal is enough to stop all numbers, and not one of several in a row: Meta says how long."""
    return isinstance(outcome, NotSent) and outcome.throttle.scope == "meta" and bool(outcome.seconds)


def is_failure(outcome: Outcome) -> bool:
    """Whether Meta gave no answer of its own: the reason may be everybody's."""
    return isinstance(outcome, Uncertain) or (isinstance(outcome, NotSent) and outcome.throttle.scope == "meta")


def _soon(after: int) -> int:
    return after + SECOND + random.randrange(_SOON)  # noqa: S311 - spreads load, protects nothing


def _place(state: NumberState, asked: Request, not_before: int) -> tuple[NumberState, int]:
    after, (at,) = _places(state, asked, not_before, 1)
    return after, at


def _places(state: NumberState, asked: Request, not_before: int, count: int) -> tuple[NumberState, list[int]]:
    """Places in the line of those who wait. An urgent message has no use for one at its end.

    While nobody may ask Meta there is no line: each looks again later.
    """
    if state.breaker.is_held:
        return state, [asked.now + _LOOKS_AGAIN] * count
    if asked.urgent:
        return state, [_soon(not_before)]
    rate = state.pace.rate(asked.now, asked.messages_per_second)
    pace, times = state.pace.book(max(not_before, asked.now + SECOND), rate, count)
    return replace(state, pace=pace), times
