"""manage_leads: many agents at once, and all that may come between a read and its write."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from hkreach.domain.errors import Conflict, LeadMoved, NotFound, Unavailable
from hkreach.domain.lead import Customer, LeadChange, Stage, next_version, noted
from hkreach.domain.template import Template
from hkreach.domain.time import DAY
from hkreach.usecases.accept_message import SendRequest
from hkreach.usecases.manage_leads import LeadPatch, ManageLeads, NewFollowUp
from hkreach.usecases.manage_leads_customer import lead_of
from tests.builders import CUSTOMER, LEAD_ID, NOW, NUMBER, OTHER_LEAD_ID, RECIPIENT, USER_ID, app, lead
from tests.fakes.clock import FakeClock
from tests.fakes.leads import FakeLeads

APP = app()
BOTH = Customer(RECIPIENT, USER_ID, "John Doe")


class _Interrupted(FakeLeads):
    """Somebody else is quicker, as often as it is told: `between` runs before a write."""

    def __init__(self) -> None:
        super().__init__()
        self.between: list[Callable[[], object]] = []

    def write(self, changes: Sequence[LeadChange]) -> bool:
        if self.between:
            self.between.pop()()
        return super().write(changes)


@pytest.fixture
def leads() -> _Interrupted:
    return _Interrupted()


@pytest.fixture
def manage(leads: _Interrupted, clock: FakeClock) -> ManageLeads:
    return ManageLeads(leads, clock)


def test_many_at_once_make_one_lead_and_one_of_them_made_it(clock: FakeClock) -> None:
    leads, together = FakeLeads(), Barrier(16)
    known = leads.known

    def all_look_first(app_name: str, customer: Customer) -> object:
        found = known(app_name, customer)
        if not found:
            together.wait(10)
        return found

    leads.known = all_look_first  # type: ignore[assignment,method-assign]
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: lead_of("mystore", CUSTOMER, "x", NOW, leads=leads), range(16)))

    assert 1 == len(leads.rows) == len({lead_id for lead_id, _ in answers})
    assert 1 == sum(made for _, made in answers)
    ((facts),) = leads.facts.values()
    assert 1 == len(facts)


def test_two_agents_at_once_one_moves_the_lead_and_the_other_sees_it(manage: ManageLeads, leads: _Interrupted) -> None:
    leads.write([lead()])
    leads.between.append(lambda: manage.move(APP, LEAD_ID, "Won", "New", "ann"))

    with pytest.raises(LeadMoved) as refused:
        manage.move(APP, LEAD_ID, "Lost", "New", "bob")
    assert ("Won", "ann") == (refused.value.shown["stage"], refused.value.shown["lastMove"]["by"])
    assert ["Won", "New"] == [move.to_stage for move in manage.moves(APP, LEAD_ID, 9, None)]


def test_a_note_between_does_not_disturb_a_move_nor_a_change(manage: ManageLeads, leads: _Interrupted) -> None:
    leads.write([lead()])
    for n, work in enumerate(
        (
            lambda: manage.move(APP, LEAD_ID, "Won", "New", "ann"),
            lambda: manage.change(APP, LEAD_ID, LeadPatch(frozenset({"score"}), score=9)),
            lambda: manage.add_note(APP, LEAD_ID, "bob", "mine"),
        )
    ):
        leads.between.append(lambda: manage.add_note(APP, LEAD_ID, "ann", f"note {n}"))  # noqa: B023
        work()

    shown = manage.show(APP, LEAD_ID)
    assert ("Won", 9, [4, 3, 2, 1]) == (shown.lead.stage, shown.lead.score, [note.number for note in shown.notes])


def test_who_is_always_too_late_is_told_to_try_again(manage: ManageLeads, leads: _Interrupted) -> None:
    leads.write([lead()])
    leads.between = [lambda: manage.add_note(APP, LEAD_ID, "ann", "x")] * 1
    leads.write = lambda changes: False  # type: ignore[method-assign]

    with pytest.raises(Unavailable):
        manage.change(APP, LEAD_ID, LeadPatch(frozenset({"score"}), score=9))
    with pytest.raises(Unavailable):
        manage.create(APP, Customer("85291234567"), "x")


def test_a_change_is_of_the_version_that_was_seen(manage: ManageLeads, leads: _Interrupted) -> None:
    leads.write([lead()])
    leads.between.append(lambda: manage.add_note(APP, LEAD_ID, "ann", "x"))

    with pytest.raises(Conflict, match="version is 2"):
        manage.change(APP, LEAD_ID, LeadPatch(frozenset({"score"}), score=9, expected_version=1))


def test_two_identities_seen_apart_and_then_together_are_one_lead(manage: ManageLeads, leads: _Interrupted) -> None:
    by_phone, _ = manage.create(APP, CUSTOMER, "x")
    by_user, _ = manage.create(APP, Customer(None, USER_ID), "x")
    both, made = manage.create(APP, BOTH, "x")

    assert (by_phone.lead_id != by_user.lead_id, False) == (True, made)
    assert {both.lead_id} == {manage.create(APP, who, "x")[0].lead_id for who in (CUSTOMER, Customer(None, USER_ID))}
    other = by_user if both.lead_id == by_phone.lead_id else by_phone
    assert both.lead_id == manage.show(APP, other.lead_id).lead.joined_into
    with pytest.raises(Conflict, match=both.lead_id):
        manage.forget(APP, other.lead_id)
    manage.forget(APP, both.lead_id)
    assert ({}, {}) == (leads.rows, leads.identities)


def test_a_reminders_message_is_built_when_it_is_set(manage: ManageLeads, leads: _Interrupted) -> None:
    leads.write([lead()])
    request = SendRequest("0000000", Template("offer", "en"), purpose="marketing", ttl_seconds=600)
    follow_up = NewFollowUp(NOW + DAY, "offer", request)
    after = manage.change(APP, LEAD_ID, LeadPatch(frozenset({"follow_up"}), follow_up=follow_up))

    assert after.follow_up is not None
    assert after.follow_up.message is not None
    message = after.follow_up.message
    assert (RECIPIENT, NUMBER, "marketing", "offer", 600_000) == (
        message.to, message.phone_number_id, message.purpose, message.template.name, message.deadline - NOW,
    )  # fmt: skip
    assert (2, 1) == (after.version, after.follow_ups)
    with pytest.raises(Conflict, match="no WhatsApp number"):
        manage.change(app(meta=None), LEAD_ID, LeadPatch(frozenset({"follow_up"}), follow_up=follow_up))


def test_stages_are_set_by_one_at_a_time(manage: ManageLeads, leads: _Interrupted) -> None:
    set_pipeline = leads.set_pipeline

    def late(app_name: str, pipeline: object) -> bool:
        leads.set_pipeline = set_pipeline  # type: ignore[method-assign]
        manage.set_stages(APP, [Stage("Quicker")])
        return set_pipeline(app_name, pipeline)  # type: ignore[arg-type]

    leads.set_pipeline = late  # type: ignore[method-assign]
    with pytest.raises(Conflict, match="somebody else"):
        manage.set_stages(APP, [Stage("Slower")])
    assert ["Quicker"] == manage.pipeline(APP).names


def test_a_lead_that_is_being_erased_is_nobodys(manage: ManageLeads, leads: _Interrupted) -> None:
    leads.write([lead()])
    leads.fails("erase", OSError("killed"))
    with pytest.raises(OSError, match="killed"):
        manage.forget(APP, LEAD_ID)

    with pytest.raises(NotFound):
        manage.show(APP, LEAD_ID)
    for who in (CUSTOMER, BOTH):
        with pytest.raises(Conflict, match="being erased"):
            manage.create(APP, who, "x")
    manage.forget(APP, LEAD_ID)
    assert {} == leads.rows


def test_a_stale_write_is_not_made(leads: _Interrupted) -> None:
    leads.write([lead(), lead(OTHER_LEAD_ID, Customer("85291234567"))])
    seen = lead().after
    leads.write([noted(seen, "ann", "x", NOW)])

    assert not leads.write([LeadChange(seen, next_version(seen, score=1))])
