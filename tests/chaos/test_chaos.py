"""A sample of `make chaos` with fixed seeds: nothing lost, nothing doubled, and every planted bug caught."""

import logging
from collections import Counter
from collections.abc import Iterator

import pytest

from hkreach.domain.app import UnknownPolicy
from tests.chaos.classes import by_class
from tests.chaos.planted import PLANTED, SHARED
from tests.chaos.report import POLICIES, Total, is_caught, lines, simulate, strike
from tests.chaos.simulation import Simulation
from tests.chaos.verdict import judge

SEEDS = 40


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Every fault is logged by the steps; here that is millions of lines."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def totals() -> dict[UnknownPolicy, Total]:
    logging.disable(logging.CRITICAL)
    return {policy: strike(1, 5_000, policy) for policy in POLICIES}


@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_is_lost_or_doubled_under_faults(totals: dict[UnknownPolicy, Total], policy: UnknownPolicy) -> None:
    total = totals[policy]

    assert total.is_valid, total.counts
    assert total.counts["ok"] > total.counts["acknowledged"] / 2, "most messages get through"
    assert len(total.kinds) >= 200


def test_parked_nothing_is_sent_again_and_with_the_policy_nothing_stays_unknown(
    totals: dict[UnknownPolicy, Total],
) -> None:
    park, resend = totals["park"].counts, totals["resend"].counts

    assert (0, True) == (park["sent_again"], park["unknown"] > 0)
    assert (True, 0) == (resend["sent_again"] > 0, resend["unknown"])


def test_every_class_of_faults_is_among_them(totals: dict[UnknownPolicy, Total]) -> None:
    counts: Counter[str] = Counter()
    for total in totals.values():
        counts.update(by_class(total.kinds + total.met))

    assert [] == [name for name, times in counts.items() if times == 0]


def test_what_lost_records_left_behind_is_recovered(totals: dict[UnknownPolicy, Total]) -> None:
    for total in totals.values():
        counts = total.counts
        assert 0 < counts["forgotten"] == counts["put_back"] + counts["called_unknown"]


def test_the_same_seed_is_the_same_run() -> None:
    def told(run: Simulation) -> tuple[object, ...]:
        return judge(run), run.faults.struck, run.faults.met, run.drained_in

    assert told(simulate(7)) == told(simulate(7))


@pytest.mark.parametrize("name", PLANTED)
def test_every_planted_bug_is_caught(name: str) -> None:
    bug = PLANTED[name]

    assert any(is_caught(seed, bug) for seed in range(bug.seed, bug.seed + SEEDS))


@pytest.mark.parametrize("seed", range(1, 6))
def test_of_two_workers_with_one_record_neither_loses_its_message(seed: int) -> None:
    """The control of the bugs that are looked for with these faults only."""
    assert judge(simulate(seed, only=(*SHARED, "killed before meta.send"))).is_valid


def test_the_report_says_what_was_found(totals: dict[UnknownPolicy, Total]) -> None:
    told = list(lines(list(totals.values()), {"a bug": None, "another": 3}))

    assert "planted bugs caught: 1 of 2" == told[-1]
    assert 2 == sum(line.strip().startswith("bound: ") for line in told)
