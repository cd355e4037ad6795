"""Every order and repetition of what Meta tells of a message, and of our own answer among it: all of them, computed.

Orders that lead to the same item, with the same events published and the same still to come, are gone on with once:
what the steps do depends on nothing else.
"""

import itertools
import json
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from hkreach.domain.change import Change
from hkreach.domain.message import Status, new_facts, status_of
from hkreach.domain.signature import sign
from hkreach.usecases.receive_meta import ReceiveMeta
from hkreach.usecases.relay_events import relay_events
from tests.builders import MESSAGE_ID, NOW, NUMBER, WAMID, outbound
from tests.chaos.inline import InlineExecutor
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.inbound import FakeInbound
from tests.fakes.messages import FakeMessages
from tests.fakes.numbers import FakeNumbers
from tests.fakes.secrets import FakeMetaApp
from tests.fakes.stores import FakeEventBus, FakeStatusQueue

TOLD = (Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED)
SECRET = "the-meta-apps-secret"


@dataclass(frozen=True)
class End:
    """What some orders ended in."""

    status: Status
    facts: frozenset[tuple[Status, int]]
    """With their times."""
    events: frozenset[str]
    """Each in full."""


class Walk:
    """Goes through all orders of our own write and of the callbacks that are left."""

    def __init__(self, own: Status) -> None:
        clock = FakeClock(NOW)
        self.messages, self.bus = FakeMessages(clock), FakeEventBus()
        self.messages.add(outbound())
        claim = self.messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
        assert claim is not None
        self.row, self.claim, self.own = self.messages.rows[MESSAGE_ID], claim, own
        self.receive = ReceiveMeta(
            self.messages,
            FakeApps(),
            FakeMetaApp(SECRET),
            clock,
            FakeNumbers(),
            FakeInbound(self.messages),
            FakeStatusQueue(),
        )
        self.known: dict[object, tuple[int, frozenset[End]]] = {}

    def go(self, left: Counter[Status], told: frozenset[str]) -> tuple[int, frozenset[End]]:
        """How many orders there are of what is left, and how they end."""
        before = self.row.message
        facts = tuple(sorted(before.facts.items()))
        if not left.total():
            return 1, frozenset({End(before.status, frozenset(facts), told)})
        place = (facts, before.claim, before.wamid, before.error, before.attempts, told, tuple(sorted(left.items())))
        if place not in self.known:
            parts = [self._step(step, left, told) for step, times in left.items() if times]
            self.known[place] = sum(orders for orders, _ in parts), frozenset().union(*(ends for _, ends in parts))
        return self.known[place]

    def _step(self, step: Status, left: Counter[Status], told: frozenset[str]) -> tuple[int, frozenset[End]]:
        before = self.row.message
        match step:
            case Status.ACCEPTED:
                self.messages.record_accepted(MESSAGE_ID, self.claim, NOW + 500, WAMID)
            case Status.UNKNOWN:
                self.messages.record_unknown(MESSAGE_ID, self.claim, NOW + 500)
            case _:
                self.receive(*BODIES[step])
        self.bus.published.clear()
        relay_events([Change("1", before, self.row.message)], bus=self.bus)
        events = frozenset(json.dumps(event, sort_keys=True) for event in self.bus.published)
        assert len(new_facts(before.facts, self.row.message.facts)) == len(events), "one event for each new fact"
        assert not events & told, "and none of a fact that was there"
        answer = self.go(left - Counter([step]), told | events)
        self.row.message = before
        return answer


def _body(status: Status) -> tuple[bytes, str]:
    at = NOW // 1000 + list(Status).index(status)
    node = {"id": WAMID, "status": status, "timestamp": str(at), "biz_opaque_callback_data": MESSAGE_ID}
    if status is Status.FAILED:
        node["errors"] = [{"code": 131026, "title": "Message undeliverable"}]  # type: ignore[assignment]
    value = {"metadata": {"phone_number_id": NUMBER}, "statuses": [node]}
    body = json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()
    return body, "sha256=" + sign(SECRET, body)


BODIES = {status: _body(status) for status in TOLD}


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("hkreach.usecases.receive_meta.ThreadPoolExecutor", InlineExecutor)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def walk(own: Status, told: Sequence[Status]) -> tuple[int, frozenset[End]]:
    """All orders of our own write and of each of these once or twice."""
    walks = [Walk(own).go(Counter([own, *steps]), frozenset()) for steps in repeated(told)]
    return sum(orders for orders, _ in walks), frozenset().union(*(ends for _, ends in walks))


def repeated(statuses: Sequence[Status]) -> Iterator[list[Status]]:
    """Each of them once or twice, in every combination."""
    if not statuses:
        yield []
        return
    for rest in repeated(statuses[1:]):
        yield [statuses[0], *rest]
        yield [statuses[0], statuses[0], *rest]


def test_every_order_and_repetition_ends_in_one_status_with_one_event_for_each_fact() -> None:
    """Sent, delivered, read and failed, each once or twice, and our own answer anywhere among them."""
    orders, ends = walk(Status.ACCEPTED, TOLD)

    assert 51_960 == orders
    (end,) = ends
    assert (Status.READ, len(TOLD) + 1) == (end.status, len(end.events))
    assert {Status.QUEUED, Status.ACCEPTED, *TOLD} == {fact for fact, _ in end.facts}


@pytest.mark.parametrize("come", [c for some in range(1, 5) for c in itertools.combinations(TOLD, some)])
def test_so_it_is_for_whatever_of_them_comes(come: Sequence[Status]) -> None:
    _, ends = walk(Status.ACCEPTED, come)

    (end,) = ends
    assert (status_of(come), len(come) + 1) == (end.status, len(end.events))


def test_so_it_is_when_our_own_answer_was_lost() -> None:
    """The fact `unknown` is there if it was written first; what Meta told, and the status, are the same."""
    _, ends = walk(Status.UNKNOWN, TOLD)

    assert {Status.READ} == {end.status for end in ends}
    assert 1 == len({frozenset(fact for fact in end.facts if fact[0] in TOLD) for end in ends})
    assert 1 == len({frozenset(event for event in end.events if '"unknown"' not in event) for end in ends})
