"""A sample of `make replay`: a short outage at the same ratio, and what the harness itself promises."""

import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest

from hkreach.domain.meta_outcome import Accepted, NotSent
from hkreach.domain.number import Go, Later
from hkreach.domain.time import MINUTE, SECOND
from hkreach.usecases.send_message_admission import Admission
from tests.builders import NOW, NUMBER
from tests.replay.fairness import BURST, burst, codes
from tests.replay.meta import PAIR, THROUGHPUT, Outage, Rate, SimulatedMeta
from tests.replay.outage import Replayed, Trace, replay
from tests.replay.peers import RULES, replay_rule
from tests.replay.queues import MOST_RECEIVES, SimulatedQueue, Workers
from tests.replay.report import outage_lines
from tests.replay.timeline import Steps, Timeline, stay_on_one_processor


class Unpaced(Admission):
    """The control: everything goes at once."""

    def ask(self, *_: Any, **__: Any) -> Go | Later:
        return Go([self._now()])

    def tell(self, *_: Any) -> int | None:
        return None


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


@pytest.fixture(scope="module")
def expiring(quick: None) -> Replayed:
    return replay(Trace(12 * MINUTE, purpose="authentication"))


def test_an_outage_loses_nothing_and_doubles_nothing(ours: Replayed) -> None:
    assert (0, 0, 0, 0) == (ours.lost, ours.doubled, ours.late, ours.dead_letters)
    assert ours.backlog_at_end > 300, "else the outage proves nothing"
    assert ours.is_valid


def test_its_drain_is_paced(ours: Replayed) -> None:
    assert ours.throttled_per_thousand <= 1
    assert ours.calls_in_outage < ours.outage.lasts / (10 * SECOND), "a breaker lets probes through, and no more"
    assert ours.drained_after is not None
    assert ours.drained_after < 2 * ours.least_drain


def test_without_its_pace_meta_refuses_much() -> None:
    unpaced = replay(Trace(4 * MINUTE), admission=Unpaced)

    assert not unpaced.is_valid
    assert unpaced.throttled_per_thousand > 100
    assert (0, 0, 0) == (unpaced.lost, unpaced.doubled, unpaced.late), "which loses nothing, and takes its time"


def test_a_burst_to_one_recipient_never_meets_metas_pair_rate() -> None:
    paced, unpaced = burst(), burst(admission=Unpaced)

    assert (BURST, 0) == (paced.sent, paced.pair_refusals)
    assert unpaced.pair_refusals > 0


def test_it_does_not_when_every_record_comes_twice() -> None:
    paced = burst(twice=1)

    assert (BURST, 0) == (paced.sent, paced.pair_refusals)


def test_codes_beside_a_campaign_wait_as_long_as_beside_nothing() -> None:
    idle, beside = codes(None), codes("othershop", campaign=1_000)

    assert (0, 0) == (beside.undelivered, beside.campaign_undelivered)
    assert idle.p99 <= SECOND
    assert beside.p99 <= 2 * idle.p99


def test_codes_that_an_outage_outlives_expire_and_say_so(expiring: Replayed) -> None:
    assert (0, 0, 0) == (expiring.lost, expiring.doubled, expiring.late)
    assert expiring.expired > 60
    assert expiring.longest_after_deadline <= 2 * MINUTE


def test_no_code_is_sent_after_its_deadline(expiring: Replayed) -> None:
    assert 0 == expiring.sent_late


def test_the_peers_rules_lose_or_double_on_the_same_trace(ours: Replayed) -> None:
    never, short, *_ = peers = [replay_rule(TEN_MINUTES, rule) for rule in RULES]

    assert never.lost > short.lost > 0
    assert all(peer.lost or peer.doubled for peer in peers)
    assert "HK Reach" in "\n".join(outage_lines("10 min", [ours, *peers]))


def test_the_same_seed_is_the_same_replay() -> None:
    short = Trace(MINUTE)

    assert replay(short) == replay(short)


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
