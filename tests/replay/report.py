"""All that `make replay` runs, and the tables that it prints."""

import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

from hkreach.domain.time import HOUR, MINUTE, SECOND
from tests.replay.fairness import BURST, CAMPAIGN, Burst, Codes, burst, codes
from tests.replay.outage import Replayed, Trace, replay
from tests.replay.peers import RULES, replay_rule
from tests.replay.timeline import stay_on_one_processor

OUTAGES: Mapping[str, int] = {"2 h 55 min": 175 * MINUTE, "4 h": 4 * HOUR, "24 h": 24 * HOUR}
"""The two that were (2024-03-05, 2026-06-12), and one that nobody had yet."""


def run(seed: int, names: Sequence[str]) -> tuple[dict[str, list[Replayed]], Replayed, Burst, dict[str, Codes]]:
    """The outages called so, ours first in each; codes into an outage; a burst; codes beside campaigns."""
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), initializer=_settle) as processes:
        outages: dict[str, list[Future[Replayed]]] = {}
        for name in sorted(names, key=lambda name: -OUTAGES[name]):
            trace = Trace(OUTAGES[name], seed)
            ours = processes.submit(replay, trace, tell)
            outages[name] = [ours, *(processes.submit(replay_rule, trace, rule) for rule in RULES)]
        expiring = processes.submit(replay, Trace(HOUR, seed, "authentication"))
        bursting = processes.submit(burst, seed)
        beside = {
            "idle": processes.submit(codes, None, seed),
            "another app's campaign": processes.submit(codes, "othershop", seed),
            "its own campaign": processes.submit(codes, "mystore", seed),
        }
        done = {name: [future.result() for future in outages[name]] for name in names}
        waits = {name: future.result() for name, future in beside.items()}
        return done, expiring.result(), bursting.result(), waits


def tell(line: str) -> None:
    """Progress, from whichever process."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _settle() -> None:
    logging.disable(logging.CRITICAL)
    stay_on_one_processor()


def outage_lines(name: str, replayed: Sequence[Replayed]) -> Iterator[str]:
    """A table: a line for each rule; under it what only ours has. A peer is drained when it sent or gave up all."""
    ours = replayed[0]
    yield f"outage of {name}: {ours.backlog_at_end:,} wait at its end, drained at best in {_time(ours.least_drain)}"
    yield f"  {'tries again':16} messages    lost doubled calls in it    429s  /1,000     drained"
    for rule in replayed:
        yield (
            f"  {rule.rule:16}{rule.messages:9,}{rule.lost:8,}{rule.doubled:8,}{rule.calls_in_outage:12,}"
            f"{rule.throttled_on_drain:8,}{rule.throttled_per_thousand:8.2f}{_time(rule.drained_after):>12}"
        )
    ratio = f"{ours.drain_ratio:.3f}" if ours.drain_ratio is not None else "-"
    yield (
        f"  HK Reach: {ratio} of the least drain; longest wait {_time(ours.longest_wait)}; expired {ours.expired}, "
        f"late {ours.late}, sent late {ours.sent_late}, unknown {ours.unknown}, dead letters {ours.dead_letters}"
    )
    yield f"  {ours.writes_per_message:.2f} table writes a message:"
    wanted = sorted(ours.writes.items(), key=lambda item: -item[1])
    yield "    " + ", ".join(f"{method} {count / ours.messages:.3f}" for method, count in wanted)


def other_lines(expiring: Replayed, bursting: Burst, waits: Mapping[str, Codes]) -> Iterator[str]:
    """Deadlines, pairs and lanes."""
    yield (
        f"one-time codes, one a second, into an outage of 1 h: {expiring.expired:,} expired and said so, at most "
        f"{expiring.longest_after_deadline / SECOND:.0f} s after their deadline"
    )
    yield (
        f"  late {expiring.late}, sent late {expiring.sent_late}, lost {expiring.lost}, "
        f"doubled {expiring.doubled}, unknown {expiring.unknown}"
    )
    yield (
        f"{BURST} messages to one recipient: {bursting.sent} sent, 131056 seen {bursting.pair_refusals} times, "
        f"the last after {_time(bursting.took)} (at best {_time(Burst.least)})"
    )
    for name, found in waits.items():
        yield (
            f"one-time codes, {name}: p99 {found.p99 / SECOND:.2f} s, longest {max(found.waits) / SECOND:.2f} s "
            f"of {len(found.waits)}, undelivered {found.undelivered}; 429s {found.throttled:,}, "
            f"pacing writes a message {found.pacing_writes:.2f}"
            + (f"; {CAMPAIGN:,} messages took {_time(found.campaign_took)}" if name != "idle" else "")
        )


def _time(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "never"
    minutes, seconds = divmod(round(milliseconds / SECOND), 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min {seconds:02} s"
