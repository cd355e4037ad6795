"""When a message may go: the pace of its number and of the pair, and the breakers, shared by all senders."""

import random
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import sha256
from threading import Lock

from aws_lambda_powertools import Logger

from hkreach.domain.app import App, MetaAccount
from hkreach.domain.breaker import Breaker
from hkreach.domain.message import OutboundMessage
from hkreach.domain.meta_outcome import Accepted, NotSent, Outcome, Refused
from hkreach.domain.number import (
    NUMBER_RATE,
    PAIR_RATE,
    Go,
    Later,
    Limits,
    MetaState,
    NumberState,
    Request,
    stops_everybody,
)
from hkreach.domain.pair_pace import PairPace, RecentPairs
from hkreach.domain.time import SECOND
from hkreach.ports import Clock, Contended, Numbers

logger = Logger(service="hkreach", child=True)

_KNOCKS = 3
"""How often a record that has waited is told to come back in some seconds before it goes to the end of the line."""
_MOST_AHEAD = 10
"""Messages that a process leases times for because it sent as many in the last second, or the number has room."""

_A_FIFTH = 5
"""A batch so large shares the write for its lease well enough."""


class Admission:
    """One for each process. In memory it keeps the times that it leased and the pairs of the last minutes."""

    def __init__(self, numbers: Numbers, now: Clock, limits: Limits) -> None:
        self._numbers, self._now, self._limits = numbers, now, limits
        self._locks: defaultdict[str, Lock] = defaultdict(Lock)
        self._leased: defaultdict[str, deque[int]] = defaultdict(deque)
        self._late: dict[str, tuple[int, int]] = {}
        """For how many milliseconds a time may be used late: if the number is busy, and if it has room."""
        self._used: defaultdict[str, deque[int]] = defaultdict(deque)
        self._places: dict[str, tuple[int, Later]] = {}
        """When places in the line were given last, and which of them are left."""
        self._pairs = RecentPairs()
        self._number_is_calm: dict[str, bool] = {}
        self._meta_is_calm = True

    def ask(self, message: OutboundMessage, app: App, account: MetaAccount, receives: int, batch: int) -> Go | Later:
        """When the message may go.

        `receives`: how often the queue gave this record; `batch`: how many messages this process has at hand, and so
        for how many it leases times with one write.
        """
        if message.waits_for == PAIR_RATE and (message.next_try_at or 0) > self._now():
            return Later(message.next_try_at or 0, PAIR_RATE)  # a repeated record: the place that it has comes later
        number = account.phone_number_id
        waited = receives > 1 or message.waits_for is not None or message.tries > 0
        try:
            with self._locks[number]:  # the threads of a batch lease together
                asked = replace(
                    self._request(message, app, account, waited=waited),
                    count=self._count(number, batch),
                    at_hand=batch,
                    alone=batch == 1 and not self._used[number],
                    ahead=_MOST_AHEAD if batch < _A_FIFTH else 0,
                    may_knock=receives <= _KNOCKS,
                )
                turn = self._turn(number, asked)
            # The pair last: a place that is not used there would be lost.
            if isinstance(turn, Later) or (at := self._time_of_pair(number, message)) <= self._now():
                return turn
            self._leased[number].extendleft(turn.times)  # for another message
            return Later(at, PAIR_RATE)
        except Contended:
            return Later(self._now() + random.randrange(SECOND, 5 * SECOND), NUMBER_RATE)  # noqa: S311 - spreads load

    def tell(self, message: OutboundMessage, app: App, account: MetaAccount, outcome: Outcome) -> int | None:
        """What became of the call. Returns when the message may be tried again at the earliest, if that is known.

        It never raises: whatever happens here, the message's own outcome is still to be written.
        """
        try:
            return self._tell(message, app, account, outcome)
        except Exception:
            logger.exception("could not tell the other senders", message_id=message.message_id)
            return None

    def granted(self, account: MetaAccount, messages_per_second: int) -> None:
        """Meta said what it grants the number. It never raises either."""
        try:
            self._numbers.number(account.phone_number_id, lambda state: (state.granted(messages_per_second), None))
        except Exception:
            logger.exception("could not tell what Meta grants", phone_number_id=account.phone_number_id)

    def _time_of_pair(self, number: str, message: OutboundMessage) -> int:
        now = self._now()
        has_place = message.waits_for == PAIR_RATE
        untold = 1 if has_place else self._pairs.untold((number, message.to), now)

        def decide(pair: PairPace) -> tuple[PairPace, tuple[int, int]]:
            if has_place and pair.blocked_until <= now:
                return pair, (now, pair.used_until)
            after, at = pair.take(now, untold)
            return after, (at, after.used_until)

        return self._change_pair(number, message.to, decide) if untold else now

    def _change_pair(self, number: str, to: str, decide: Callable[[PairPace], tuple[PairPace, tuple[int, int]]]) -> int:
        at, used_until = self._numbers.pair(number, to, decide)
        self._pairs.watch((number, to), used_until)
        return at

    def _turn(self, number: str, asked: Request) -> Go | Later:
        leased, now, asks = self._leased[number], asked.now, False
        self._void_what_is_late(number, asked)
        if not leased:
            turn = self._next_place(number, asked) or self._lease(number, asked)
            if isinstance(turn, Later):
                return turn
            leased.extend(turn.times)
            asks, self._late[number] = turn.asks, (turn.late, turn.good_for)
        self._used[number].append(now)
        return Go([max(now, leased.popleft())], asks)

    def _void_what_is_late(self, number: str, asked: Request) -> None:
        leased, (late, good_for) = self._leased[number], self._late.get(number, (0, 0))
        if leased and leased[0] < asked.now - late and not self._has_room(number, asked):
            good_for = late
        while leased and leased[0] < asked.now - good_for:
            leased.popleft()

    def _has_room(self, number: str, asked: Request) -> bool:
        """As it was a moment ago; it costs no write."""
        return self._numbers.meta(lambda state: (state, state.breaker.is_closed)) and self._numbers.number(
            number, lambda state: (state, state.has_room(asked))
        )

    def _next_place(self, number: str, asked: Request) -> Later | None:
        """One of the places that were given for the whole batch a moment ago."""
        given_at, given = self._places.get(number, (0, None))
        if asked.urgent or given is None or not given.more or given_at <= asked.now - SECOND:
            return None
        self._places[number] = given_at, Later(given.more[0], given.why, given.more[1:])
        return self._places[number][1]

    def _lease(self, number: str, asked: Request) -> Go | Later:
        meta, probes = self._look_at_meta(number, asked)

        def decide(state: NumberState) -> tuple[NumberState, tuple[Go | Later, bool]]:
            after, turn = state.admit(asked, self._limits, meta, probes=probes)
            return after, (turn, after.breaker.is_calm)

        turn, self._number_is_calm[number] = self._numbers.number(number, decide)
        if isinstance(turn, Later):
            self._places[number] = asked.now, turn
        return turn

    def _look_at_meta(self, number: str, asked: Request) -> tuple[Breaker, bool]:
        def decide(state: MetaState) -> tuple[MetaState, tuple[Breaker, bool]]:
            after, probes = state.probed(asked.now, self._limits)
            if probes and self._numbers.number(number, lambda own: (own, own.refuses(asked))):
                return state, (state.breaker, False)  # who must not call is no probe
            return after, (after.breaker, probes)

        breaker, probes = self._numbers.meta(decide)
        self._meta_is_calm = breaker.is_calm
        return breaker, probes

    def _count(self, number: str, batch: int) -> int:
        used, now = self._used[number], self._now()
        while used and used[0] <= now - SECOND:
            used.popleft()
        return max(batch, min(len(used) + 1, _MOST_AHEAD))

    def _tell(self, message: OutboundMessage, app: App, account: MetaAccount, outcome: Outcome) -> int | None:
        number, went_well = account.phone_number_id, isinstance(outcome, Accepted | Refused)
        asked = self._request(message, app, account, waited=True)
        at, opened = None, False
        if not (went_well and self._number_is_calm.get(number, True)):

            def decide(state: NumberState) -> tuple[NumberState, tuple[int | None, Breaker, Breaker]]:
                after, at = state.after(outcome, asked, self._limits)
                return after, (at, state.breaker, after.breaker)

            at, before, after = self._numbers.number(number, decide)
            opened, self._number_is_calm[number] = before.is_closed and not after.is_closed, after.is_calm
            if not after.is_closed or stops_everybody(outcome):
                with self._locks[number]:
                    self._leased[number].clear()  # they were of before
        if opened or not self._meta_is_calm or stops_everybody(outcome):
            self._numbers.meta(
                lambda state: (state.after(outcome, number, asked.now, self._limits, opened=opened), None)
            )
        if isinstance(outcome, NotSent):
            if outcome.throttle.scope == "recipient":
                at = self._change_pair(number, message.to, partial(_refused, asked.now))
            return max(at or 0, asked.now + outcome.seconds * SECOND) if at or outcome.seconds else None
        return at

    def _request(self, message: OutboundMessage, app: App, account: MetaAccount, *, waited: bool) -> Request:
        return Request(
            self._now(), 1, fingerprint(account), app.messages_per_second, urgent=message.is_urgent, waited=waited
        )


def _refused(now: int, pair: PairPace) -> tuple[PairPace, tuple[int, int]]:
    after = pair.refused(now)
    return after, (after.blocked_until, after.used_until)


def fingerprint(account: MetaAccount) -> str:
    """Tells one token from another; it sees the ciphertext only."""
    return sha256(account.access_token).hexdigest()[:16]
