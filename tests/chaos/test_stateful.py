"""The same steps as a state machine: hypothesis orders steps and faults, and shrinks a history that breaks a rule."""

import logging
import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from hkreach.domain.app import UnknownPolicy
from hkreach.domain.message import RANK, Status
from tests.chaos.faults import Faults
from tests.chaos.planted import PLANTED
from tests.chaos.simulation import Simulation
from tests.chaos.steps import PRODUCTION, Steps
from tests.chaos.verdict import judge

KINDS = (
    *("killed before", "killed after", "killed after meta.send", "killed before meta.send"),
    *("failed before", "failed after", "throttled", "overtaken before", "overtaken after"),
    *("paused before", "paused before meta.send", "paused before messages.record"),
    *("Lambda timed out", "Lambda: record out of time", "Lambda: little time left"),
    *("meta: taken, then", "meta: not processed", "meta: account refused", "meta: reset before", "meta: refused"),
    *("callbacks never come", "callbacks: failed", "callbacks: sent, failed", "callbacks without the echo"),
    *("callbacks before the answer", "callbacks out of order", "callbacks late", "callback repeated"),
    *("queue record doubled", "queue record late", "queue record redelivered", "queue record lost"),
    *("stream records repeated", "stream late", "stream records dropped"),
    *("queue refused", "bus refused", "webhook refused", "clock skewed"),
)


class OrderedFaults(Faults):
    """Strikes where it was ordered to, and nowhere else."""

    def __init__(self) -> None:
        super().__init__(0, 0)
        self.ordered: list[tuple[str, int]] = []
        """A kind, and at which of its occasions from now on it happens."""

    def stop(self) -> None:
        self.ordered.clear()

    def happens(self, kind: str, rate: float | None = None) -> bool:
        for place, (wanted, occasion) in enumerate(self.ordered):
            if kind.startswith(wanted):
                if occasion > 1:
                    self.ordered[place] = (wanted, occasion - 1)
                    return False
                del self.ordered[place]
                self.struck[kind] += 1
                return True
        return False


class Outbox(RuleBasedStateMachine):
    """A few messages, and whatever may happen to them."""

    steps: Steps = PRODUCTION
    policies: tuple[UnknownPolicy, ...] = ("park", "resend")

    @initialize(policy=st.data())
    def begin(self, policy: st.DataObject) -> None:
        random.seed(0)
        self.faults = OrderedFaults()
        self.run = Simulation(self.faults, self.steps, policy.draw(st.sampled_from(self.policies)))
        self.run.accept()

    @rule()
    def accept(self) -> None:
        if self.run.attempted < 4:
            self.run.accept()

    @rule(kind=st.sampled_from(KINDS), occasion=st.integers(1, 4))
    def order_a_fault(self, kind: str, occasion: int) -> None:
        self.faults.ordered.append((kind, occasion))

    @rule()
    def relay_and_send(self) -> None:
        self.run.relay()
        self.run.send()

    @rule()
    def send(self) -> None:
        self.run.send()

    @rule()
    def call_back(self) -> None:
        self.run.call_back()

    @rule()
    def wake(self) -> None:
        self.run.wake()

    @rule()
    def go_on(self) -> None:
        self.run.go_on()

    @rule()
    def deliver(self) -> None:
        self.run.deliver()

    @rule()
    def recover(self) -> None:
        self.run.recover()

    @rule(seconds=st.sampled_from((1, 30, 400, 3_600)))
    def wait(self, seconds: int) -> None:
        self.run.clock.advance(seconds * 1000)

    @invariant()
    def nothing_is_taken_more_often_than_there_is_cause(self) -> None:
        leave = self.run.ledger.leave
        assert [] == [i for i, times in self.run.meta.taken.items() if times > 1 + leave[i]]

    @invariant()
    def a_fact_never_moves(self) -> None:
        assert set() == self.run.ledger.moved

    @invariant()
    def what_is_said_happened(self) -> None:
        for message_id, row in self.run.table.rows.items():
            facts = set(row.message.facts)
            assert self.run.ledger.told.get(message_id, set()) <= facts
            assert Status.ACCEPTED not in facts or self.run.meta.taken[message_id]
            told = {fact for fact in facts if fact in RANK and fact is not Status.FAILED}
            assert told <= {fact for told_of, fact in self.run.ledger.called if told_of == message_id}

    def teardown(self) -> None:
        if hasattr(self, "run"):
            self.run.finish()
            verdict = judge(self.run)
            assert verdict.is_valid, verdict


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def run(machine: type[Outbox], examples: int, phases: tuple[Phase, ...]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_no_order_of_steps_and_faults_breaks_a_rule() -> None:
    run(Outbox, 150, (Phase.generate, Phase.shrink))


@pytest.mark.parametrize("name", ["resend on expired lease", "drop the echo"])
def test_a_planted_bug_breaks_one(name: str) -> None:
    class Planted(Outbox):
        steps = PLANTED[name].steps
        policies = (PLANTED[name].policy,)

    with pytest.raises(AssertionError):
        run(Planted, 2_000, (Phase.generate,))
