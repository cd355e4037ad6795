"""The sender with pace and breakers, two apps, and fakes for all that lies outside."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hkreach.domain.message import OutboundMessage
from hkreach.domain.meta_outcome import Outcome, Uncertain
from hkreach.domain.number import NumberState
from hkreach.domain.pace import Pace
from hkreach.domain.progress import Progress
from hkreach.domain.time import SECOND
from hkreach.usecases.administer import Administer, NewMetaAccount
from hkreach.usecases.administer_resume import ResumeWaiting
from hkreach.usecases.send_message import SendMessage
from hkreach.usecases.send_message_admission import Admission
from hkreach.usecases.send_message_upload import UploadMedia
from tests.builders import LIMITS, NOW, NUMBER, OTHER_NUMBER, UPLOAD, WAITS, app, outbound
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.deliveries import FakeEndpointHealths
from tests.fakes.messages import FakeMessages
from tests.fakes.numbers import FakeNumbers
from tests.fakes.outside import FakeMeta
from tests.fakes.secrets import FakeMetaApp, FakeSealedSecrets
from tests.fakes.stopped import FakeStopped
from tests.fakes.stores import FakeMediaStore, FakeSendQueue

PLENTY: Callable[[], int] = lambda: 60_000  # noqa: E731 - a name for an argument
TORN = Uncertain("torn")


@dataclass
class House:
    messages: FakeMessages
    apps: FakeApps
    meta: FakeMeta
    numbers: FakeNumbers
    clock: FakeClock
    step: SendMessage
    administer: Administer
    pauses: list[float]
    queued: int = 0

    def add(self, **parts: Any) -> str:
        """A message to a customer of its own."""
        self.queued += 1
        message_id = f"{self.queued:08}-5717-4562-b3fc-2c963f66afa6"
        self.messages.add(outbound(message_id, **{"to": f"9199{self.queued:08}"} | parts))
        return message_id

    def send(self, message_id: str | None = None, receives: int = 1, batch: int = 1, **parts: Any) -> Progress:
        return self.step(message_id or self.add(**parts), PLENTY, receives, batch)

    def called(self) -> list[str]:
        return [str(body["biz_opaque_callback_data"]) for _, _, body in self.meta.sent]

    def message(self, message_id: str) -> OutboundMessage:
        return self.messages.rows[message_id].message

    def waits(self, message_id: str) -> tuple[int | None, str | None]:
        message = self.message(message_id)
        return message.next_try_at and message.next_try_at - NOW, message.waits_for

    def busy(self, **marks: int) -> None:
        self.numbers.states[f"number#{NUMBER}"] = NumberState(Pace(**marks))

    def answers(self, *outcomes: Outcome) -> None:
        self.meta.send_answers += outcomes


def furnished(messages: FakeMessages, clock: FakeClock, numbers: FakeNumbers) -> House:
    secrets, meta, pauses = FakeSealedSecrets(), FakeMeta(), list[float]()
    apps = FakeApps()
    resume = ResumeWaiting(messages, FakeStopped(messages), numbers, clock)
    administer = Administer(apps, numbers, secrets, FakeMetaApp(), clock, FakeEndpointHealths(), resume_waiting=resume)
    for name, number in (("mystore", NUMBER), ("other", OTHER_NUMBER)):
        apps.add(app(name, meta=None))
        administer.set_meta_account(name, NewMetaAccount(number, "1", "EAAtoken"))

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        clock.advance(round(seconds * SECOND))

    admission, upload = Admission(numbers, clock, LIMITS), UploadMedia(numbers, FakeMediaStore(), meta, clock, UPLOAD)
    step = SendMessage(messages, apps, secrets, upload, meta, clock, WAITS, admission, pause, queue=FakeSendQueue())
    return House(messages, apps, meta, numbers, clock, step, administer, pauses)
