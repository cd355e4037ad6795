"""A process that asks for leave to send, and tells what became of its calls."""

from dataclasses import dataclass, field
from typing import Any

from hkreach.domain.app import App, MetaAccount
from hkreach.domain.message import OutboundMessage
from hkreach.domain.meta_outcome import Accepted, NotSent, Outcome, Uncertain
from hkreach.domain.number import Go, Later
from hkreach.usecases.send_message_admission import Admission
from tests.builders import LIMITS, NOW, NUMBER, app, outbound
from tests.fakes.clock import FakeClock
from tests.fakes.numbers import FakeNumbers

_MANY = 9
"""So often the queue gave the record that it goes to the end of the line if there is no room."""
ACCEPTED, TORN, OVERLOADED = Accepted("wamid"), Uncertain("torn"), NotSent("131016")


@dataclass
class Process:
    """Its messages are all to different customers, if nothing else is said."""

    numbers: FakeNumbers
    clock: FakeClock
    admission: Admission = field(init=False)
    customers: int = 0

    def __post_init__(self) -> None:
        self.admission = Admission(self.numbers, self.clock, LIMITS)

    def message(self, **parts: Any) -> OutboundMessage:
        self.customers += 1
        return outbound(**{"to": f"{id(self)}{self.customers}"} | parts)

    def ask(self, batch: int = 1, waited: bool = False, number: str = NUMBER, **parts: Any) -> Go | Later:
        app, account = sender(number)
        return self.admission.ask(self.message(**parts), app, account, _MANY if waited else 1, batch)

    def times(self, messages: int, batch: int = 1) -> list[int]:
        turns = [self.ask(batch) for _ in range(messages)]
        return [turn.times[0] - NOW for turn in turns if isinstance(turn, Go)]

    def tell(self, *outcomes: Outcome, number: str = NUMBER, **parts: Any) -> int | None:
        app, account = sender(number)
        return [self.admission.tell(self.message(**parts), app, account, outcome) for outcome in outcomes][-1]

    def goes(self, **parts: Any) -> bool:
        return isinstance(self.ask(**parts), Go)


def sender(number: str) -> tuple[App, MetaAccount]:
    account = MetaAccount(number, "w", b"sealed token")
    return app(meta=account), account
