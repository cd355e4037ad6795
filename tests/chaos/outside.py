"""What lies around the steps, simulated: a queue that delivers at least once, Meta, and an integrator's server."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hkreach.adapters.sqs_statuses import early_body
from hkreach.domain.early_status import FIRST_LOOK, EarlyStatus
from hkreach.domain.event import Event
from hkreach.domain.message import MessageError
from hkreach.domain.meta_outcome import Accepted, Halted, NotSent, Outcome, Refused, Uncertain
from hkreach.domain.progress import Progress
from hkreach.domain.signature import sign
from hkreach.ports import Clock
from tests.chaos.agenda import Agenda
from tests.chaos.callbacks import callbacks
from tests.chaos.faults import Faults

SECRET = "the-meta-apps-secret"
MOST_AT_ONCE, MOST_RECEIVES = 10, 20
PAIR_BURST, PAIR_EACH = 45, 6_000


@dataclass(eq=False)
class Record:
    """A record of a queue: what it holds, and how often it was received."""

    body: Any
    receives: int = 0
    hidden: int = 0
    """How often it was hidden: only what the last one says holds."""


@dataclass
class SimulatedQueue:
    """At least once, in any order; after twenty receives a record is a dead letter."""

    now: Clock
    faults: Faults
    visibility: int
    forgets: bool = False
    """Whether what it holds may be lost: a queue keeps nothing for ever, and dead letters can be purged."""
    records: set[Record] = field(default_factory=set)
    dead: list[Record] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    _visible: Agenda[tuple[Record, int | None]] = field(default_factory=Agenda)
    """A record, and how often it was hidden when this time was set; None: it is shown whatever came since."""

    def add(self, body: Any, delay: int = 0) -> None:
        copies = 2 if self.faults.happens("queue record doubled") else 1
        late = delay * 1_000 + (30_000 if self.faults.happens("queue record late") else 0)
        for _ in range(copies):
            self._put(Record(body), self.now() + late)

    def receive_batch(self) -> list[Record]:
        """Up to ten, as Lambda takes them."""
        records = (self.receive() for _ in range(self.faults.random.randint(1, MOST_AT_ONCE)))
        return [record for record in records if record is not None]

    def receive(self) -> Record | None:
        """A record that can be seen, hidden from now on."""
        while taken := self._visible.take(self.now(), self.faults.random):
            record, hidden = taken
            if record not in self.records or hidden not in {None, record.hidden}:
                continue
            if self.forgets and self.faults.happens("queue record lost", 0.005):
                self.records.remove(record)
                self.lost.add(record.body)
                continue
            record.receives += 1
            if record.receives > MOST_RECEIVES:
                self.records.remove(record)
                self.dead.append(record)
                continue
            if self.faults.happens("queue record redelivered while in work"):
                self._visible.add(self.now(), (record, None))
            self.hide(record, self.now() + self.visibility)
            return record
        return None

    def given_again(self, record: Record, step: Callable[[int], Progress]) -> None:
        """Another worker gets the record too, in the middle of the first one's work, and does with it as it must."""
        record.receives += 1
        match step(record.receives):
            case "done":
                self.acknowledge(record)
            case "later":
                self.hide(record, self.now() + 2_000)
            case int(seconds):
                self.hide(record, self.now() + seconds * 1_000)

    def hide(self, record: Record, until: int) -> None:
        if record in self.records:
            record.hidden += 1
            self._visible.add(until, (record, record.hidden))

    def acknowledge(self, record: Record) -> None:
        self.records.discard(record)

    def has_visible(self) -> bool:
        """Whether there may be one to receive."""
        return self._visible.is_due(self.now())

    def redrive(self) -> None:
        """What the operator does with dead letters when the fault is mended."""
        for record in self.dead:
            self._put(Record(record.body), self.now())
        self.dead.clear()

    def _put(self, record: Record, visible_at: int) -> None:
        self.records.add(record)
        self._visible.add(visible_at, (record, record.hidden))


class SimulatedSendQueue:
    """Implements the port `SendQueue` on simulated queues: one for both lanes of senders, and the media queue."""

    def __init__(self, queue: SimulatedQueue, media: SimulatedQueue) -> None:
        self._queue, self._media = queue, media

    def put(self, messages: Sequence[Any], delays: Mapping[str, int] | None = None) -> Sequence[Any]:
        refused = [message for message in messages if self._queue.faults.happens("queue refused an entry")]
        for message in messages:
            if message not in refused:
                queue = self._media if message.lane == "media" else self._queue
                queue.add(message.message_id, (delays or {}).get(message.message_id, 0))
        return refused


class SimulatedStatusQueue:
    """Implements the port `StatusQueue` on a simulated queue."""

    def __init__(self, queue: SimulatedQueue) -> None:
        self._queue = queue

    def put(self, early: EarlyStatus) -> bool:
        self._queue.add(early_body(early), FIRST_LOOK)
        return True


class SimulatedBus:
    """Implements the port `EventBus` by putting events on the webhook queue."""

    def __init__(self, queue: SimulatedQueue) -> None:
        self._queue = queue

    def publish(self, events: Sequence[Event]) -> Sequence[Event]:
        refused = [event for event in events if self._queue.faults.happens("bus refused an entry")]
        for event in events:
            if event not in refused and event["data"]["status"] in {"sent", "delivered", "read", "failed"}:
                self._queue.add(event)
        return refused


class SimulatedMeta:
    """Implements the port `Meta`: it counts what it really took, whatever the sender gets to hear."""

    def __init__(self, now: Clock, faults: Faults) -> None:
        self._now, self._faults = now, faults
        self.taken: Counter[str] = Counter()
        self.too_fast = 0
        """How often it said 131056: more than 45 at once to one recipient, and one each six seconds."""
        self._pairs: dict[tuple[str, object], tuple[float, int]] = {}
        self.callbacks: Agenda[bytes] = Agenda()
        """The bodies, each due when its call is to be made."""

    def throughput(self, *_: object) -> int | None:
        return None

    def upload(self, *_: object) -> Outcome:
        if self._faults.happens("upload not taken"):
            return NotSent("131016")
        return Uncertain("ReadTimeout") if self._faults.happens("upload answer lost") else Accepted("media-1")

    def send(self, number: str, _token: str, message: dict[str, object]) -> Outcome:
        happens = self._faults.happens
        if (code := self._refuses_to_process()) is not None:
            return NotSent(code, self._asks_to_wait(code))
        if happens("meta: account refused"):
            return Halted("190")
        if happens("meta: reset before it was taken"):
            return Uncertain("ConnectionError")
        if "document" in str(message) and happens("meta: forgot the file", 0.3):
            return Refused(MessageError("131053", "Media upload error", "unknown id"), lost_media=True)
        if happens("meta: refused for good", 0.03):
            return Refused(MessageError("131026", "Undeliverable", "Not on WhatsApp"))
        if not self._pair_has_room(number, message.get("to")):
            self.too_fast += 1
            return NotSent("131056")
        wamid = self._take(number, str(message["biz_opaque_callback_data"]))
        for torn in ("reset", "time-out", "5xx", "malformed 200", "200 without an id"):
            if happens(f"meta: taken, then {torn}"):
                return Uncertain(torn)
        return Accepted(wamid)

    def _refuses_to_process(self) -> str | None:
        if self._faults.happens("meta: stops everybody, 4", 0.003):
            return "4"
        codes = ("no_connection", "131016", "130429", "131056")
        return next((code for code in codes if self._faults.happens(f"meta: not processed, {code}")), None)

    def _asks_to_wait(self, code: str) -> int | None:
        """The `Retry-After` of a 429: seconds, or minutes."""
        asks = code != "no_connection" and self._faults.happens("meta: Retry-After", 0.2)
        return self._faults.random.choice((1, 5, 30, 120)) if asks else None

    def _pair_has_room(self, number: str, to: object) -> bool:
        now = self._now()
        left, at = self._pairs.get((number, to), (PAIR_BURST, now))
        left = min(PAIR_BURST, left + (now - at) / PAIR_EACH)
        self._pairs[number, to] = left - (left >= 1), now
        return left >= 1

    def _take(self, number: str, message_id: str) -> str:
        self.taken[message_id] += 1
        wamid = f"wamid.{message_id}.{self.taken[message_id]}"
        for at, body in callbacks(self._faults, wamid, message_id, number, self._now()):
            self.callbacks.add(at, body)
        return wamid

    def due_callback(self) -> tuple[bytes, str] | None:
        """A callback whose time has come, with its signature; it is Meta's until it is answered."""
        body = self.callbacks.take(self._now(), self._faults.random)
        return (body, "sha256=" + sign(SECRET, body)) if body is not None else None

    def repeat(self, body: bytes) -> None:
        """Anything but 200 makes Meta call again."""
        self.callbacks.add(self._now() + 5_000, body)
