"""Runs under faults until enough of them were struck, and the planted bugs; prints what came of it."""

import random
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from local.commands import ROOT
from tests.chaos.planted import PLANTED
from tests.chaos.simulation import Simulation, Steps
from tests.chaos.verdict import Verdict, judge

MESSAGES = 300
"""In one run."""
RATE = 0.05
"""Of the calls, how many are struck by each kind of fault."""


@dataclass(frozen=True)
class Total:
    """The sum of some runs."""

    seeds: int
    classes: Counter[str]
    counts: Mapping[str, int]

    @property
    def is_valid(self) -> bool:
        return not any(self.counts[name] for name in ("lost", "duplicated", "unexpected", "misreported", "untold"))


def run(seed: int, steps: Steps = Steps()) -> tuple[Verdict, Counter[str]]:  # noqa: B008 - frozen
    """One run to its drained end; the seed decides all of it, the steps' own jitter too."""
    random.seed(seed)
    simulation = Simulation(seed, RATE, steps)
    simulation.run(MESSAGES)
    return judge(simulation), simulation.faults.struck


def strike(first_seed: int, faults: int) -> Total:
    """Runs with one seed after the other until so many faults were struck."""
    counts: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    seed = first_seed
    while counts["faults"] < faults:
        verdict, struck = run(seed)
        counts.update({part.name: getattr(verdict, part.name) for part in fields(verdict)})
        classes += struck
        seed += 1
    return Total(seed - first_seed, classes, counts)


def caught(first_seed: int, seeds: int) -> Iterator[tuple[str, int | None]]:
    """Each planted bug with the seed that caught it, or None."""
    for name, steps in PLANTED.items():
        yield name, next((seed for seed in range(first_seed, first_seed + seeds) if _fails(seed, steps)), None)


def _fails(seed: int, steps: Steps) -> bool:
    try:
        return not run(seed, steps)[0].is_valid
    except AssertionError:  # it does not drain
        return True


def commit() -> str:
    """The commit that is tested, with a plus if there are changes that it has not."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "unknown"


def lines(first_seed: int, total: Total, bugs: Mapping[str, int | None]) -> Iterator[str]:
    """The report."""
    counts = total.counts
    yield f"seeds {first_seed} to {first_seed + total.seeds - 1}, commit {commit()}, policy park, simulated time"
    yield f"faults {counts['faults']:,} of {len(total.classes)} classes, in {total.seeds} runs of {MESSAGES} messages"
    for name in ("attempts", "acknowledged", "ok", "failed", "unknown", "lost", "duplicated"):
        yield f"  {name:13}{counts[name]:>8,}"
    for name in ("unexpected", "misreported", "untold"):
        yield f"  {name:13}{counts[name]:>8,}"
    yield "every run drained: no record in any queue, no wait in the table, no callback outstanding"
    bound = 3 / counts["acknowledged"]
    yield f"bound: with {counts['acknowledged']:,} messages and none lost or doubled, below {bound:.3%} (3/n, 95 %)"
    found = sum(seed is not None for seed in bugs.values())
    for name, seed in bugs.items():
        yield f"  planted bug, {name}: {f'caught with seed {seed}' if seed is not None else 'NOT CAUGHT'}"
    yield f"planted bugs caught: {found} of {len(bugs)}"
