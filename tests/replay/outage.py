"""The outage replay: one message a second on a number that takes 1.6, into an outage, until all is drained."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hkreach.domain.message import SendPurpose, Status
from hkreach.domain.time import HOUR, MINUTE, SECOND
from hkreach.usecases.send_message_admission import Admission
from tests.builders import NOW
from tests.replay.meta import THROUGHPUT, Outage, Rate, SimulatedMeta
from tests.replay.stack import Stack
from tests.replay.timeline import Timeline

NUMBER_TAKES = Rate(8, 5 * SECOND)
"""1.6 a second, and in no five seconds more than 8: as 80 a second to 50."""
WARM_UP = 3 * MINUTE
_STEADY = 10
"""Messages that may be open without being a backlog: those of the last ten seconds."""
_AFTERWARDS = 3 * MINUTE
_TIMES_LEAST = 12
"""Times the least drain: who needs longer does not drain."""
_READS = frozenset({"get", "due"})


@dataclass(frozen=True)
class Trace:
    """What happens in a replay, whoever it happens to: one message in each second, at a random moment of it."""

    lasts: int
    """The outage, in milliseconds."""
    seed: int = 1
    purpose: SendPurpose = "utility"
    most_seconds: int = 1_200
    """Of real time that a replay may take."""

    @property
    def outage(self) -> Outage:
        return Outage(NOW + WARM_UP, NOW + WARM_UP + self.lasts)

    def arrivals(self) -> Iterator[tuple[int, str]]:
        """When each message is accepted and to whom it goes, without end; 50,000 recipients in turn."""
        drawn, place = random.Random(self.seed), 0
        while True:
            yield NOW + place * SECOND + drawn.randrange(SECOND), f"91{place % 50_000:010}"
            place += 1

    def meta(self, timeline: Timeline) -> SimulatedMeta:
        return SimulatedMeta(timeline, NUMBER_TAKES, self.outage, self.seed)


@dataclass
class Replayed:
    """What came of a replay."""

    rule: str
    outage: Outage
    messages: int = 0
    backlog: list[tuple[int, int]] = field(default_factory=list)
    """Messages open, each minute, by milliseconds since the outage began."""
    backlog_at_end: int = 0
    """Of the outage."""
    drained_after: int | None = None
    """Milliseconds from the outage's end until the backlog was gone."""
    lost: int = 0
    """Not taken by Meta, and given up; ours: neither taken nor settled nor known to be unknown."""
    doubled: int = 0
    unknown: int = 0
    """Whether Meta took it nobody knows, and nobody sends it again."""
    expired: int = 0
    """Not sent in time, and said so by a webhook."""
    late: int = 0
    """Past the deadline without that answer."""
    sent_late: int = 0
    """Taken by Meta after the deadline."""
    longest_after_deadline: int = 0
    """Milliseconds until that answer came."""
    longest_wait: int = 0
    """Milliseconds until Meta had the message that waited longest."""
    calls_in_outage: int = 0
    throttled_on_drain: int = 0
    sent_on_drain: int = 0
    dead_letters: int = 0
    writes: dict[str, int] = field(default_factory=dict)
    """Calls that write, by table and method."""

    @property
    def is_valid(self) -> bool:
        """Nothing lost, doubled or late, and hardly a call too many."""
        return not (self.lost or self.doubled or self.late or self.dead_letters) and self.throttled_per_thousand <= 1

    @property
    def least_drain(self) -> float:
        """Milliseconds that it takes at best: the backlog goes down by what the number takes above what arrives."""
        return self.backlog_at_end / (NUMBER_TAKES.per_second - 1) * SECOND

    @property
    def drain_ratio(self) -> float | None:
        return self.drained_after / self.least_drain if self.drained_after is not None and self.least_drain else None

    @property
    def throttled_per_thousand(self) -> float:
        return 1_000 * self.throttled_on_drain / max(1, self.sent_on_drain)

    @property
    def writes_per_message(self) -> float:
        return sum(self.writes.values()) / max(1, self.messages)

    def count_drain(self, meta: SimulatedMeta) -> None:
        """What Meta saw between the outage's end and the end of the drain; doubles, whenever."""
        start = self.outage.end
        end = start + self.drained_after if self.drained_after is not None else meta.timeline()
        self.throttled_on_drain = sum(start <= at < end and limit == THROUGHPUT for at, limit in meta.refusals)
        self.sent_on_drain = sum(start <= at < end for times in meta.taken.values() for at in times)
        self.doubled = sum(len(times) > 1 for times in meta.taken.values())
        self.calls_in_outage = sum(n for said, n in meta.answers.items() if said.endswith("in the outage"))


def run_to_the_end(
    timeline: Timeline,
    trace: Trace,
    replayed: Replayed,
    arrive: Callable[[str], object],
    backlog: Callable[[], int],
    tell: Callable[[str], object] = lambda line: None,
) -> None:
    """Let messages arrive until some minutes after the backlog is gone, watching it, and let all come to its end."""
    arrivals, started, ended = trace.arrivals(), time.monotonic(), False

    def next_arrival() -> None:
        moment, to = next(arrivals)
        timeline.at(moment, lambda: come(to))

    def come(to: str) -> None:
        if ended:
            return
        arrive(to)
        next_arrival()

    def watch() -> None:
        if time.monotonic() > started + trace.most_seconds:
            raise TimeoutError(f"{replayed.rule}: not drained in {trace.most_seconds} s")
        since = timeline() - trace.outage.start
        replayed.backlog.append((since, backlog()))
        if since % HOUR == 0 and since > 0:
            tell(f"{replayed.rule}: {since // HOUR} h, {backlog():,} open")

    def is_drained() -> bool:
        return timeline() > trace.outage.end and backlog() <= _STEADY

    next_arrival()
    timeline.every(MINUTE, watch)
    timeline.run_until(trace.outage.end)
    replayed.backlog_at_end = backlog()
    most = max(HOUR, int(_TIMES_LEAST * replayed.least_drain))
    timeline.run_until(trace.outage.end + most, stop=is_drained)
    replayed.drained_after = timeline() - trace.outage.end if is_drained() else None
    replayed.backlog.append((timeline() - trace.outage.start, backlog()))
    timeline.run_until(timeline() + _AFTERWARDS)
    ended = True
    timeline.run_until(timeline() + HOUR)


def replay(
    trace: Trace, tell: Callable[[str], object] = lambda line: None, admission: type[Admission] = Admission
) -> Replayed:
    """Ours: the production steps."""
    random.seed(trace.seed)
    timeline = Timeline(NOW)
    meta = trace.meta(timeline)
    stack = Stack(timeline, meta, messages_per_second=NUMBER_TAKES.per_second, admission=admission)
    replayed = Replayed("HK Reach", trace.outage)
    run_to_the_end(
        timeline,
        trace,
        replayed,
        lambda to: stack.accept("mystore", to, purpose=trace.purpose),
        lambda: stack.backlog,
        tell,
    )
    stack.close()
    replayed.count_drain(meta)
    _judge(replayed, stack)
    return replayed


def _judge(replayed: Replayed, stack: Stack) -> None:
    """Hold the table, Meta's own count and the webhooks against each other."""
    now = stack.timeline()
    replayed.messages = len(stack.accepted)
    for message_id, accepted_at in stack.accepted.items():
        message = stack.table.rows[message_id].message
        told = stack.webhooks.get(message_id, {})
        taken = stack.meta.taken.get(message_id)
        replayed.longest_wait = max(replayed.longest_wait, taken[0] - accepted_at if taken else 0)
        if message.status is Status.UNKNOWN:
            replayed.unknown += 1
        elif message.status is Status.FAILED:
            expired = message.error is not None and message.error.code == "expired" and not taken and "failed" in told
            replayed.expired += expired
            replayed.lost += not expired
            after = told.get("failed", now) - message.deadline
            replayed.longest_after_deadline = max(replayed.longest_after_deadline, after)
        else:
            replayed.lost += message.status is Status.QUEUED or not taken or "sent" not in told
        replayed.late += message.status is Status.QUEUED and message.deadline < now
        replayed.sent_late += taken is not None and taken[0] > message.deadline
    replayed.writes = {f"messages.{name}": n for name, n in stack.messages.calls.items() if name not in _READS}
    replayed.writes |= Counter(f"numbers.{key.partition('#')[0]}" for key in stack.numbers.writes)
    replayed.dead_letters = sum(len(lane.dead) for lane in stack.lanes.values())
