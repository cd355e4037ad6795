"""The pace of a pair, against a model of Meta's bucket that shares nothing with it: 45, and one more in six seconds."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hkreach.domain.pair_pace import BURST, PairPace, RecentPairs
from hkreach.domain.time import MINUTE, SECOND
from tests.builders import NOW, NUMBER, RECIPIENT

PAIR = (NUMBER, RECIPIENT)
PROCESSES = 20


def _left_in_metas_bucket(times: list[int]) -> float:
    """The least that is left in it; below 0 Meta would have refused one with 131056."""
    left = least = 45.0
    for before, now in pairwise([times[0], *times]):
        left = min(45.0, left + (now - before) / (6 * SECOND)) - 1
        least = min(least, left)
    return least


@dataclass
class Senders:
    """Processes with memories of their own, and the pair's item between them."""

    memories: list[RecentPairs] = field(default_factory=lambda: [RecentPairs() for _ in range(PROCESSES)])
    pair: PairPace = field(default_factory=PairPace)
    sent: list[int] = field(default_factory=list)

    def send(self, process: int, now: int) -> int:
        at, untold = now, self.memories[process].untold(PAIR, now)
        if untold:
            self.pair, at = self.pair.take(now, untold)
            self.memories[process].watch(PAIR, self.pair.used_until)
        self.sent.append(at)
        return at


ARRIVALS = st.lists(
    st.tuples(st.integers(0, PROCESSES - 1), st.integers(0, 90), st.integers(1, 40)), min_size=1, max_size=60
)
"""Each: the process, seconds since the one before, and how many messages at once."""
ONE_A_MINUTE_IN_EACH = [(number % PROCESSES, 3 + (number % PROCESSES == 0), 1) for number in range(600)]
"""Half an hour in which each process sends a message just when it forgot the one before."""
ALL_AT_ONCE = [(process, 0, 10) for process in range(PROCESSES)]


@settings(max_examples=300)
@given(ARRIVALS)
@example(ONE_A_MINUTE_IN_EACH)
@example(ALL_AT_ONCE)
@example([*ALL_AT_ONCE, *ONE_A_MINUTE_IN_EACH])
def test_metas_bucket_never_overflows(arrivals: list[tuple[int, int, int]]) -> None:
    senders, now = Senders(), NOW
    for process, since, count in arrivals:
        now += since * SECOND
        for _ in range(count):
            senders.send(process, now)

    assert 0 <= _left_in_metas_bucket(sorted(senders.sent))


def test_two_hundred_from_one_process() -> None:
    senders = Senders()
    times = [senders.send(0, NOW) - NOW for _ in range(200)]

    assert [0] * BURST == times[:BURST]
    assert times == sorted(times)
    assert 0 <= _left_in_metas_bucket(times)


def test_who_sends_one_in_ten_seconds_never_waits() -> None:
    senders = Senders()

    assert all(NOW + n * 10 * SECOND == senders.send(0, NOW + n * 10 * SECOND) for n in range(400))


def test_the_first_message_is_nobodys_business_and_the_second_tells_of_both() -> None:
    recent = RecentPairs()

    assert [0, 2, 1, 1] == [recent.untold(PAIR, NOW + n) for n in range(4)]
    assert 0 == recent.untold((NUMBER, "919999999998"), NOW)


def test_while_others_used_the_rate_up_no_message_is_free() -> None:
    recent = RecentPairs()
    recent.watch(PAIR, NOW + 60 * MINUTE)

    assert [1, 1] == [recent.untold(PAIR, NOW + since * MINUTE) for since in (20, 59)]
    assert 0 == recent.untold(PAIR, NOW + 60 * MINUTE)


def test_watching_never_shortens() -> None:
    recent = RecentPairs()
    recent.watch(PAIR, NOW + 60 * MINUTE)
    recent.watch(PAIR, NOW + 1)

    assert 1 == recent.untold(PAIR, NOW + 59 * MINUTE)


def test_a_process_remembers_ten_thousand_pairs_and_not_all() -> None:
    recent = RecentPairs()
    recent.untold(PAIR, NOW)
    for number in range(10_000):
        recent.untold((NUMBER, str(number)), NOW)

    assert 10_000 == len(recent._pairs)
    assert (0, 2) == (recent.untold(PAIR, NOW), recent.untold((NUMBER, "9999"), NOW))


def test_watched_pairs_do_not_fill_the_memory_either() -> None:
    recent = RecentPairs()
    for number in range(10_100):
        recent.watch((NUMBER, str(number)), NOW + MINUTE)

    assert 10_000 == len(recent._pairs)


def test_after_131056_it_waits_four_to_the_x() -> None:
    pair, now, waits = PairPace(), NOW, []
    for _ in range(8):
        pair = pair.refused(now)
        waits.append((pair.blocked_until - now) // SECOND)
        now = pair.blocked_until

    assert [1, 4, 16, 64, 256, 1_024, 4_096, 4_096] == waits


def test_refusals_of_calls_that_were_on_their_way_count_once() -> None:
    pair = PairPace().refused(NOW)

    assert pair == pair.refused(NOW + 999)


@pytest.mark.parametrize(("since", "blocks"), [(10 * MINUTE, 2), (10 * MINUTE + 1, 1)])
def test_refusals_are_forgotten_after_ten_minutes(since: int, blocks: int) -> None:
    pair = PairPace().refused(NOW)

    assert blocks == pair.refused(pair.blocked_until + since).blocks


def test_after_a_refusal_they_come_back_one_by_one() -> None:
    """Meta said that its bucket is empty: a burst would be refused again."""
    pair = PairPace().refused(NOW).refused(NOW + SECOND)
    times = []
    for _ in range(4):
        pair, at = pair.take(NOW + 2 * SECOND)
        times.append(at)

    assert pair.blocked_until == times[0]
    assert all(after - before >= 6 * SECOND for before, after in pairwise(times))
