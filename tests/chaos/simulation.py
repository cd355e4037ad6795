"""The whole way of a message in one process: the production steps, a simulated clock, and faults at every call."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hkreach.domain.app import MetaAccount, Webhook
from hkreach.domain.change import Change
from hkreach.domain.event import Event
from hkreach.domain.message import Status
from hkreach.usecases.accept_message import IncomingFile, SendRequest, accept_message
from hkreach.usecases.deliver_webhook import deliver_webhook
from hkreach.usecases.receive_meta import ReceiveMeta
from hkreach.usecases.relay_events import relay_events
from hkreach.usecases.relay_outbox import relay_outbox
from hkreach.usecases.send_message import SendMessage, Waits
from hkreach.usecases.wake_due import wake_due
from tests.builders import NOW, NUMBER, PDF, RECIPIENT, TEMPLATE, app
from tests.chaos.faults import Failed, Faults, Interposed, Killed
from tests.chaos.outside import SECRET, SimulatedMeta, SimulatedQueue, SimulatedSendQueue
from tests.chaos.stream import Stream
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.messages import FakeMessages
from tests.fakes.secrets import FakeMetaApp, FakeSealedSecrets
from tests.fakes.stores import FakeMediaStore

TIME_LEFT: Callable[[], int] = lambda: 60_000  # noqa: E731 - a name for an argument
WAITS = Waits(call=20, retry_base=2, retry_longest=900, halted=300)


@dataclass(frozen=True)
class Steps:
    """The production code; a planted bug replaces one of these."""

    sender: type[SendMessage] = SendMessage
    messages: type[FakeMessages] = FakeMessages
    relay_outbox: Callable[..., frozenset[str]] = relay_outbox
    relay_events: Callable[..., frozenset[str]] = relay_events
    wake_due: Callable[..., int] = wake_due


class Bus:
    """Implements the port `EventBus` by putting events on the webhook queue."""

    def __init__(self, queue: SimulatedQueue) -> None:
        self._queue = queue

    def publish(self, events: list[Event]) -> list[Event]:
        refused = [event for event in events if self._queue.faults.happens("bus refused an entry")]
        for event in events:
            if event not in refused and event["data"]["status"] in {"sent", "delivered", "read", "failed"}:
                self._queue.add(event)
        return refused


class Simulation:
    """A stack in which every step can be run at any time."""

    def __init__(self, seed: int, rate: float, steps: Steps = Steps()) -> None:
        self.faults, self.clock, self.steps = Faults(seed, rate), FakeClock(NOW), steps
        self.acknowledged: set[str] = set()
        self.attempted = 0
        self.webhooks: dict[str, set[str]] = {}
        self.send_queue = SimulatedQueue(self.clock, self.faults, 360_000)
        self.webhook_queue = SimulatedQueue(self.clock, self.faults, 180_000)
        self.outbox, self.events = Stream(), Stream()
        self.table = steps.messages(self.clock)
        self.meta = SimulatedMeta(self.clock, self.faults)
        self._changes = 0
        self._in_work: str | None = None
        secrets = FakeSealedSecrets()
        account = MetaAccount(NUMBER, "w", secrets.seal("mystore", "access_token", "EAAtoken"))
        hook = Webhook("https://shop.example.com/", secrets.seal("mystore", "webhook_secret", "secret"))
        self.app = app(meta=account, webhook=hook)
        self._wire(secrets)

    def _wire(self, secrets: FakeSealedSecrets) -> None:
        def struck(name: str, adapter: Any, done: Callable[[], None] = lambda: None) -> Any:
            return Interposed(name, adapter, self.faults, done)

        self.messages = struck("messages", self.table, self._write_to_the_stream)
        self.apps, self.secrets = struck("apps", FakeApps(self.app)), struck("secrets", secrets)
        self.media, self.queue = struck("media", FakeMediaStore()), struck("queue", SimulatedSendQueue(self.send_queue))
        self.bus = struck("bus", Bus(self.webhook_queue))
        meta = struck("meta", self.meta)
        self.sender = self.steps.sender(
            self.messages, self.apps, self.secrets, self.media, meta, self._skewed_clock, WAITS
        )
        meta_app = FakeMetaApp()
        meta_app.rotate(SECRET, "verify")
        self.receiver = ReceiveMeta(self.messages, self.apps, struck("meta_app", meta_app), self.clock)
        self.faults.overtake = self._overtake

    # ------------------------------------------------------------ the steps, each once

    def accept(self) -> None:
        """A caller sends a message, and repeats the request with its key until it is answered."""
        self.attempted += 1
        file = IncomingFile(PDF, "a.pdf") if self.faults.random.random() < 0.2 else None
        template = replace(TEMPLATE, header_text=None) if file else TEMPLATE
        request = SendRequest(RECIPIENT, template, None, file, f"key-{self.attempted}")
        for _ in range(3):
            try:
                receipt = accept_message(self.app, request, messages=self.messages, media=self.media, now=self.clock)
            except (Failed, Killed):
                continue
            self.acknowledged.add(receipt.message_id)
            return

    def relay(self) -> None:
        """Both readers of the stream take a batch."""
        self._read(self.outbox, lambda batch: self.steps.relay_outbox(batch, queue=self.queue))
        self._read(self.events, lambda batch: self.steps.relay_events(batch, bus=self.bus))

    def send(self) -> None:
        """A sender takes a record of the queue."""
        record = self.send_queue.receive()
        if record is None:
            return
        self._in_work = record.body
        progress = self._survive(lambda: self.sender(record.body, TIME_LEFT))
        self._in_work = None
        if progress is None:
            return
        if progress == "done":
            self.send_queue.acknowledge(record)
        else:
            self.send_queue.hide(record, self.clock() + (progress if isinstance(progress, int) else 60) * 1000)

    def wake(self) -> None:
        """The minute's waking."""
        self._survive(lambda: self.steps.wake_due(messages=self.messages, queue=self.queue, now=self.clock))

    def call_back(self) -> None:
        """Meta makes a callback whose time has come."""
        due = self.meta.due_callback()
        if due is not None and not self._survive(lambda: self.receiver(*due)):
            self.meta.repeat(due[0])

    def deliver(self) -> None:
        """A webhook is tried."""
        record = self.webhook_queue.receive()
        if record is None:
            return
        event: Event = record.body
        tried = self._survive(lambda: deliver_webhook(event, apps=self.apps, secrets=self.secrets, client=self))
        if tried == "done":
            self.webhook_queue.acknowledge(record)
            self.webhooks.setdefault(event["data"]["messageId"], set()).add(event["data"]["status"])

    def post(self, *_: object) -> str | None:
        """Implements the port `WebhookClient`: the integrator's server."""
        return "HTTP 503" if self.faults.happens("webhook refused") else None

    def go_on(self) -> None:
        """A process that stood still makes the call that it was about to make."""
        if self.faults.paused:
            self.faults.paused.pop(self.faults.random.randrange(len(self.faults.paused)))()

    # ------------------------------------------------------------ how they are run

    def run(self, messages: int) -> None:
        """Accept messages and work on them under faults; then let the faults stop, and drain."""
        work = [self.relay, self.send, self.send, self.call_back, self.deliver]
        while self.attempted < messages:
            self.accept()
            for _ in range(6):
                self.faults.random.choice(work)()
                self.clock.advance(self.faults.random.randrange(1_500))
            if self.faults.random.random() < 0.1:
                self.wake()
                self.go_on()
        self.faults.rate = 0
        while self.faults.paused:
            self.go_on()
        self.send_queue.redrive()
        self.webhook_queue.redrive()
        self._drain()

    def _drain(self) -> None:
        for _ in range(3_000):
            while self._busy():
                self.relay()
                self.send()
                self.call_back()
                self.deliver()
            self.wake()
            if not (
                self.send_queue.records or self.webhook_queue.records or len(self.meta.callbacks) or self.table.waiting
            ):
                return
            self.clock.advance(60_000)
        raise AssertionError("it does not drain: something is tried for ever")

    def _busy(self) -> bool:
        queues = self.send_queue.has_visible() or self.webhook_queue.has_visible()
        unread = not (self.outbox.is_read and self.events.is_read)
        return unread or queues or self.meta.callbacks.is_due(self.clock())

    def _read(self, stream: Stream, relay: Callable[[list[Change]], frozenset[str]]) -> None:
        if stream.was_read_from and self.faults.happens("stream records repeated"):
            stream.repeat()
        if self.faults.happens("stream late"):
            return
        batch = stream.batch()
        refused = self._survive(lambda: relay(batch)) if batch else None
        if refused is not None:
            stream.go_on_from(min(map(int, refused), default=int(batch[-1].sequence_number) + 1))

    def _survive(self, step: Callable[[], Any]) -> Any:
        """What the step gives, or None if it was killed or failed."""
        try:
            return step()
        except (Failed, Killed):
            return None

    def _overtake(self) -> None:
        """Another worker runs in the middle of this one: with the same message if there is one in work."""
        message_id = self._in_work
        if message_id is None:
            self.send()
        else:
            self._survive(lambda: self.sender(message_id, TIME_LEFT))

    def _skewed_clock(self) -> int:
        skew = self.faults.random.randrange(-3_000, 3_000) if self.faults.happens("clock skewed") else 0
        return self.clock() + skew

    def _write_to_the_stream(self) -> None:
        for message_id, before in self.table.changed.items():
            change = Change(str(self._changes), before, self.table.rows[message_id].message)
            self._changes += 1
            self.outbox.add(change)
            self.events.add(change)
        self.table.changed.clear()

    def status(self, message_id: str) -> Status | None:
        """What the table says of a message at the end."""
        row = self.table.rows.get(message_id)
        return row.message.status if row else None
