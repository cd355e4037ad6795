"""Runs under faults until enough of them were struck, and the planted bugs; prints what came of it."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields

from hkreach.domain.app import UnknownPolicy
from hkreach.domain.time import MINUTE
from tests.chaos.classes import by_class
from tests.chaos.faults import Faults, FewFaults
from tests.chaos.planted import PLANTED
from tests.chaos.simulation import RESEND_AFTER_SECONDS, Simulation
from tests.chaos.steps import PRODUCTION, Bug, Steps
from tests.chaos.verdict import WRONG, judge
from tests.commit import commit

MESSAGES = 300
"""In one run."""
RATE = 0.05
"""Of the calls, how many are struck by each kind of fault."""
RATE_OF_FEW = 0.2
POLICIES: Sequence[UnknownPolicy] = ("park", "resend")


@dataclass
class Total:
    """The sum of some runs under one policy."""

    policy: UnknownPolicy
    first_seed: int
    seeds: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    drains: list[int] = field(default_factory=list)
    """How long each run took from its last fault until nothing was left to do, in milliseconds of simulated time."""

    @property
    def is_valid(self) -> bool:
        return not any(self.counts[name] for name in WRONG)

    def add(self, simulation: Simulation) -> None:
        verdict = judge(simulation)
        self.seeds += 1
        self.counts.update({part.name: getattr(verdict, part.name) for part in fields(verdict)})
        self.kinds += simulation.faults.struck
        self.met += simulation.faults.met
        self.drains.append(simulation.drained_in)


def simulate(
    seed: int, policy: UnknownPolicy = "park", steps: Steps = PRODUCTION, only: tuple[str, ...] = ()
) -> Simulation:
    """One run to its drained end; the seed decides all of it, the steps' own jitter too. `only`: kinds of faults."""
    random.seed(seed)
    faults = FewFaults(seed, RATE_OF_FEW, only) if only else Faults(seed, RATE)
    simulation = Simulation(faults, steps, policy)
    simulation.run(MESSAGES)
    return simulation


def strike(first_seed: int, faults: int, policy: UnknownPolicy) -> Total:
    """Runs with one seed after the other until so many faults were struck."""
    total = Total(policy, first_seed)
    while total.counts["faults"] < faults:
        total.add(simulate(first_seed + total.seeds, policy))
    return total


def caught(first_seed: int, seeds: int) -> Iterator[tuple[str, int | None]]:
    """Each planted bug with the seed that caught it, or None."""
    for name, bug in PLANTED.items():
        yield name, next((seed for seed in range(first_seed, first_seed + seeds) if is_caught(seed, bug)), None)


def is_caught(seed: int, bug: Bug) -> bool:
    """Whether something is wrong with a run that has the bug."""
    try:
        return not judge(simulate(seed, bug.policy, bug.steps, bug.only)).is_valid
    except AssertionError:  # it does not drain
        return True


def lines(totals: Sequence[Total], bugs: Mapping[str, int | None]) -> Iterator[str]:
    """The report."""
    yield f"commit {commit()}, simulated time"
    for total in totals:
        yield from _of_policy(total)
    yield "classes of faults, how often under each policy:"
    counted = [by_class(total.kinds + total.met) for total in totals]
    for name in counted[0]:
        yield f"  {name:42}" + "".join(f"{counts[name]:>9,}" for counts in counted)
    for name, seed in bugs.items():
        yield f"  planted bug, {name}: {f'caught with seed {seed}' if seed is not None else 'NOT CAUGHT'}"
    yield f"planted bugs caught: {sum(seed is not None for seed in bugs.values())} of {len(bugs)}"


def _of_policy(total: Total) -> Iterator[str]:
    counts = total.counts
    rule = f"policy {total.policy}" + (f" after {RESEND_AFTER_SECONDS} s" if total.policy == "resend" else "")
    yield f"{rule}, seeds {total.first_seed} to {total.first_seed + total.seeds - 1}"
    yield f"  {counts['faults']:,} faults of {len(total.kinds)} kinds, in {total.seeds} runs of {MESSAGES} messages"
    for name in (
        "attempts",
        "acknowledged",
        "ok",
        "failed",
        "lost",
        "duplicated",
        "unexpected",
        "misreported",
        "untold",
        "too_fast",
    ):
        yield f"  {name:13}{counts[name]:>8,}"
    yield f"  unknown {counts['unknown']:,} of {counts['acknowledged']:,}; sent again by policy {counts['sent_again']}"
    yield f"  failed because the second call was refused, the first may have gone: {counts['refused_again']}"
    yield (
        f"  forgotten, for a stream's or queue's record was lost: {counts['forgotten']}; recover put back "
        f"{counts['put_back']} and called {counts['called_unknown']} unknown, a second one {counts['recovered_twice']}"
    )
    yield f"  facts without a webhook, for the stream's record was dropped: {counts['dropped']}"
    orphans, lost = counts["orphans"], counts["orphans_lost"]
    yield f"  callbacks without the echo, before Meta's id was known: {orphans}, of which lost for good: {lost}"
    minutes = [drain / MINUTE for drain in total.drains]
    mean = sum(minutes) / len(minutes)
    yield f"  drained to the last record {mean:.0f} min after the last fault, {max(minutes):.0f} at most"
    bound = 3 / counts["acknowledged"]
    yield f"  bound: {counts['acknowledged']:,} messages and none lost or doubled, so below {bound:.3%} (3/n, 95 %)"
