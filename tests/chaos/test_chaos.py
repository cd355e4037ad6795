"""A sample of `make chaos` with fixed seeds: nothing lost, nothing doubled, and every planted bug caught."""

import itertools
import logging
from collections.abc import Iterator

import pytest

from hkreach.domain.message import Status
from tests.builders import MESSAGE_ID, callback, outbound
from tests.chaos.planted import PLANTED
from tests.chaos.report import caught, lines, run, strike
from tests.fakes.clock import FakeClock
from tests.fakes.messages import FakeMessages


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Every fault is logged by the steps; here that is millions of lines."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_nothing_is_lost_or_doubled_under_faults_of_many_classes() -> None:
    total = strike(first_seed=1, faults=5_000)

    assert total.is_valid, total.counts
    assert total.counts["ok"] > total.counts["acknowledged"] / 2, "most messages get through"
    assert len(total.classes) >= 100


def test_the_same_seed_is_the_same_run() -> None:
    assert run(7) == run(7)


@pytest.mark.parametrize("bug", PLANTED)
def test_every_planted_bug_is_caught(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.chaos.report.PLANTED", {bug: PLANTED[bug]})

    assert None not in dict(caught(first_seed=1, seeds=40)).values()


def test_the_report_says_what_was_found() -> None:
    told = list(lines(1, strike(1, 1), {"a bug": None, "another": 3}))

    assert "planted bugs caught: 1 of 2" == told[-1]
    assert any(line.startswith("bound: ") for line in told)


def test_every_order_and_repetition_of_the_callbacks_is_one_and_the_same_status() -> None:
    """All orders of sent, delivered and read, each coming once or twice."""
    statuses = (Status.SENT, Status.DELIVERED, Status.READ)
    for repeated in itertools.product((1, 2), repeat=3):
        told = [status for status, times in zip(statuses, repeated, strict=True) for _ in range(times)]
        for order in set(itertools.permutations(told)):
            messages = FakeMessages(FakeClock(outbound().facts[Status.QUEUED]))
            messages.add(outbound())
            for at, status in enumerate(order):
                messages.record_status(callback(status, at))
            assert Status.READ is messages.rows[MESSAGE_ID].message.status
            assert {Status.QUEUED, *statuses} == set(messages.rows[MESSAGE_ID].message.facts)
