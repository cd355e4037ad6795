"""The whole way of a message in one process: the production steps, a simulated clock, and faults at every call."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

from hkreach.adapters.sqs_statuses import read_early
from hkreach.domain.app import App, MetaAccount, UnknownPolicy
from hkreach.domain.change import Change
from hkreach.domain.message import OutboundMessage, Status
from hkreach.domain.progress import Progress
from hkreach.usecases.accept_message import IncomingFile, SendRequest, accept_message
from hkreach.usecases.fetch_media import FetchWaits
from hkreach.usecases.fetch_media_received import FetchReceived, ReceivedWaits
from hkreach.usecases.receive_meta import ReceiveMeta
from hkreach.usecases.send_message_upload import UploadMedia
from tests.builders import LIMITS, NOW, NUMBER, OTHER_NUMBER, PDF, TEMPLATE, UPLOAD, WAITS, app, endpoint, hooks
from tests.chaos.addresses import LARGE, SMALL, SimulatedAddresses
from tests.chaos.faults import STOPPED, Faults, Interposed, Killed, TimedOut, survive
from tests.chaos.inline import InlineExecutor
from tests.chaos.invocation import TIMEOUT, Invocation
from tests.chaos.ledger import SKEW, Ledger
from tests.chaos.operator import A_DAY, SOON, Operator
from tests.chaos.outside import (
    SECRET,
    Record,
    SimulatedBus,
    SimulatedMeta,
    SimulatedQueue,
    SimulatedSendQueue,
    SimulatedStatusQueue,
)
from tests.chaos.steps import PRODUCTION, Steps
from tests.chaos.stream import Stream
from tests.chaos.webhooks import SimulatedWebhooks
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.inbound import FakeInbound
from tests.fakes.numbers import FakeNumbers
from tests.fakes.outside import FakeMetaFiles
from tests.fakes.secrets import FakeMetaApp, FakeSealedSecrets
from tests.fakes.stores import FakeMediaSpool, FakeMediaStore
from tests.fakes.unsettled import FakeUnsettled
from tests.fakes.uploads import FakeUploads

RESEND_AFTER_SECONDS = 300
FETCH_WAITS = FetchWaits(fetch=30_000, retry_base=2, retry_longest=900, give_up=3_600, halted=300)
RECEIVED_WAITS = ReceivedWaits(fetch=30_000, retry_base=2, give_up=600)
BURST = 60
"""Messages to one recipient at once, in each run."""
SLOW = 0.1
"""Messages a second."""
type Step = Callable[[str, Callable[[], int], int, int], Progress]
TIME_LEFT: Callable[[], int] = lambda: TIMEOUT  # noqa: E731 - a name for an argument


class Simulation:
    """A stack in which every step can be run at any time."""

    def __init__(self, faults: Faults, steps: Steps = PRODUCTION, policy: UnknownPolicy = "park") -> None:
        self.faults, self.clock, self.steps = faults, FakeClock(NOW), steps
        self.acknowledged: set[str] = set()
        self.attempted = 0
        self.send_queue = SimulatedQueue(self.clock, self.faults, 360_000, forgets=True)
        self.media_queue = SimulatedQueue(self.clock, self.faults, 900_000, forgets=True)
        self.status_queue = SimulatedQueue(self.clock, self.faults, 360_000)
        self.webhook_queue = SimulatedQueue(self.clock, self.faults, 180_000)
        self._webhooks = SimulatedWebhooks(faults, self.clock, self.webhook_queue)
        self.webhooks = self._webhooks.told
        self.outbox, self.events = Stream("outbox"), Stream("events")
        self.table = steps.messages(self.clock)
        self.meta = SimulatedMeta(self.clock, self.faults)
        self.ledger = Ledger(self.clock, RESEND_AFTER_SECONDS * 1000 if policy == "resend" else None)
        self.drained_in = 0
        """Milliseconds of simulated time from the last fault until nothing was left to do."""
        self.forgotten, self.recovered = set[str](), [Counter[str]()]
        """Messages that nothing moved any more when all was drained, and what each `recover` did about them."""
        self._changes = 0
        self._in_work: tuple[SimulatedQueue, Record, Step] | None = None
        secrets = FakeSealedSecrets()
        # The second's number is so slow that most of its messages have to wait.
        self._apps = [
            _app(secrets, policy, name, number, rate)
            for name, number, rate in (("mystore", NUMBER, None), ("slowshop", OTHER_NUMBER, SLOW))
        ]
        self._wire(secrets)

    def _wire(self, secrets: FakeSealedSecrets) -> None:
        def struck(name: str, adapter: Any, done: Callable[[], bool] = lambda: True) -> Any:
            return Interposed(name, adapter, self.faults, done)

        self.messages = struck("messages", self.table, self._write_to_the_stream)
        self.apps, self.secrets = struck("apps", FakeApps(*self._apps)), struck("secrets", secrets)
        files = FakeMediaStore()
        self.media, spool = struck("media", files), struck("spool", FakeMediaSpool(files))
        self.queue = struck("queue", SimulatedSendQueue(self.send_queue, self.media_queue))
        self.bus = struck("bus", SimulatedBus(self.webhook_queue))
        read: Callable[[str], OutboundMessage] = lambda message_id: self.table.rows[message_id].message  # noqa: E731
        self._webhooks.wire(struck, self.apps, self.secrets, self.bus, read)
        meta, self.numbers = struck("meta", self.meta), struck("numbers", FakeNumbers())
        upload = UploadMedia(self.numbers, self.media, meta, self._skewed_clock, UPLOAD)
        # Two processes, each with a memory of its own: the second runs in the middle of the first.
        self.sender, self._other = (
            self.steps.sender(
                self.messages, self.apps, self.secrets, upload, meta, self._skewed_clock, WAITS,
                self.steps.admission(self.numbers, self._skewed_clock, LIMITS), self._pause,
                queue=self.queue,
            )
            for _ in range(2)
        )  # fmt: skip
        inbound = FakeInbound(self.table, self.clock)
        received = FetchReceived(
            inbound, self.apps, self.secrets, FakeMetaFiles(), spool, self._skewed_clock, RECEIVED_WAITS
        )
        self.fetcher = self.steps.fetcher(
            self.messages, self.apps, self.secrets, SimulatedAddresses(self.faults), spool, upload, self.queue,
            self._skewed_clock, FETCH_WAITS, received,
        )  # fmt: skip
        meta_app = FakeMetaApp()
        meta_app.rotate(SECRET, "verify")
        self.receiver = ReceiveMeta(
            self.messages, self.apps, struck("meta_app", meta_app), self.clock, self.numbers, inbound,
            struck("statuses", SimulatedStatusQueue(self.status_queue)),
        )  # fmt: skip
        unsettled = struck("unsettled", FakeUnsettled(self.table, page=50), self._write_to_the_stream)
        self.operator = Operator(
            self.steps.operator(self.messages, unsettled, self.apps, {}, self.clock, inbound),
            self.faults,
        )
        self.faults.overtake = self._overtake

    # ------------------------------------------------------------ the steps, each once

    def accept(self, to: str | None = None) -> None:
        """A caller sends a message, and repeats the request with its key until it is answered."""
        self.attempted += 1
        app = self._apps[to is None and self.faults.random.random() < 0.3]
        content = PDF + str(self.attempted // 10).encode()  # some two messages have the same file
        file = IncomingFile(content, "a.pdf") if self.faults.random.random() < 0.2 else None
        address = None if file else self.faults.random.choices((None, SMALL, LARGE), (0.85, 0.1, 0.05))[0]
        template = replace(TEMPLATE, header=None) if file or address else TEMPLATE
        request = SendRequest(
            to or f"9199{self.attempted % 40:08}", template, None, file, f"key-{self.attempted}", media_address=address
        )
        for _ in range(3):
            try:
                receipt = accept_message(
                    app, request, messages=self.messages, media=self.media, uploads=FakeUploads(), now=self.clock
                )
            except STOPPED:
                continue
            self.acknowledged.add(receipt.message_id)
            return

    def relay(self) -> None:
        """Both readers of the stream take a batch."""
        self.outbox.read(lambda batch: self.steps.relay_outbox(batch, queue=self.queue), self.faults)
        self.events.read(lambda batch: self.steps.relay_events(batch, bus=self.bus), self.faults)

    def send(self) -> None:
        """A sender takes some records of the queue."""
        self._work(self.send_queue, self._send)

    def _send(self, message_id: str, time_left: Callable[[], int], receives: int, batch: int) -> Progress:
        """Of the process that is at work now."""
        return self.sender(message_id, time_left, receives, batch)

    def fetch(self) -> None:
        """A fetcher does."""
        self._work(
            self.media_queue, lambda message_id, time_left, receives, _: self.fetcher(message_id, time_left, receives)
        )

    def _work(self, queue: SimulatedQueue, one: Step) -> None:
        records = queue.receive_batch()
        if not records:
            return
        invocation = Invocation(queue, records, self.faults)
        received = {record.body: record for record in records}

        def work(message_id: str) -> Progress:
            record = received[message_id]
            self._in_work = queue, record, one
            return one(message_id, invocation.get_remaining_time_in_millis, record.receives, len(records))

        try:
            invocation.run(work, self.steps.work_on_batch)
        except TimedOut:
            self.clock.advance(TIMEOUT)
        except Killed:
            pass
        finally:
            self._in_work = None

    def wake(self) -> None:
        """The minute's waking."""
        wake = partial(self.steps.wake_due, messages=self.messages, queue=self.queue, now=self.clock)
        survive(lambda: wake(time_left=TIME_LEFT))
        survive(self._webhooks.wake)

    def call_back(self) -> None:
        """Meta makes a callback whose time has come."""
        due = self.meta.due_callback()
        if due is None:
            return
        found = self.ledger.finds(due[0])
        with patch("hkreach.usecases.receive_meta.ThreadPoolExecutor", InlineExecutor):
            answered = survive(lambda: self.receiver(*due))
        if answered is None:
            self.meta.repeat(due[0])
        else:
            self.ledger.was_told(found)

    def look_again(self) -> None:
        """Statuses that came too early are looked for once more."""
        self._work(self.status_queue, lambda body, *_: self.receiver.look_again(read_early(body)))

    def recover(self) -> None:
        """The operator puts back what no queue holds any more."""
        survive(lambda: self.operator.recover(SOON))

    def deliver(self) -> None:
        """A webhook is tried."""
        survive(self._webhooks.work)

    def go_on(self) -> None:
        """A process that stood still makes the call that it was about to make."""
        if self.faults.paused:
            self.faults.paused.pop(self.faults.random.randrange(len(self.faults.paused)))()

    # ------------------------------------------------------------ how they are run

    def run(self, messages: int) -> None:
        """Accept messages and work on them under faults, to the end."""
        work = [self.relay, self.send, self.send, self.fetch, self.call_back, self.look_again, self.deliver]
        burst_at = self.faults.random.randrange(messages // 2)
        while self.attempted < messages:
            self.accept()
            if self.attempted == burst_at:
                for _ in range(BURST):
                    self.accept("919900000000")
            for _ in range(6):
                self.faults.random.choice(work)()
                self.clock.advance(self.faults.random.randrange(1_500))
            if self.faults.random.random() < 0.1:
                self.wake()
                self.go_on()
            if self.faults.random.random() < 0.02:
                self.recover()
        self.finish()

    def finish(self) -> None:
        """Let the faults stop; drain, recover what was lost, and drain again."""
        self.faults.stop()
        stopped = self.clock()
        while self.faults.paused:
            self.go_on()
        self.send_queue.redrive()
        self.media_queue.redrive()
        self.status_queue.redrive()
        self.webhook_queue.redrive()
        self._drain()
        self.drained_in = self.clock() - stopped
        self.forgotten = {i for i, row in self.table.rows.items() if not has_ended(row.message)}
        self.clock.advance(A_DAY * 1000 + TIMEOUT)
        self.recovered = [self.operator.recover_all(A_DAY) for _ in range(2)]
        self._drain()

    def _drain(self) -> None:
        for _ in range(3_000):
            while self._busy():
                self.relay()
                self.send()
                self.fetch()
                self.call_back()
                self.look_again()
                self.deliver()
            self.wake()
            left = [queue for queue in self._queues if queue.records]
            if not (left or len(self.meta.callbacks) or self.table.waiting or self._webhooks.waiting):
                return
            self.clock.advance(60_000)
        raise AssertionError("it does not drain: something is tried for ever")

    def _busy(self) -> bool:
        queues = any(queue.has_visible() for queue in self._queues)
        unread = not (self.outbox.is_read and self.events.is_read)
        return unread or queues or self.meta.callbacks.is_due(self.clock())

    @property
    def _queues(self) -> tuple[SimulatedQueue, ...]:
        return self.send_queue, self.media_queue, self.status_queue, self.webhook_queue

    def _overtake(self) -> None:
        """Another worker runs in the middle of this one: with the same record if there is one in work.

        Or Meta calls back.
        """
        in_work, again = self._in_work, self.faults.random.random() < 0.8
        if self.faults.random.random() < 0.2:
            self.call_back()
            return
        self.sender, self._other = self._other, self.sender
        try:
            if in_work is None:
                self.send()
                return
            queue, record, step = in_work
            if again:
                # Or it is the one that got it first of all, and stood still.
                first = self.faults.random.random() < 0.5
                survive(lambda: queue.given_again(record, lambda n: step(record.body, TIME_LEFT, 1 if first else n, 1)))
            else:
                other = self.fetcher if queue is self.send_queue else self.sender
                survive(lambda: other(record.body, TIME_LEFT))
        finally:
            self.sender, self._other = self._other, self.sender

    def _pause(self, seconds: float) -> None:
        self.clock.advance(round(seconds * 1_000))

    def _skewed_clock(self) -> int:
        skew = self.faults.random.randrange(-SKEW, SKEW) if self.faults.happens("clock skewed") else 0
        return self.clock() + skew

    def _write_to_the_stream(self) -> bool:
        """Whether there was anything to write."""
        wrote = bool(self.table.changed)
        for message_id, before in self.table.changed.items():
            change = Change(str(self._changes), before, self.table.rows[message_id].message)
            self._changes += 1
            self.ledger.wrote(before, self.table.rows[message_id].message)
            self.outbox.add(change)
            self.events.add(change)
        self.table.changed.clear()
        return wrote


def has_ended(message: OutboundMessage) -> bool:
    """Whether no step has to do anything more about it."""
    return message.is_settled or (message.status is Status.UNKNOWN and message.claim is None)


def _app(secrets: FakeSealedSecrets, policy: UnknownPolicy, name: str, number: str, rate: float | None) -> App:
    account = MetaAccount(number, "w", secrets.seal(name, "access_token", "EAAtoken"))
    hook = hooks(endpoint(secret=secrets.seal(name, "webhook_secret", "secret")))
    return app(
        name,
        meta=account,
        endpoints=hook,
        unknown_policy=policy,
        resend_after_seconds=RESEND_AFTER_SECONDS,
        messages_per_second=rate,
    )
