"""A message is a set of dated facts; its status is computed from them and nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from hkreach.domain.event_models import ErrorData
from hkreach.domain.media import LARGE_BYTES, Media, MediaAddress
from hkreach.domain.template import Template
from hkreach.domain.time import DAY, HOUR, MINUTE

KEPT_FOR = 90 * DAY
"""How long an item is kept, in milliseconds."""
MAX_TTL_SECONDS = 7 * 86_400
"""The longest that a message may wait to be sent."""

type SendPurpose = Literal["authentication", "utility", "marketing"]
"""What a message is for, in Meta's categories: a code is worthless in minutes, an invoice is not."""
TIME_TO_SEND: Mapping[SendPurpose, int] = {"authentication": 10 * MINUTE, "utility": 48 * HOUR, "marketing": 72 * HOUR}
"""How long a message of each purpose may wait to be sent, in milliseconds."""
type Lane = Literal["now", "bulk", "media"]
"""A queue of its own, with workers of its own, so that a campaign does not stand before a code, nor a file before both.
"""
MEDIA = "media"
"""What a message waits for whose file could not be fetched or uploaded; with a colon and the code of why."""
_IDS = uuid5(NAMESPACE_URL, "urn:hkreach:message")


class Status(StrEnum):
    """What a message can be, lowest first: of the facts that are there the highest is the status."""

    QUEUED = "queued"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"


RANK: Mapping[Status, int] = {Status.SENT: 1, Status.FAILED: 2, Status.DELIVERED: 3, Status.READ: 4}
"""`data.rank` of an event: of two events the higher one is to be kept. The statuses before `sent` have rank 0."""

type Facts = Mapping[Status, int]
"""When each thing happened, in milliseconds. A fact is set once and never moved."""


@dataclass(frozen=True, slots=True)
class MessageError:
    """Why a message failed. `code` is Meta's number as text, or a word of ours."""

    code: str
    title: str
    details: str
    retryable: bool = False

    def as_dict(self) -> ErrorData:
        """`{code, title, details, retryable}`, as it is shown and stored."""
        return {"code": self.code, "title": self.title, "details": self.details, "retryable": self.retryable}


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to call Meta for a message, until `until` (milliseconds). `number` grows with each claim: the fence."""

    number: int
    until: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try that did not certainly send: its number, when it ended, and Meta's code or a word for why.

    With the code `unknown` it may have sent; with any other it did not.
    """

    number: int
    at: int
    code: str


UNKNOWN_ATTEMPT = "unknown"
"""The code of an attempt of which nobody knows whether it sent."""


@dataclass(frozen=True, slots=True)
class Resend:
    """Leave to send an unknown message again, from `at` on: by the app's policy then, or by the operator's order."""

    at: int
    by: Literal["policy", "operator"]


@dataclass(frozen=True, slots=True)
class DueMessage:
    """A message whose wait is over. `due_at` is when it was."""

    message_id: str
    app_name: str
    due_at: int
    purpose: SendPurpose = "utility"
    waits_for: str | None = None

    @property
    def lane(self) -> Lane:
        """The queue that it goes to."""
        return "media" if (self.waits_for or "").startswith(MEDIA) else lane_of(self.purpose)


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """A message to a customer, as it stands in the table."""

    message_id: str
    app_name: str
    phone_number_id: str
    to: str
    template: Template
    facts: Facts
    expires_at: int
    deadline: int
    """Not sent by then, it fails."""
    purpose: SendPurpose = "utility"
    third_party_app_name: str | None = None
    media: Media | None = None
    media_address: MediaAddress | None = None
    """Where its file comes from; without `media` it is still to be fetched."""
    request_digest: str | None = None
    """Set with an Idempotency-Key: what a repeated request is compared with."""
    claim: Claim | None = None
    tries: int = 0
    """How often it was tried."""
    attempts: Sequence[Attempt] = ()
    """The last five that did not certainly send."""
    due_at: int | None = None
    """The table wakes it then: later than its next try while a queue holds it, or somebody has claimed it."""
    next_try_at: int | None = None
    """It waits until then, if it waits."""
    waits_for: str | None = None
    """What it waits for if it was not tried: a word of `domain.number`, or `MEDIA`."""
    resend: Resend | None = None
    """Without it an unknown message is not sent again."""
    error: MessageError | None = None
    wamid: str | None = None

    @property
    def status(self) -> Status:
        """The highest of the facts."""
        return status_of(self.facts)

    @property
    def must_be_fetched(self) -> bool:
        """Whether its file still lies at an address."""
        return self.media is None and self.media_address is not None

    @property
    def lane(self) -> Lane:
        """The queue that it goes to first; one with a large file goes to the senders when Meta has that."""
        large = self.media is not None and self.media.size > LARGE_BYTES
        return "media" if large or self.must_be_fetched else lane_of(self.purpose)

    @property
    def is_urgent(self) -> bool:
        """Whether it is a one-time code, which goes before everything else."""
        return self.purpose == "authentication"

    @property
    def is_settled(self) -> bool:
        """Whether it is known what became of it: then Meta must not be called for it again, in no case."""
        return self.status not in {Status.QUEUED, Status.UNKNOWN}


@dataclass(frozen=True, slots=True)
class StatusCallback:
    """One status that Meta told us of."""

    status: Status
    at: int
    wamid: str
    phone_number_id: str
    message_id: str | None = None
    """The echo of our own id, if it was one."""
    error: MessageError | None = field(default=None)
    is_foreign: bool = False
    """It echoes what is no id of ours: another system sent the message by the same number."""


def lane_of(purpose: SendPurpose) -> Lane:
    """The queue that messages of a purpose go to."""
    return "bulk" if purpose == "marketing" else "now"


def status_of(facts: Iterable[Status]) -> Status:
    """The highest of the facts."""
    order = list(Status)
    return max(facts, key=order.index)


def new_facts(before: Facts, after: Facts) -> list[Status]:
    """The facts that `after` has and `before` had not, lowest first."""
    return [status for status in Status if status in after and status not in before]


def new_message_id() -> str:
    """A random id."""
    return str(uuid4())


def derived_message_id(app_name: str, idempotency_key: str) -> str:
    """The one id that this app's Idempotency-Key can ever have, so that a repeated request is the same write."""
    return derived_id("outbound", app_name, idempotency_key)


def derived_id(kind: str, *parts: str) -> str:
    """The one id that follows from these parts."""
    return str(uuid5(_IDS, "\0".join((kind, *parts))))


def is_message_id(text: str) -> bool:
    """Whether `text` has the form of our ids. An echo of another application on the same number has not."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
