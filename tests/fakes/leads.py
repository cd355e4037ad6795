"""The leads table, and the queue of leads to be made, in memory."""

from collections.abc import Mapping, Sequence
from threading import Lock

from hkreach.domain.inbound import InboundMessage, MetaNews
from hkreach.domain.lead import Customer, Lead, LeadChange, Move, Note, Pipeline
from hkreach.ports.leads import DueReminder, LeadPage, LeadQuery
from tests.fakes.faults import Faulty


class FakeLeads(Faulty):
    """Implements the port `Leads`."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[tuple[str, str], Lead] = {}
        self.identities: dict[tuple[str, str], str] = {}
        self.facts: dict[tuple[str, str], list[Move | Note]] = {}
        self.pipelines: dict[str, Pipeline] = {}
        self._lock = Lock()

    def get(self, app_name: str, lead_id: str) -> Lead | None:
        self._called("get")
        return self.rows.get((app_name, lead_id))

    def known(self, app_name: str, customer: Customer) -> Mapping[str, str]:
        self._called("known")
        found = {identity: self.identities.get((app_name, identity)) for identity in customer.identities}
        return {identity: lead_id for identity, lead_id in found.items() if lead_id is not None}

    def write(self, changes: Sequence[LeadChange]) -> bool:
        self._called("write")
        with self._lock:
            mine = {change.after.lead_id for change in changes}
            for change in changes:
                key = change.after.app_name, change.after.lead_id
                stands = self.rows.get(key)
                if (stands and stands.version) != (change.before and change.before.version):
                    return False
                of_others = {self.identities.get((key[0], identity)) for identity in self._gained(change)}
                if of_others - mine - {None}:
                    return False
            for change in changes:
                key = change.after.app_name, change.after.lead_id
                self.rows[key] = change.after
                self.facts.setdefault(key, []).extend(change.facts)
                self.identities |= {(key[0], identity): key[1] for identity in self._gained(change)}
        return True

    def page(self, app_name: str, query: LeadQuery, limit: int, after: str | None) -> LeadPage:
        self._called("page")
        if after is not None and not after.isdecimal():
            raise ValueError("must be the nextCursor of a page")
        found = [lead for lead in self.rows.values() if lead.app_name == app_name and _is_asked_for(lead, query)]
        if query.follow_up_before is not None:
            found.sort(key=lambda lead: (lead.follow_up.at if lead.follow_up else 0, lead.lead_id))
        else:
            found.sort(key=lambda lead: (lead.created_at, lead.lead_id), reverse=True)
        start = int(after or 0)
        more = start + limit < len(found)
        return LeadPage(found[start : start + limit], str(start + limit) if more else None)

    def moves(self, app_name: str, lead_id: str, limit: int, before: int | None = None) -> Sequence[Move]:
        self._called("moves")
        moves = [fact for fact in self.facts.get((app_name, lead_id), []) if isinstance(fact, Move)]
        return [move for move in reversed(moves) if before is None or move.number < before][:limit]

    def notes(self, app_name: str, lead_id: str, limit: int, before: int | None = None) -> Sequence[Note]:
        self._called("notes")
        notes = [fact for fact in self.facts.get((app_name, lead_id), []) if isinstance(fact, Note)]
        return [note for note in reversed(notes) if before is None or note.number < before][:limit]

    def pipeline(self, app_name: str) -> Pipeline:
        self._called("pipeline")
        return self.pipelines.get(app_name, Pipeline())

    def set_pipeline(self, app_name: str, pipeline: Pipeline) -> bool:
        self._called("set_pipeline")
        if self.pipelines.get(app_name, Pipeline()).version != pipeline.version - 1:
            return False
        self.pipelines[app_name] = pipeline
        return True

    def has_leads_in(self, app_name: str, stage: str) -> bool:
        return bool(self.page(app_name, LeadQuery(stage=stage), 1, None).leads)

    def due(self, now: int, most: int) -> Sequence[DueReminder]:
        self._called("due")
        waiting = [
            DueReminder(lead.app_name, lead.lead_id, lead.follow_up.due_at)
            for lead in self.rows.values()
            if lead.follow_up is not None and lead.follow_up.due_at is not None and not lead.forgotten
        ]
        return sorted((due for due in waiting if due.due_at <= now), key=lambda due: due.due_at)[:most]

    def erase(self, lead: Lead) -> None:
        self._called("erase")
        for lead_id in (*lead.joined, lead.lead_id):
            self.facts.pop((lead.app_name, lead_id), None)
            self.rows.pop((lead.app_name, lead_id), None)
        for identity in lead.identities:
            self.identities.pop((lead.app_name, identity), None)

    def _gained(self, change: LeadChange) -> set[str]:
        return set(change.after.identities) - set(change.before.identities if change.before else ())


def _is_asked_for(lead: Lead, query: LeadQuery) -> bool:
    if lead.joined_into is not None or lead.forgotten:
        return False
    if query.follow_up_before is not None:
        follow_up = lead.follow_up
        if follow_up is None or not follow_up.is_open or follow_up.at >= query.follow_up_before:
            return False
    return query.stage in {None, lead.stage} and query.assignee in {None, lead.assignee}


class FakeLeadQueue(Faulty):
    """Implements the port `LeadQueue`. What is in `refuses` by message id is not taken."""

    def __init__(self, refuses: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.refuses = refuses
        self.queued: list[InboundMessage | MetaNews] = []

    def put(self, messages: Sequence[InboundMessage | MetaNews]) -> Sequence[InboundMessage | MetaNews]:
        self._called("put")
        self.queued += [message for message in messages if message.message_id not in self.refuses]
        return [message for message in messages if message.message_id in self.refuses]
