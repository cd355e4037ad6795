"""What lies around the steps, simulated: a queue that delivers at least once, Meta, and an integrator's server."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hkreach.domain.message import MessageError
from hkreach.domain.meta_outcome import Accepted, Halted, NotSent, Outcome, Refused, Uncertain
from hkreach.domain.signature import sign
from hkreach.ports import Clock
from tests.builders import NUMBER
from tests.chaos.faults import Faults

SECRET = "the-meta-apps-secret"
MOST_RECEIVES = 20


@dataclass
class Record:
    """A record of a queue: what it holds, when it can be seen again, and how often it was."""

    body: Any
    visible_at: int
    receives: int = 0


@dataclass
class SimulatedQueue:
    """At least once, in any order; after twenty receives a record is a dead letter."""

    now: Clock
    faults: Faults
    visibility: int
    records: list[Record] = field(default_factory=list)
    dead: list[Record] = field(default_factory=list)

    def add(self, body: Any, delay: int = 0) -> None:
        copies = 2 if self.faults.happens("queue record doubled") else 1
        late = delay * 1_000 + (30_000 if self.faults.happens("queue record late") else 0)
        self.records += [Record(body, self.now() + late) for _ in range(copies)]

    def receive(self) -> Record | None:
        """A record that can be seen, hidden from now on."""
        visible = [record for record in self.records if record.visible_at <= self.now()]
        if not visible:
            return None
        record = self.faults.random.choice(visible)
        record.receives += 1
        if record.receives > MOST_RECEIVES:
            self.records.remove(record)
            self.dead.append(record)
            return None
        early = self.faults.happens("queue record redelivered while in work")
        record.visible_at = self.now() + (0 if early else self.visibility)
        return record

    def acknowledge(self, record: Record) -> None:
        if record in self.records:
            self.records.remove(record)

    def redrive(self) -> None:
        """What the operator does with dead letters when the fault is mended."""
        self.records += [Record(record.body, self.now()) for record in self.dead]
        self.dead.clear()


class SimulatedSendQueue:
    """Implements the port `SendQueue` on a simulated queue."""

    def __init__(self, queue: SimulatedQueue) -> None:
        self._queue = queue

    def put(self, messages: Sequence[Any], delays: Mapping[str, int] | None = None) -> Sequence[Any]:
        refused = [message for message in messages if self._queue.faults.happens("queue refused an entry")]
        for message in messages:
            if message not in refused:
                self._queue.add(message.message_id, (delays or {}).get(message.message_id, 0))
        return refused


class SimulatedMeta:
    """Implements the port `Meta`: it counts what it really took, whatever the sender gets to hear."""

    def __init__(self, now: Clock, faults: Faults) -> None:
        self._now, self._faults = now, faults
        self.taken: Counter[str] = Counter()
        self.callbacks: list[tuple[int, bytes]] = []
        """When each is to be made, and its body."""
        self.told: dict[str, set[str]] = {}
        """The statuses that it calls back about, by message."""

    def upload(self, *_: object) -> Outcome:
        if self._faults.happens("upload not taken"):
            return NotSent("131016")
        return Uncertain("ReadTimeout") if self._faults.happens("upload answer lost") else Accepted("media-1")

    def send(self, _number: str, _token: str, message: dict[str, object]) -> Outcome:
        happens = self._faults.happens
        for code in ("no_connection", "131016", "130429"):
            if happens(f"meta: not processed, {code}"):
                return NotSent(code)
        if happens("meta: account refused"):
            return Halted("190")
        if happens("meta: reset before it was taken"):
            return Uncertain("ConnectionError")
        if happens("meta: refused for good", 0.002):
            return Refused(MessageError("131026", "Undeliverable", "Not on WhatsApp"))
        wamid = self._take(str(message["biz_opaque_callback_data"]))
        for torn in ("reset", "time-out", "5xx", "malformed 200", "200 without an id"):
            if happens(f"meta: taken, then {torn}"):
                return Uncertain(torn)
        return Accepted(wamid)

    def _take(self, message_id: str) -> str:
        self.taken[message_id] += 1
        wamid = f"wamid.{message_id}.{self.taken[message_id]}"
        statuses = [] if self._faults.happens("callbacks never come") else ["sent", "delivered", "read"]
        self.told.setdefault(message_id, set()).update(statuses)
        delay = 0 if self._faults.happens("callbacks before the answer") else 1_000
        times = [self._now() + delay * (place + 1) for place in range(len(statuses))]
        if self._faults.happens("callbacks out of order"):
            times.reverse()
        for status, at in zip(statuses, times, strict=True):
            copies = 3 if self._faults.happens("callback repeated") else 1
            body = self._callback(status, wamid, message_id)
            self.callbacks += [(at + 500 * copy, body) for copy in range(copies)]
        return wamid

    def _callback(self, status: str, wamid: str, message_id: str) -> bytes:
        node = {"id": wamid, "status": status, "timestamp": str(self._now() // 1000)}
        node["biz_opaque_callback_data"] = message_id
        value = {"metadata": {"phone_number_id": NUMBER}, "statuses": [node]}
        return json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()

    def due_callback(self) -> tuple[bytes, str] | None:
        """A callback whose time has come, with its signature; it is Meta's until it is answered."""
        due = [callback for callback in self.callbacks if callback[0] <= self._now()]
        if not due:
            return None
        callback = self._faults.random.choice(due)
        self.callbacks.remove(callback)
        return callback[1], "sha256=" + sign(SECRET, callback[1])

    def repeat(self, body: bytes) -> None:
        """Anything but 200 makes Meta call again."""
        self.callbacks.append((self._now() + 5_000, body))
