"""An app's leads and its pipeline: make, look, change, move, note, remind, forget."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hkreach.domain.app import App
from hkreach.domain.errors import Conflict, Fault, Invalid, NotFound, Unavailable
from hkreach.domain.lead import (
    Customer,
    Lead,
    LeadChange,
    Move,
    Note,
    Pipeline,
    Stage,
    changed,
    check_stages,
    moved,
    noted,
)
from hkreach.domain.lead_follow_up import reminder_message_id, with_follow_up, without_follow_up
from hkreach.domain.message import OutboundMessage, is_message_id
from hkreach.ports import Clock
from hkreach.ports.leads import LeadPage, LeadQuery, Leads
from hkreach.usecases.accept_message import SendRequest, message_of
from hkreach.usecases.manage_leads_customer import TRIES, being_erased, lead_of

SHOWN_AT_ONCE = 50
"""Moves and notes that come with a lead; the others are asked for."""


@dataclass(frozen=True, slots=True)
class NewFollowUp:
    """A reminder to be set. `request` is what to send at its time; whom to is the lead."""

    at: int
    note: str | None = None
    request: SendRequest | None = None


@dataclass(frozen=True, slots=True)
class LeadPatch:
    """What to change: only what is named in `given` is."""

    given: frozenset[str]
    name: str | None = None
    score: int | None = None
    assignee: str | None = None
    follow_up: NewFollowUp | None = None
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class ShownLead:
    """A lead with its latest moves and notes, the newest first."""

    lead: Lead
    moves: Sequence[Move]
    notes: Sequence[Note]


@dataclass(frozen=True, slots=True)
class ManageLeads:
    """The step with everything it needs. A lead of another app does not exist for anybody else."""

    leads: Leads
    now: Clock

    def create(self, app: App, customer: Customer, by: str) -> tuple[Lead, bool]:
        """The customer's lead, and whether it was made now. Raises Conflict while it is being erased."""
        lead_id, made = lead_of(app.app_name, customer, by, self.now(), leads=self.leads)
        lead = self.leads.get(app.app_name, lead_id)
        if lead is None or lead.forgotten:
            raise being_erased(lead_id)
        return lead, made

    def show(self, app: App, lead_id: str) -> ShownLead:
        """A lead with what happened to it. Raises NotFound."""
        lead = self._lead(app, lead_id)
        return ShownLead(
            lead,
            self.leads.moves(app.app_name, lead_id, SHOWN_AT_ONCE),
            self.leads.notes(app.app_name, lead_id, SHOWN_AT_ONCE),
        )

    def page(self, app: App, query: LeadQuery, limit: int, cursor: str | None) -> LeadPage:
        """Some of the app's leads. Raises Invalid for a cursor that is none."""
        try:
            return self.leads.page(app.app_name, query, limit, cursor)
        except ValueError as fault:
            raise Invalid("There is no such page.", [Fault("cursor", f"cursor {fault}")]) from None

    def moves(self, app: App, lead_id: str, limit: int, before: int | None) -> Sequence[Move]:
        """A lead's moves, the latest first. Raises NotFound."""
        return self.leads.moves(app.app_name, self._lead(app, lead_id).lead_id, limit, before)

    def notes(self, app: App, lead_id: str, limit: int, before: int | None) -> Sequence[Note]:
        """The same for its notes."""
        return self.leads.notes(app.app_name, self._lead(app, lead_id).lead_id, limit, before)

    def change(self, app: App, lead_id: str, patch: LeadPatch) -> Lead:
        """Change what is given. Raises NotFound, Conflict or Invalid, and then nothing is changed."""
        pipeline = self.leads.pipeline(app.app_name) if patch.follow_up else None
        return self._write(app, lead_id, lambda lead: LeadChange(lead, self._patched(app, lead, patch, pipeline)))

    def move(self, app: App, lead_id: str, to: str, expected: str, by: str) -> Lead:
        """Move a lead from the stage that the caller saw. Raises LeadMoved if somebody was quicker."""
        pipeline = self.leads.pipeline(app.app_name)
        return self._write(app, lead_id, lambda lead: moved(lead, to, expected, by, self.now(), pipeline))

    def add_note(self, app: App, lead_id: str, author: str, text: str) -> Note:
        """Add a note to a lead."""
        at = self.now()
        return Note(self._write(app, lead_id, lambda lead: noted(lead, author, text, at)).notes, at, author, text)

    def pipeline(self, app: App) -> Pipeline:
        """The app's stages."""
        return self.leads.pipeline(app.app_name)

    def set_stages(self, app: App, stages: Sequence[Stage]) -> Pipeline:
        """Set the app's stages. Raises Conflict if a lead stands in one that is not among them any more."""
        before = self.leads.pipeline(app.app_name)
        try:
            after = Pipeline(check_stages(stages), before.version + 1)
        except ValueError as fault:
            raise Invalid("The stages were not changed.", [Fault("stages", f"stages {fault}")]) from None
        gone = [name for name in before.names if name not in after.names]
        kept = [name for name in gone if self.leads.has_leads_in(app.app_name, name)]
        if kept:
            named = ", ".join(map(repr, kept))
            raise Conflict(f"Leads stand in {named}: move them first, then set the stages again.")
        if not self.leads.set_pipeline(app.app_name, after):
            raise Conflict("The stages were changed by somebody else meanwhile: look at them and try again.")
        return after

    def forget(self, app: App, lead_id: str) -> None:
        """Erase a lead with its moves and notes. Raises NotFound; what was begun is ended by the next try."""
        found = self.leads.get(app.app_name, lead_id) if is_message_id(lead_id) else None
        if found is None or not found.forgotten:
            self._write(app, lead_id, lambda lead: LeadChange(lead, replace(changed(lead), forgotten=True)))
            found = self.leads.get(app.app_name, lead_id)
        if found is not None:
            self.leads.erase(found)

    def _lead(self, app: App, lead_id: str) -> Lead:
        # Its form is checked first: it becomes a part of a key.
        lead = self.leads.get(app.app_name, lead_id) if is_message_id(lead_id) else None
        if lead is None or lead.forgotten:
            raise NotFound("This app has no lead with this id.")
        return lead

    def _write(self, app: App, lead_id: str, decide: Callable[[Lead], LeadChange]) -> Lead:
        """Write what `decide` makes of the lead; it is asked again if somebody else was quicker."""
        for _ in range(TRIES):
            change = decide(self._lead(app, lead_id))
            if self.leads.write([change]):
                return change.after
        raise Unavailable("This lead is being changed by many at once: try again.")

    def _patched(self, app: App, lead: Lead, patch: LeadPatch, pipeline: Pipeline | None) -> Lead:
        if patch.expected_version not in {None, lead.version}:
            raise Conflict(f"The lead was changed meanwhile: its version is {lead.version} by now.")
        parts: dict[str, Any] = {name: getattr(patch, name) for name in patch.given & {"score", "assignee"}}
        if "name" in patch.given:
            parts["customer"] = replace(lead.customer, name=patch.name)
        after = changed(lead, **parts)
        if "follow_up" not in patch.given:
            return after
        return replace(self._reminded(app, after, patch.follow_up, pipeline), version=after.version)

    def _reminded(self, app: App, lead: Lead, new: NewFollowUp | None, pipeline: Pipeline | None) -> Lead:
        if new is None or pipeline is None:
            return without_follow_up(lead)
        message = self._message(app, lead, new.request) if new.request else None
        return with_follow_up(lead, new.at, new.note, message, pipeline, self.now())

    def _message(self, app: App, lead: Lead, request: SendRequest) -> OutboundMessage:
        if lead.customer.phone is None:
            fault = "followUp.send needs the customer's phone number, and Meta has not told it"
            raise Invalid("The lead was not changed.", [Fault("followUp.send", fault)])
        return message_of(app, replace(request, to=lead.customer.phone), reminder_message_id(lead), self.now())
