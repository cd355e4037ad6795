"""A delivery: an event that an endpoint did not take at once, and when it is tried again.

What an endpoint takes with the first try has none: a delivery begins with a failure, or with an endpoint that gets
nothing just now.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from hkreach.domain.event import Event
from hkreach.domain.message import KEPT_FOR
from hkreach.domain.time import HOUR, MINUTE, SECOND
from hkreach.domain.webhook_answer import Answer

KEPT_ATTEMPTS = 5
FAULT_WAITS = (5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 40 * MINUTE, HOUR)
"""After each fault of ours in a row, in milliseconds; after more of them the last."""
TOO_MANY_REQUESTS, GONE = 429, 410

type DeliveryState = Literal["waiting", "delivered", "failed"]
"""`failed`: all its tries were used, or there is nothing and nobody left to deliver it to."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When a delivery is tried again, in milliseconds after each failed try: the example of Standard Webhooks 1.0.0."""

    waits: Sequence[int] = (
        *(5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR),
        *(10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR),
    )
    jitter: float = 0.2
    """The part of a wait by which it is made longer or shorter."""
    least_after_silence: int = MINUTE
    """The least after no answer, and after 429: who is out of breath is not asked again in five seconds."""

    @property
    def most_tries(self) -> int:
        """The first one included."""
        return len(self.waits) + 1

    @property
    def longest(self) -> int:
        """The longest wait that an endpoint can ask for."""
        return 2 * max(*self.waits, self.least_after_silence)

    def wait(self, tries: int, answer: Answer, drawn: float) -> int:
        """How long to wait after so many tries, of which the last got this answer. `drawn`: even in [0, 1).

        `Retry-After` makes it longer, to twice what was planned, and never shorter.
        """
        planned = self.waits[tries - 1]
        least = 0
        if answer.status in {None, TOO_MANY_REQUESTS}:
            least = self.least_after_silence
            planned = max(planned, least)
        jittered = round(planned * (1 + self.jitter * (2 * drawn - 1)))
        asked = min(answer.retry_after or 0, 2 * planned)
        return max(jittered, asked, least)


@dataclass(frozen=True, slots=True)
class EndpointKey:
    """One endpoint of one app."""

    app_name: str
    endpoint_id: str


@dataclass(frozen=True, slots=True)
class DeliveryKey:
    """One event for one endpoint. `created_at` is the event's, in milliseconds: the log is in its order."""

    endpoint: EndpointKey
    created_at: int
    event_id: str

    @property
    def place(self) -> str:
        """Its place in the log of its endpoint, as text that sorts as the log does."""
        return place(self.created_at, self.event_id)


@dataclass(frozen=True, slots=True)
class MessageFact:
    """Where an event comes from: a message, and which of its facts, or `received`."""

    message_id: str
    fact: str

    def as_dict(self) -> dict[str, Any]:
        """As the log names it."""
        return {"messageId": self.message_id, "status": self.fact}


@dataclass(frozen=True, slots=True)
class LeadMove:
    """Where an event of a lead comes from: which of its moves. Who erases the lead erases it too."""

    lead_id: str
    number: int

    def as_dict(self) -> dict[str, Any]:
        """As the log names it."""
        return {"leadId": self.lead_id, "move": self.number}


type EventSource = MessageFact | LeadMove | dict[str, Any]
"""What an event is made of anew; or the event itself, where nothing else has its facts."""


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One try: when it began and how long it took (milliseconds), and what came of it.

    `number` is counted on over a resend. `status` None: no answer. `failure` in words; None: the event was taken.
    """

    number: int
    at: int
    took: int
    status: int | None
    failure: str | None
    resend: bool = False
    """It was asked for; the others come by themselves."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """As it stands in the table; times in milliseconds. A value is never changed; each method gives the next."""

    key: DeliveryKey
    event_name: str
    source: EventSource
    state: DeliveryState = "waiting"
    tries: int = 0
    due_at: int | None = None
    """When it is tried. None, and it waits: it is held until its endpoint gets something again."""
    attempts: Sequence[DeliveryAttempt] = ()
    """The last five."""
    body: bytes = field(default=b"", repr=False)
    """What the endpoint said to the last one, the first 16 KB."""
    why: str | None = None
    """Why it is held: `paused`, `disabled`, `breaker`, `resend`; or failed untried: `gone`, `expired`, `erased`."""
    faults: int = 0
    """Of ours, in a row, that kept it from being tried."""
    touched_at: int = 0
    made_for: int | None = None
    """When the endpoint was created that it is for: the operator's has one id, whoever it belongs to. None: unknown."""
    version: int = 1
    """Grows with each change but those of `due_at`. A queue record carries it: of an older one nothing becomes."""

    @property
    def expires_at(self) -> int:
        """As long as the message that it tells of."""
        return self.key.created_at + KEPT_FOR

    def attempt(self, at: int, took: int, answer: Answer) -> DeliveryAttempt:
        """The try that was made now."""
        number = self.attempts[-1].number + 1 if self.attempts else 1
        return DeliveryAttempt(number, at, took, answer.status, answer.failure, self.why == "resend")

    def is_for(self, endpoint_created_at: int) -> bool:
        """Whether the endpoint that has the id now is the one that it was made for."""
        return self.made_for in {None, endpoint_created_at}

    def tried(self, attempt: DeliveryAttempt, answer: Answer, plan: Plan, drawn: float) -> "Delivery":
        """After a try."""
        tries, ended = self.tries + 1, attempt.at + attempt.took
        state: DeliveryState = "waiting"
        due_at = None
        if attempt.failure is None:
            state = "delivered"
        elif tries >= plan.most_tries:
            state = "failed"
        else:
            due_at = ended + plan.wait(tries, answer, drawn)
        return replace(
            self,
            state=state,
            tries=tries,
            due_at=due_at,
            attempts=(*self.attempts, attempt)[-KEPT_ATTEMPTS:],
            body=answer.body,
            why=None,
            faults=0,
            touched_at=ended,
            version=self.version + 1,
        )

    def held(self, why: str, now: int) -> "Delivery":
        """It waits until its endpoint gets something again; no try is counted."""
        return replace(self, due_at=None, why=why, touched_at=now, version=self.version + 1)

    def put_off(self, until: int, now: int) -> "Delivery":
        """It is tried then; no try is counted."""
        return replace(self, due_at=until, why=None, touched_at=now, version=self.version + 1)

    def faulted(self, now: int) -> "Delivery":
        """Put off for such a fault, and for longer the more of them there were in a row."""
        wait = FAULT_WAITS[min(self.faults, len(FAULT_WAITS) - 1)]
        return replace(self.put_off(now + wait, now), faults=self.faults + 1)

    def given_up(self, why: str, now: int) -> "Delivery":
        """There is nothing, or nobody, left to deliver it to."""
        return replace(self, state="failed", due_at=None, why=why, touched_at=now, version=self.version + 1)

    def again(self, now: int) -> "Delivery":
        """Asked for once more, with all its tries; it is held until its turn."""
        return replace(self.held("resend", now), state="waiting", tries=0, faults=0)


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """What wakes one delivery: its key, when it is due, and the version that is meant."""

    key: DeliveryKey
    due_at: int
    version: int


def place(created_at: int, event_id: str = "") -> str:
    """The place of an event, or of the first that was made then: `d#<15 digits of milliseconds>#<event id>`."""
    return f"d#{created_at:015}#{event_id}"


def new_delivery(endpoint: EndpointKey, event: Event, now: int, made_for: int | None = None) -> Delivery:
    """The delivery of an event that was not tried yet; `made_for`: when the endpoint was created."""
    key = DeliveryKey(endpoint, created_at_of(event), event["id"])
    return Delivery(key, event["event"], source_of(event), touched_at=now, made_for=made_for)


def created_at_of(event: Event) -> int:
    """When what it tells of happened, in milliseconds."""
    return round(datetime.fromisoformat(event["createdAt"]).timestamp() * SECOND)


def source_of(event: Event) -> EventSource:
    """What the event can be made of anew."""
    match event["event"], event["data"]:
        case "messages.status", {"messageId": str(message_id), "status": str(status)}:
            return MessageFact(message_id, status)
        case "messages.received", {"messageId": str(message_id)}:
            return MessageFact(message_id, "received")
        case "leads.status", {"leadId": str(lead_id), "rank": int(number)}:
            return LeadMove(lead_id, number)
    return event
