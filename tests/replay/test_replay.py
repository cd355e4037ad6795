"""A sample of `make replay`: a short outage at the same ratio, and what the harness itself promises."""

import logging
import os
from collections.abc import Iterator

import pytest

from hkreach.domain.meta_outcome import Accepted, NotSent
from hkreach.domain.time import MINUTE, SECOND
from tests.builders import NOW, NUMBER
from tests.replay.fairness import codes
from tests.replay.meta import PAIR, THROUGHPUT, Outage, Rate, SimulatedMeta
from tests.replay.outage import Replayed, Trace, replay
from tests.replay.peers import RULES, replay_rule
from tests.replay.queues import MOST_RECEIVES, SimulatedQueue, Workers
from tests.replay.report import outage_lines
from tests.replay.timeline import Steps, Timeline, stay_on_one_processor

TEN_MINUTES = Trace(10 * MINUTE)


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    """The steps log each call of the outage; and their threads take turns."""
    logging.disable(logging.CRITICAL)
    processors = stay_on_one_processor()
    yield
    if processors:
        os.sched_setaffinity(0, processors)
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def ours(quick: None) -> Replayed:
    return replay(TEN_MINUTES)


def test_an_outage_loses_nothing_and_doubles_nothing(ours: Replayed) -> None:
    assert (0, 0, 0, 0) == (ours.lost, ours.doubled, ours.late, ours.dead_letters)
    assert ours.backlog_at_end > 300, "else the outage proves nothing"
    assert ours.drained_after is not None


def test_codes_that_an_outage_outlives_expire_and_say_so() -> None:
    replayed = replay(Trace(12 * MINUTE, purpose="authentication"))

    assert (0, 0, 0) == (replayed.lost, replayed.doubled, replayed.late)
    assert replayed.expired > 60
    assert replayed.longest_after_deadline <= 2 * MINUTE


def test_the_peers_rules_lose_or_double_on_the_same_trace(ours: Replayed) -> None:
    never, short, *_ = peers = [replay_rule(TEN_MINUTES, rule) for rule in RULES]

    assert never.lost > short.lost > 0
    assert all(peer.lost or peer.doubled for peer in peers)
    assert "HK Reach" in "\n".join(outage_lines("10 min", [ours, *peers]))


def test_the_same_seed_is_the_same_replay() -> None:
    short = Trace(MINUTE)

    assert replay(short) == replay(short)


def test_codes_beside_nothing_wait_for_nothing() -> None:
    assert codes(None).p99 <= SECOND


def test_the_simulated_meta_keeps_its_limits() -> None:
    timeline = Timeline(NOW)
    meta = SimulatedMeta(timeline, Rate(60, SECOND))

    def say(to: str) -> str:
        _, outcome = meta.answer(NUMBER, to, "a message")
        return outcome.code if isinstance(outcome, NotSent) else type(outcome).__name__

    assert ["Accepted"] * 45 + [PAIR] == [say("91") for _ in range(46)]
    assert ["Accepted"] * 15 + [THROUGHPUT] == [say(str(to)) for to in range(16)]
    timeline.run_until(NOW + 6 * SECOND)
    assert ["Accepted", PAIR] == [say("91"), say("91")], "one each six seconds"


def test_in_an_outage_the_simulated_meta_accepts_nothing() -> None:
    timeline = Timeline(NOW)
    meta = SimulatedMeta(timeline, Rate(80, SECOND), Outage(NOW, NOW + MINUTE))

    answers = [meta.answer(NUMBER, str(to), str(to))[1] for to in range(1_000)]

    assert not any(isinstance(answer, Accepted) for answer in answers)
    assert 0 < len(meta.taken) < 50, "some of the calls without an answer were taken"
    timeline.run_until(NOW + MINUTE)
    assert isinstance(meta.answer(NUMBER, "91", "x")[1], Accepted)


def test_a_lane_works_on_batches_and_counts_dead_letters() -> None:
    timeline = Timeline(NOW)
    seen: list[tuple[str, int, int]] = []

    def work(message_id: str, time_left: object, receives: int, batch: int) -> int:
        seen.append((message_id, receives, batch))
        return 1

    lane = SimulatedQueue(timeline, Steps(timeline), Workers(1, 2, 500), lambda: work, twice=0)
    for message_id in "abc":
        lane.put(message_id)
    timeline.run_until(NOW + 400)
    assert [("a", 1, 2), ("b", 1, 2)] == seen, "a full batch goes at once, the rest when the window ends"
    timeline.run_until(NOW + 10 * MINUTE)

    assert {MOST_RECEIVES} == {max(n for name, n, _ in seen if name == message_id) for message_id in "abc"}
    assert 3 == len(lane.dead)
