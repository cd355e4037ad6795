"""Messages that are stuck, and the operator's calls on them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hkreach.domain.message import OutboundMessage
from hkreach.ports import DeadLetters
from hkreach.usecases.administer_messages import AdministerMessages, QueueName
from tests.builders import MESSAGE_ID, NOW, app, outbound
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.inbound import FakeInbound
from tests.fakes.messages import FakeMessages
from tests.fakes.stores import FakeDeadLetters
from tests.fakes.unsettled import FakeUnsettled

IDS = [f"3fa85f64-5717-4562-b3fc-2c963f66af{number:02}" for number in range(5)]
PLENTY: Callable[[], int] = lambda: 50_000  # noqa: E731 - a name for an argument


@dataclass
class House:
    """The operator's calls and what lies behind them."""

    messages: FakeMessages
    unsettled: FakeUnsettled
    apps: FakeApps
    letters: FakeDeadLetters
    clock: FakeClock
    calls: AdministerMessages
    inbound: FakeInbound

    def add_unknown(self, *message_ids: str, **parts: object) -> None:
        for message_id in message_ids:
            self.messages.add(outbound(message_id, **parts))
            claim = self.messages.claim(message_id, NOW - 1, NOW + 25_000)
            assert claim is not None
            self.messages.record_unknown(message_id, claim, NOW)

    def message(self, message_id: str = MESSAGE_ID) -> OutboundMessage:
        return self.messages.rows[message_id].message

    def statuses(self, *message_ids: str) -> list[str]:
        return [self.message(message_id).status.value for message_id in message_ids]


def stuck_house(messages: FakeMessages, clock: FakeClock) -> House:
    """A house with two apps and no messages."""
    inbound, letters = FakeInbound(messages, clock), FakeDeadLetters()
    unsettled = FakeUnsettled(messages, inbound=inbound)
    apps = FakeApps(app(), app("other", meta=None))
    queues: dict[QueueName, DeadLetters] = {"send": letters, "webhooks": FakeDeadLetters("w")}
    calls = AdministerMessages(messages, unsettled, apps, queues, clock, inbound)
    return House(messages, unsettled, apps, letters, clock, calls, inbound)


def times(*milliseconds: int) -> Callable[[], int]:
    """The time left, at one question after another; the last for ever."""
    given: Iterator[int] = iter(milliseconds)
    return lambda: next(given, milliseconds[-1])
