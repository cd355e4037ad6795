"""The production steps in simulated time, from the accepted request to the webhook: nothing of theirs is replaced."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from hkreach.domain.app import App, MetaAccount
from hkreach.domain.change import Change
from hkreach.domain.event import Event
from hkreach.domain.message import Lane, OutboundMessage, Status
from hkreach.domain.meta_outcome import Accepted, Outcome
from hkreach.domain.signature import sign
from hkreach.domain.time import MINUTE, SECOND
from hkreach.domain.webhook_answer import Answer
from hkreach.usecases.accept_message import SendRequest, accept_message
from hkreach.usecases.receive_meta import ReceiveMeta
from hkreach.usecases.relay_events import relay_events
from hkreach.usecases.relay_outbox import relay_outbox
from hkreach.usecases.send_message import SendMessage
from hkreach.usecases.send_message_admission import Admission
from hkreach.usecases.send_message_upload import UploadMedia
from hkreach.usecases.wake_due import wake_due
from tests.builders import LIMITS, TEMPLATE, UPLOAD, WAITS, app, endpoint, hooks
from tests.fakes.apps import FakeApps
from tests.fakes.delivering import Delivering
from tests.fakes.inbound import FakeInbound
from tests.fakes.messages import FakeMessages
from tests.fakes.numbers import FakeNumbers
from tests.fakes.secrets import FakeMetaApp, FakeSealedSecrets
from tests.fakes.stores import FakeMediaStore, FakeStatusQueue
from tests.fakes.uploads import FakeUploads
from tests.replay.meta import SimulatedMeta
from tests.replay.queues import SimulatedQueue, Work, Workers
from tests.replay.timeline import Steps, Timeline

WORKERS: Mapping[Lane, Workers] = {
    "now": Workers(processes=15, batch=10),
    "bulk": Workers(processes=5, batch=50, window=1_000),
}
"""Of each lane, as template.yaml has them."""
TWICE = 0.01
"""Of the queue's records, how many come twice."""
_STREAM = 500
"""Milliseconds until a reader of the table's stream has a change."""
_COLLECTS = 15 * SECOND
"""For how long Meta collects what it tells in one callback."""
_SECRET = "the-meta-apps-secret"


class Counted:
    """An adapter whose calls are counted, one at a time: `receive_meta` makes several at once. `done` follows each."""

    def __init__(self, adapter: Any, done: Callable[[], object] = lambda: None) -> None:
        self._adapter, self._done, self._lock = adapter, done, threading.Lock()
        self.calls: Counter[str] = Counter()

    def __getattr__(self, method: str) -> Any:
        real = getattr(self._adapter, method)

        def call(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                self.calls[method] += 1
                answer = real(*args, **kwargs)
                self._done()
            return answer

        setattr(self, method, call)
        return call


class Stack:
    """A deployed stack: apps with a number each, tables, queues, and the minute's waking."""

    def __init__(
        self,
        timeline: Timeline,
        meta: SimulatedMeta,
        apps: Sequence[str] = ("mystore",),
        messages_per_second: float | None = None,
        admission: type[Admission] = Admission,
        twice: float = TWICE,
    ) -> None:
        """`messages_per_second`: the apps' setting. `admission`: what decides when a message may go."""
        self.timeline, self.meta, self._messages_per_second = timeline, meta, messages_per_second
        self._admission, self._twice = admission, twice
        self.secrets = FakeSealedSecrets()
        self.apps = FakeApps(*(self._app(name, place) for place, name in enumerate(apps)))
        self.table = FakeMessages(timeline)
        self.messages: Any = Counted(self.table, self._put_on_the_stream)
        self.numbers = FakeNumbers()
        self.accepted: dict[str, int] = {}
        """When each message was accepted."""
        self.webhooks: dict[str, dict[str, int]] = {}
        """When the integrator was told each status of a message."""
        self.backlog = 0
        """Messages accepted of which it is not yet known, or known to be unknown, what became of them."""
        self._steps = Steps(timeline)
        self._new: list[Change] = []
        self._facts: list[Change] = []
        self._told: dict[str, list[Mapping[str, Any]]] = {}
        """Statuses that go into Meta's next callback, by kind."""
        meta.told = self._call_back
        self._wire()

    def _wire(self) -> None:
        """Where the production steps are put together."""
        self.lanes = {
            name: SimulatedQueue(self.timeline, self._steps, workers, self._sender, twice=self._twice)
            for name, workers in WORKERS.items()
        }
        meta_app = FakeMetaApp()
        meta_app.rotate(_SECRET, "verify")
        self._receiver = ReceiveMeta(
            self.messages,
            self.apps,
            meta_app,
            self.timeline,
            self.numbers,
            FakeInbound(self.messages),
            FakeStatusQueue(),
        )
        self._deliver = Delivering(self.apps, self.secrets, self, self.timeline).deliver
        self.timeline.every(MINUTE, self._wake)

    def _wake(self) -> None:
        wake_due(messages=self.messages, queue=self, now=self.timeline, time_left=lambda: MINUTE)

    def _sender(self) -> Work:
        """What one process does with the records of a queue."""
        meta = _MetaPort(self)
        return SendMessage(
            self.messages,
            self.apps,
            self.secrets,
            UploadMedia(self.numbers, FakeMediaStore(), meta, self.timeline, UPLOAD),
            meta,
            self.timeline,
            WAITS,
            self._admission(self.numbers, self.timeline, LIMITS),
            lambda seconds: self.stand_still(round(seconds * SECOND)),
            queue=self,
        )

    def put(self, messages: Sequence[Any], delays: Mapping[str, int] | None = None) -> Sequence[Any]:
        """Implements the port `SendQueue`."""
        for message in messages:
            self.lanes[message.lane].put(message.message_id, (delays or {}).get(message.message_id, 0))
        return []

    def close(self) -> None:
        self._steps.close()

    def accept(self, app_name: str, to: str, **parts: Any) -> str:
        """A caller sends a message; returns its id."""
        request = SendRequest(to, TEMPLATE, idempotency_key=str(len(self.accepted)), **parts)
        found = self.apps.apps[app_name]
        receipt = accept_message(
            found, request, messages=self.messages, media=FakeMediaStore(), uploads=FakeUploads(), now=self.timeline
        )
        self.accepted[receipt.message_id] = self.timeline()
        return receipt.message_id

    # ------------------------------------------------------------ the table's stream

    def _put_on_the_stream(self) -> None:
        for message_id, before in self.table.changed.items():
            after = self.table.rows[message_id].message
            self.backlog += _is_open(after) - (_is_open(before) if before else 0)
            change = Change(str(self.messages.calls.total()), before, after)
            if before is None:
                self._give(self._new, change, lambda batch: relay_outbox(batch, queue=self))
            if before is None or before.facts != after.facts:
                self._give(self._facts, change, lambda batch: relay_events(batch, bus=self))
        self.table.changed.clear()

    def _give(self, reader: list[Change], change: Change, relay: Callable[[list[Change]], object]) -> None:
        def read() -> None:
            batch = reader[:]
            reader.clear()
            relay(batch)

        if not reader:
            self.timeline.after(_STREAM, read)
        reader.append(change)

    # ------------------------------------------------------------ Meta's callbacks, and the integrator's server

    def _call_back(self, message_id: str, wamid: str, number: str) -> None:
        """Meta tells `sent` and `delivered`, many messages in one callback."""
        at = self.meta.callbacks_at()
        for place, status in enumerate(("sent", "delivered")):
            node = {"id": wamid, "status": status, "timestamp": str(at // SECOND + place)}
            node["biz_opaque_callback_data"] = message_id
            value = {"metadata": {"phone_number_id": number}, "statuses": [node]}
            tell = partial(self._tell, status, {"field": "messages", "value": value})
            self.timeline.at(at + place * SECOND, tell)

    def _tell(self, status: str, change: Mapping[str, Any]) -> None:
        def call() -> None:
            body = json.dumps({"entry": [{"changes": self._told.pop(status)}]}).encode()
            self._receiver(body, "sha256=" + sign(_SECRET, body))

        if status not in self._told:
            self.timeline.after(_COLLECTS, call)
        self._told.setdefault(status, []).append(change)

    def publish(self, events: Sequence[Event]) -> Sequence[Event]:
        """Implements the port `EventBus`, with the rule that leads to the webhooks."""
        for event in events:
            if event["data"]["status"] in {"sent", "delivered", "failed"}:
                self._deliver(event)
                told = self.webhooks.setdefault(event["data"]["messageId"], {})
                told.setdefault(event["data"]["status"], self.timeline())
        return []

    def post(self, *_: object) -> Answer:
        """Implements the port `WebhookClient`: a server that takes everything."""
        return Answer(200)

    def _app(self, name: str, place: int) -> App:
        account = MetaAccount(f"10654035224{place:04}", "w", self.secrets.seal(name, "access_token", "EAAtoken"))
        hook = hooks(endpoint(secret=self.secrets.seal(name, "webhook_secret", "secret")))
        return replace(app(name, meta=account), endpoints=hook, messages_per_second=self._messages_per_second)

    def stand_still(self, milliseconds: int) -> None:
        self._steps.stand_still(milliseconds)


class _MetaPort:
    """Implements the port `Meta`: the step stands still for as long as the call takes."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def upload(self, *_: object) -> Outcome:
        return Accepted("media-1")

    def send(self, number: str, _token: str, message: dict[str, object]) -> Outcome:
        message_id = str(message["biz_opaque_callback_data"])
        took, outcome = self._stack.meta.answer(number, str(message["to"]), message_id)
        self._stack.stand_still(took)
        return outcome

    def throughput(self, *_: object) -> int | None:
        return None


def _is_open(message: OutboundMessage) -> bool:
    return message.status is Status.QUEUED
