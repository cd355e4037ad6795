"""What pacing costs: the requests to the numbers table for each message that is sent to a customer of its own."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from hkreach.adapters.aws import client
from hkreach.adapters.dynamodb_numbers import DynamoDBNumbers
from hkreach.domain.app import MetaAccount
from hkreach.domain.meta_outcome import Accepted
from hkreach.domain.number import Go, Later
from hkreach.domain.time import SECOND
from hkreach.usecases.send_message_admission import Admission
from tests.aws import ENVIRONMENT, NUMBERS_TABLE, environment, imitated
from tests.builders import LIMITS, NOW, NUMBER, app, outbound
from tests.fakes.clock import FakeClock
from tests.fakes.numbers import FakeNumbers
from tests.fakes.remembered_numbers import RememberedNumbers

CALL = 200
"""Milliseconds that Meta takes."""


class Sender:
    """One process: it asks, waits for its time, and tells."""

    def __init__(self, clock: FakeClock) -> None:
        self.calls: Counter[str] = Counter()
        self._dynamodb: Any = client("dynamodb")
        self._dynamodb.meta.events.register("before-call", lambda model, **_: self.calls.update([model.name]))
        self.admission = Admission(DynamoDBNumbers(self._dynamodb, NUMBERS_TABLE), clock, LIMITS)
        self._account = MetaAccount(NUMBER, "w", b"sealed token")
        self._app = app(meta=self._account)

    def ask(self, customer: int, batch: int = 1, receives: int = 1) -> Go | Later:
        message = outbound(to=f"9199{customer:08}")
        return self.admission.ask(message, self._app, self._account, receives, batch)

    def tell(self, customer: int) -> None:
        self.admission.tell(outbound(to=f"9199{customer:08}"), self._app, self._account, Accepted("wamid"))

    def writes(self) -> int:
        return self.calls["PutItem"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def sender(clock: FakeClock) -> Iterator[Sender]:
    with environment(ENVIRONMENT), imitated():
        yield Sender(clock)


@pytest.mark.parametrize(("size", "most"), [(10, 0.1), (50, 0.02)])
def test_batches_cost_one_write_each(sender: Sender, clock: FakeClock, size: int, most: float) -> None:
    """Twenty batches, as fast as the number's rate allows; the plan's bound is 0.2."""
    sent = 0
    for _ in range(20):
        for customer in range(sent, sent + size):
            assert isinstance(sender.ask(customer, size), Go)
        clock.advance(max(CALL, size * 1_000 // 76 + 1))
        for customer in range(sent, sent + size):
            sender.tell(customer)
        sent += size

    assert most == sender.writes() / sent <= 0.2, sender.calls


@pytest.mark.parametrize(("apart", "writes"), [(1_000, 0.0), (500, 0.1), (200, 0.1), (100, 0.1), (20, 0.1)])
def test_singles_of_one_process_cost_a_write_for_ten(
    sender: Sender, clock: FakeClock, apart: int, writes: float
) -> None:
    """It leases ten ahead while its number has room. What is alone on a quiet number needs no lease."""
    for customer in range(200):
        assert isinstance(sender.ask(customer), Go)
        sender.tell(customer)
        clock.advance(apart)

    assert writes == sender.writes() / 200, sender.calls


@pytest.mark.parametrize("in_bursts", [False, True])
@pytest.mark.parametrize(
    ("processes", "rate"),
    [(1, 1), (1, 2), (1, 5), (1, 70), (2, 1), (2, 4), (2, 70), (3, 1.5), (3, 6), (3, 70), (5, 2.5), (5, 5), (5, 25),
     (5, 70), (15, 7.5), (15, 15), (15, 30), (15, 50), (15, 70)],
)  # fmt: skip
def test_singles_spread_over_processes_cost_a_fifth_of_a_write(processes: int, rate: float, in_bursts: bool) -> None:
    """From a message in two seconds and process on, to what a number takes; writes that come too late count too."""
    random.seed(1)
    clock, shared, times = FakeClock(NOW), FakeNumbers(), list[int]()
    views = [RememberedNumbers(shared, clock) for _ in range(processes)]
    account = MetaAccount(NUMBER, "w", b"sealed token")
    senders, its_app, now = [Admission(view, clock, LIMITS) for view in views], app(meta=account), float(NOW)
    for customer in range(messages := max(300, round(60 * rate))):
        sender, message = random.choice(senders), outbound(to=f"9199{customer:08}")
        turn = sender.ask(message, its_app, account, 1, 1)
        assert isinstance(turn, Go)
        times.append(turn.times[0] - clock.now)
        sender.tell(message, its_app, account, Accepted("wamid"))
        now += SECOND * (random.expovariate(rate) if in_bursts else 1 / rate)
        clock.now = int(now)

    writes = sum(view.requests["write"] for view in views) / messages
    assert writes <= 0.2, (writes, views[0].requests)
    assert max(times) <= SECOND, "who leases for ten keeps nobody waiting"


def test_a_campaign_that_has_to_wait_gets_its_places_together(sender: Sender, clock: FakeClock) -> None:
    """Fifty at a time; and it leases ten at a time when it comes back."""
    waiting: list[tuple[int, int]] = []
    went: list[int] = []
    for customer in range(1_000):
        turn = sender.ask(customer, 50)
        if isinstance(turn, Later):
            waiting.append((turn.at, customer))
        else:
            went.append(turn.times[0])
    booked = sender.writes()
    while waiting:
        waiting.sort()
        batch, waiting = waiting[:10], waiting[10:]
        clock.now = max(clock.now, batch[-1][0])
        for _, customer in batch:
            turn = sender.ask(customer, len(batch), receives=9)
            if isinstance(turn, Later):
                waiting.append((turn.at, customer))
            else:
                went.append(turn.times[0])

    assert (21, 99) == (booked, sender.writes()), sender.calls
    assert 1_000 == len(went)
    assert 13_000 < max(went) - NOW < 15_000, "at 76 a second they take 13.2"
