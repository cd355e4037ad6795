"""A lead: one customer of an app, on the way through the app's pipeline.

Moves and notes are dated facts with numbers of their own, appended and never changed; the lead itself has what is true
now. All functions are pure: they give the lead as it will be, and the fact that goes with it, to be written together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from hkreach.domain.errors import Conflict, Fault, Invalid, LeadMoved
from hkreach.domain.message import OutboundMessage
from hkreach.domain.time import MINUTE, to_rfc3339

MAX_STAGES = 20
MAX_STAGE_NAME = 40
MAX_LABEL = 64
"""Characters of a name of whoever did something: an agent, a program."""
MAX_NAME = 256
MAX_NOTE = 2_000
MAX_SCORE = 100
TRIED_AGAIN_AFTER = 5 * MINUTE
"""When a reminder that somebody began to send, and did not end, is taken up again."""
BY_THE_CUSTOMER = "customer"
"""Who made a lead by writing."""

type FollowUpState = Literal["waiting", "sending", "sent", "failed"]


@dataclass(frozen=True, slots=True)
class Customer:
    """Who somebody is to Meta: a business-scoped id, a phone number (digits alone), or both; and the name, if known."""

    phone: str | None = None
    user_id: str | None = None
    name: str | None = None

    @property
    def identities(self) -> tuple[str, ...]:
        """Each by which an app finds its lead, the business-scoped id first."""
        named = (("user", self.user_id), ("phone", self.phone))
        return tuple(f"{kind}#{value}" for kind, value in named if value is not None)


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the pipeline. Who stands in a closed one needs no reminder any more."""

    name: str
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Pipeline:
    """An app's stages in their order; new leads begin in the first."""

    stages: tuple[Stage, ...] = (
        Stage("New"),
        Stage("Contacted"),
        Stage("Qualified"),
        Stage("Won", closed=True),
        Stage("Lost", closed=True),
    )
    version: int = 0
    """Grows with each change; 0: the default, which stands nowhere."""

    @property
    def first(self) -> str:
        """Where leads begin."""
        return self.stages[0].name

    @property
    def names(self) -> list[str]:
        """The stages' names in their order."""
        return [stage.name for stage in self.stages]

    def is_closed(self, name: str) -> bool:
        """Whether a stage is closed; one that is no more in the list is not."""
        return any(stage.closed for stage in self.stages if stage.name == name)


@dataclass(frozen=True, slots=True)
class Move:
    """A lead came to a stage; the first move, from nowhere, is its beginning. It tells all that its event tells.

    The last one of a lead that was joined into another goes nowhere: it says into which.
    """

    lead_id: str
    app_name: str
    number: int
    at: int
    by: str
    from_stage: str | None
    to_stage: str
    customer: Customer
    joined_into: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As the API shows it."""
        at, joined = to_rfc3339(self.at), {"joinedInto": self.joined_into} if self.joined_into else {}
        return {"number": self.number, "from": self.from_stage, "to": self.to_stage, "at": at, "by": self.by, **joined}


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote about a lead."""

    number: int
    at: int
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A reminder. With a `message` that is sent at its time, once; without one it only shows in the list."""

    number: int
    at: int
    note: str | None = None
    message: OutboundMessage | None = None
    """Built and checked when the reminder was set; its id follows from the lead and the reminder's number."""
    state: FollowUpState = "waiting"
    tried_at: int | None = None
    ended_at: int | None = None
    error: str | None = None
    """Why it was not sent, in words for the app."""

    @property
    def is_open(self) -> bool:
        """Whether it is still to be done."""
        return self.state in {"waiting", "sending"}

    @property
    def due_at(self) -> int | None:
        """When its message is to be looked after; None: never, or never again."""
        if self.message is None or not self.is_open:
            return None
        return self.at if self.tried_at is None else self.tried_at + TRIED_AGAIN_AFTER


@dataclass(frozen=True, slots=True)
class Lead:
    """A customer of an app as it stands in the table; times in milliseconds."""

    lead_id: str
    app_name: str
    customer: Customer
    created_at: int
    last_move: Move
    identities: tuple[str, ...]
    """All by which it is found, those of earlier days too."""
    score: int | None = None
    assignee: str | None = None
    notes: int = 0
    """How many there are."""
    follow_up: FollowUp | None = None
    follow_ups: int = 0
    """How many were set; the number of the last."""
    joined: tuple[str, ...] = ()
    """Leads that turned out to be the same customer."""
    joined_into: str | None = None
    """It is one of those: kept as it was, and changed no more."""
    forgotten: bool = False
    """To be erased: it does not exist for anybody."""
    version: int = 1
    """Grows with each change, so that two changes at once cannot hide one another."""

    @property
    def stage(self) -> str:
        """Where it stands."""
        return self.last_move.to_stage


@dataclass(frozen=True, slots=True)
class LeadChange:
    """A lead before (None: it is new) and after, and the facts that go with it."""

    before: Lead | None
    after: Lead
    facts: tuple[Move | Note, ...] = ()


def next_version(lead: Lead, **parts: Any) -> Lead:
    """The lead with these parts."""
    return replace(lead, version=lead.version + 1, **parts)


def changed(lead: Lead, **parts: Any) -> Lead:
    """The same by somebody's order. Raises Conflict for a lead that was joined with another."""
    if lead.joined_into is not None:
        raise Conflict(f"This lead was joined with another, for both are the same customer: use {lead.joined_into}.")
    return next_version(lead, **parts)


def new_lead(lead_id: str, app_name: str, customer: Customer, stage: str, by: str, at: int) -> LeadChange:
    """A lead's beginning, which is a move too: from nowhere to the first stage."""
    move = Move(lead_id, app_name, 1, at, by, None, stage, customer)
    return LeadChange(None, Lead(lead_id, app_name, customer, at, move, customer.identities), (move,))


def moved(lead: Lead, to: str, expected: str, by: str, at: int, pipeline: Pipeline) -> LeadChange:
    """The lead in another stage; into a closed one takes a waiting reminder away.

    Raises LeadMoved if it does not stand where the caller believes, Invalid for a stage that is not in the pipeline or
    where it stands already.
    """
    if to not in pipeline.names:
        raise Invalid("The lead was not moved.", [Fault("to", f"to must be one of {_listed(pipeline.names)}")])
    last = lead.last_move
    if lead.stage != expected:
        raise LeadMoved(
            f"The lead stands in {lead.stage!r} by now, not in {expected!r}: look at lastMove, and move it from there "
            "if that is still right.",
            stage=lead.stage,
            last_move=last.as_dict(),
        )
    if to == lead.stage:
        raise Invalid("The lead was not moved.", [Fault("to", f"to must be another stage than {to!r}: it is there")])
    move = Move(lead.lead_id, lead.app_name, last.number + 1, at, by, lead.stage, to, lead.customer)
    waiting = lead.follow_up is not None and lead.follow_up.state == "waiting"
    follow_up = None if waiting and pipeline.is_closed(to) else lead.follow_up
    return LeadChange(lead, changed(lead, last_move=move, follow_up=follow_up), (move,))


def noted(lead: Lead, author: str, text: str, at: int) -> LeadChange:
    """The lead with one note more."""
    note = Note(lead.notes + 1, at, author, text)
    return LeadChange(lead, changed(lead, notes=note.number), (note,))


def check_stages(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """Stages for a pipeline. Raises ValueError with the reason."""
    names = [stage.name for stage in stages]
    if not 1 <= len(names) <= MAX_STAGES:
        raise ValueError(f"must have 1 to {MAX_STAGES} stages")
    if len(set(names)) < len(names):
        raise ValueError("must not have two stages of one name")
    if stages[0].closed:
        raise ValueError("must begin with an open stage: new leads stand in the first")
    return tuple(stages)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
