"""Leads under any order of what can happen to them: nobody has two, no history has a gap, no reminder goes twice."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hkreach.domain.errors import ReachError
from hkreach.domain.lead import Customer, FollowUp, Lead, Move
from hkreach.domain.template import Template
from hkreach.domain.time import MINUTE
from hkreach.usecases.accept_message import SendRequest
from hkreach.usecases.manage_leads import LeadPatch, ManageLeads, NewFollowUp
from hkreach.usecases.wake_due_reminders import wake_due_reminders
from tests.builders import NOW, app
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.leads import FakeLeads
from tests.fakes.messages import FakeMessages

APP = app()
SEND = SendRequest("0000000", Template("offer", "en"))
STAGES = ["New", "Contacted", "Qualified", "Won", "Lost"]
PHONES, USERS = ["85291000001", "85291000002"], ["HK.1", "HK.2"]


class Life(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock, self.leads, self.apps = FakeClock(NOW), FakeLeads(), FakeApps()
        self.messages = FakeMessages(self.clock)
        self.apps.add(APP)
        self.manage = ManageLeads(self.leads, self.clock)
        self.reminders: set[str] = set()
        """The message of each reminder that was ever set."""
        self.cancelled: set[str] = set()
        """Those of reminders that were taken away while they waited."""

    def _ids(self) -> list[str]:
        return [lead_id for _, lead_id in self.leads.rows]  # as they were made: the ids are random

    def _one(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(self._ids()))

    def _note_the_cancelled(self, before: Lead, after: Lead | None) -> None:
        waiting = _waiting(before)
        if waiting is not None and (after is None or _waiting(after) != waiting):
            self.cancelled.add(waiting)

    @rule(phone=st.sampled_from([None, *PHONES]), user=st.sampled_from([None, *USERS]))
    def see(self, phone: str | None, user: str | None) -> None:
        if phone or user:
            self.clock.advance(1)
            self.manage.create(APP, Customer(phone, user), "customer")

    @precondition(lambda self: self.leads.rows)
    @rule(data=st.data(), to=st.sampled_from(STAGES), expected=st.sampled_from([None, *STAGES]))
    def move(self, data: st.DataObject, to: str, expected: str | None) -> None:
        lead_id = self._one(data)
        before = self.leads.rows["mystore", lead_id]
        try:
            after = self.manage.move(APP, lead_id, to, expected or before.stage, "ann")
        except ReachError:
            assert before == self.leads.rows["mystore", lead_id]
        else:
            self._note_the_cancelled(before, after)

    @precondition(lambda self: self.leads.rows)
    @rule(data=st.data(), minutes=st.integers(1, 5), send=st.booleans())
    def remind(self, data: st.DataObject, minutes: int, send: bool) -> None:
        lead_id = self._one(data)
        before = self.leads.rows["mystore", lead_id]
        new = NewFollowUp(self.clock() + minutes * MINUTE, None, SEND if send else None)
        try:
            after = self.manage.change(APP, lead_id, LeadPatch(frozenset({"follow_up"}), follow_up=new))
        except ReachError:
            return
        self._note_the_cancelled(before, after)
        if (waiting := _waiting(after)) is not None:
            assert waiting not in self.reminders
            self.reminders.add(waiting)

    @rule(minutes=st.integers(1, 6), dies=st.booleans())
    def wake(self, minutes: int, dies: bool) -> None:
        self.clock.advance(minutes * MINUTE)
        if dies:
            self.messages.fails("add", OSError("killed"))
        wake_due_reminders(
            leads=self.leads, messages=self.messages, apps=self.apps, now=self.clock, time_left=lambda: 50_000
        )

    @precondition(lambda self: self.leads.rows)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        lead_id = self._one(data)
        before = self.leads.rows["mystore", lead_id]
        if before.joined_into is None:
            self.manage.forget(APP, lead_id)
            self._note_the_cancelled(before, None)

    @invariant()
    def each_identity_leads_to_one_lead_that_has_it(self) -> None:
        of_leads = [(identity, lead.lead_id) for lead in self.leads.rows.values() for identity in lead.identities]

        assert {identity: lead_id for (_, identity), lead_id in self.leads.identities.items()} == dict(of_leads)
        assert 1 == max(Counter(identity for identity, _ in of_leads).values(), default=1)

    @invariant()
    def no_history_has_a_gap(self) -> None:
        for key, lead in self.leads.rows.items():
            moves = [fact for fact in self.leads.facts[key] if isinstance(fact, Move)]
            assert list(range(1, len(moves) + 1)) == [move.number for move in moves]
            assert [None, *(move.to_stage for move in moves)] == [*(m.from_stage for m in moves), lead.stage]

    @invariant()
    def a_reminder_is_sent_once_and_never_when_it_was_cancelled(self) -> None:
        assert set(self.messages.rows) <= self.reminders - self.cancelled

    @invariant()
    def a_closed_lead_waits_for_nothing(self) -> None:
        for lead in self.leads.rows.values():
            assert lead.stage not in {"Won", "Lost"} or _waiting(lead) is None


def _waiting(lead: Lead) -> str | None:
    follow_up: FollowUp | None = lead.follow_up
    if follow_up is None or follow_up.message is None or follow_up.state != "waiting":
        return None
    return follow_up.message.message_id


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=30)
