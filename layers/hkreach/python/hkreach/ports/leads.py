"""The port to leads and to the pipelines that they stand in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hkreach.domain.inbound import InboundMessage, MetaNews
from hkreach.domain.lead import Customer, Lead, LeadChange, Move, Note, Pipeline


@dataclass(frozen=True, slots=True)
class LeadQuery:
    """Which of an app's leads; all that is given must hold."""

    stage: str | None = None
    assignee: str | None = None
    follow_up_before: int | None = None
    """Those with a reminder that is still to be done, and due before then: the earliest first."""


@dataclass(frozen=True, slots=True)
class LeadPage:
    """Some of the leads looked for. `next` goes on behind them; None: that was all."""

    leads: Sequence[Lead]
    next: str | None


@dataclass(frozen=True, slots=True)
class DueReminder:
    """A lead whose reminder has a message to be sent. `due_at` is when."""

    app_name: str
    lead_id: str
    due_at: int


class Leads(Protocol):
    """The leads table. Every key begins with its app; every write is conditional."""

    def get(self, app_name: str, lead_id: str) -> Lead | None:
        """The lead, strongly consistent; also one that was joined into another, or is to be erased."""

    def known(self, app_name: str, customer: Customer) -> Mapping[str, str]:
        """Those of the customer's identities by which the app has a lead already, and its id; strongly consistent.

        That all of them lead to one may be remembered for a minute.
        """

    def write(self, changes: Sequence[LeadChange]) -> bool:
        """Write all of it or nothing. False if a lead is not what it was before, or an identity is another lead's."""

    def page(self, app_name: str, query: LeadQuery, limit: int, after: str | None) -> LeadPage:
        """The app's leads, the newest first, up to `limit`; a moment old. Joined ones are not among them.

        Raises ValueError if `after` is no page's `next`.
        """

    def moves(self, app_name: str, lead_id: str, limit: int, before: int | None = None) -> Sequence[Move]:
        """A lead's moves, the latest first; with `before` those of lower numbers."""

    def notes(self, app_name: str, lead_id: str, limit: int, before: int | None = None) -> Sequence[Note]:
        """The same for its notes."""

    def pipeline(self, app_name: str) -> Pipeline:
        """The app's stages, strongly consistent."""

    def set_pipeline(self, app_name: str, pipeline: Pipeline) -> bool:
        """Write them; False if the version before was not the last one."""

    def has_leads_in(self, app_name: str, stage: str) -> bool:
        """Whether a lead stands in a stage; a moment old."""

    def due(self, now: int, most: int) -> Sequence[DueReminder]:
        """Reminders to be sent by now, of all apps, up to `most`, those longest due first in each part of the index."""

    def erase(self, lead: Lead) -> None:
        """Delete a lead that is to be erased: its facts, those it was joined with, then itself. Can be repeated."""


class LeadQueue(Protocol):
    """The queue of customers' messages whose leads are still to be made, and of news that leads are still to follow."""

    def put(self, messages: Sequence[InboundMessage | MetaNews]) -> Sequence[InboundMessage | MetaNews]:
        """Queue them; returns those that the queue refused."""
