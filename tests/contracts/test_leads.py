"""Leads: one for each customer whoever makes it, changed by one at a time, and found by what an app asks for."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from hkreach.adapters.dynamodb_items import to_item
from hkreach.adapters.dynamodb_leads import DynamoDBLeads
from hkreach.adapters.lead_index import index_of
from hkreach.domain.errors import LeadMoved
from hkreach.domain.lead import Customer, FollowUp, Lead, LeadChange, Note, Pipeline, Stage, moved, noted
from hkreach.domain.lead_customer import recognised
from hkreach.ports.leads import DueReminder, LeadQuery, Leads
from hkreach.usecases.manage_leads import ManageLeads
from hkreach.usecases.manage_leads_customer import lead_of
from tests.aws import LEADS_TABLE, aws, items
from tests.builders import CUSTOMER, LEAD_ID, NOW, OTHER_LEAD_ID, RECIPIENT, USER_ID, app, lead, outbound
from tests.fakes.clock import FakeClock

DUE = NOW + 3_600_000
BOTH = Customer(RECIPIENT, USER_ID, "John")


def _read(leads: Leads, lead_id: str = LEAD_ID) -> Lead:
    found = leads.get("mystore", lead_id)
    assert found is not None
    return found


def _change(leads: Leads, lead_id: str = LEAD_ID, **parts: object) -> Lead:
    before = _read(leads, lead_id)
    after = replace(before, version=before.version + 1, **parts)  # type: ignore[arg-type]
    assert leads.write([LeadChange(before, after)])
    return after


def _move(leads: Leads, to: str, at: int, lead_id: str = LEAD_ID) -> bool:
    before = _read(leads, lead_id)
    return leads.write([moved(before, to, before.stage, "ann", at, Pipeline())])


def test_what_was_written_is_read(leads: Leads) -> None:
    leads.write([lead()])
    follow_up = FollowUp(1, DUE, "call", outbound(), "sending", NOW, NOW + 1, "why")
    after = _change(
        leads,
        follow_up=follow_up, follow_ups=1, score=70, assignee="ann", joined=(OTHER_LEAD_ID,), notes=2,
        customer=Customer(RECIPIENT, USER_ID, "Zoë 陳"),
    )  # fmt: skip

    assert after == _read(leads)
    assert lead().after == replace(
        after, follow_up=None, follow_ups=0, score=None, assignee=None, joined=(), notes=0, customer=CUSTOMER, version=1
    )


def test_nobody_finds_another_apps(leads: Leads) -> None:
    leads.write([lead()])

    assert leads.get("other", LEAD_ID) is None
    assert {} == leads.known("other", CUSTOMER)
    assert [] == leads.page("other", LeadQuery(), 10, None).leads
    assert not leads.has_leads_in("other", "New")
    assert leads.write([lead(OTHER_LEAD_ID, app_name="other")]), "the same number may be a customer of both"


def test_a_customer_has_one_lead(leads: Leads) -> None:
    assert leads.write([lead()])
    assert not leads.write([lead(OTHER_LEAD_ID)])
    assert leads.get("mystore", OTHER_LEAD_ID) is None
    assert {f"phone#{RECIPIENT}": LEAD_ID} == leads.known("mystore", CUSTOMER)
    assert [1] == [move.number for move in leads.moves("mystore", LEAD_ID, 10)]


def test_a_lead_is_changed_by_who_saw_the_last_of_it(leads: Leads) -> None:
    leads.write([lead()])
    seen = _read(leads)
    _change(leads, score=1)

    assert not leads.write([noted(seen, "ann", "late", NOW)])
    assert (1, []) == (_read(leads).score, leads.notes("mystore", LEAD_ID, 10))


def test_facts_are_read_the_latest_first_and_page_by_page(leads: Leads) -> None:
    leads.write([lead()])
    for number, stage in enumerate(["Contacted", "Qualified", "Won"], 1):
        assert _move(leads, stage, NOW + number)
        assert leads.write([noted(_read(leads), "ann", f"note {number}", NOW + number)])

    first = leads.moves("mystore", LEAD_ID, 2)
    assert [(4, "Qualified", "Won"), (3, "Contacted", "Qualified")] == [
        (move.number, move.from_stage, move.to_stage) for move in first
    ]
    assert [2, 1] == [move.number for move in leads.moves("mystore", LEAD_ID, 10, 3)]
    assert [] == leads.moves("mystore", LEAD_ID, 10, 1)
    assert lead().facts[0] == leads.moves("mystore", LEAD_ID, 10)[-1]
    assert [Note(1, NOW + 1, "ann", "note 1")] == leads.notes("mystore", LEAD_ID, 10, 2)


def test_two_at_once_make_one_move_and_nothing_is_lost(leads: Leads) -> None:
    leads.write([lead()])
    seen = _read(leads)
    changes = [moved(seen, to, "New", by, NOW + 1, Pipeline()) for to, by in (("Won", "ann"), ("Lost", "bob"))]
    with ThreadPoolExecutor(2) as agents:
        written = list(agents.map(lambda change: leads.write([change]), changes))

    assert [False, True] == sorted(written)
    won = changes[written.index(True)]
    assert (won.after.stage, 2) == (_read(leads).stage, len(leads.moves("mystore", LEAD_ID, 10)))
    assert won.facts[0] == leads.moves("mystore", LEAD_ID, 1)[0]


def test_of_many_agents_at_once_one_moves_the_lead_and_each_other_sees_what_happened(leads: Leads) -> None:
    leads.write([lead()])
    manage, store, agents = ManageLeads(leads, FakeClock(NOW)), app(), [f"agent {n}" for n in range(8)]

    def move(agent: str) -> Lead | LeadMoved:
        stages = ("Won", "Lost", "Contacted", "Qualified")
        try:
            return manage.move(store, LEAD_ID, stages[agents.index(agent) % 4], "New", agent)
        except LeadMoved as refused:
            return refused

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(move, agents))
    (won,) = (answer for answer in answers if isinstance(answer, Lead))
    refused = [answer.shown for answer in answers if isinstance(answer, LeadMoved)]
    assert [{"stage": won.stage, "lastMove": won.last_move.as_dict()}] * 7 == refused
    assert [(2, won.stage), (1, "New")] == [(move.number, move.to_stage) for move in leads.moves("mystore", LEAD_ID, 9)]


def test_two_leads_of_one_customer_are_joined_at_once_or_not_at_all(leads: Leads) -> None:
    leads.write([lead()])
    leads.write([lead(OTHER_LEAD_ID, Customer(None, USER_ID), at=NOW + 1)])
    by_phone, by_user = _read(leads), _read(leads, OTHER_LEAD_ID)
    joining = recognised(BOTH, by_user, by_phone, lead("unused"))
    late = _change(leads, OTHER_LEAD_ID, score=3)

    assert not leads.write(joining)
    assert by_phone == _read(leads)
    assert leads.write(recognised(BOTH, late, by_phone, lead("unused")))
    assert {f"phone#{RECIPIENT}": LEAD_ID, f"user#{USER_ID}": LEAD_ID} == leads.known("mystore", BOTH)
    gone = _read(leads, OTHER_LEAD_ID)
    assert (3, LEAD_ID) == (_read(leads).score, gone.joined_into)
    assert [LEAD_ID, None] == [move.joined_into for move in leads.moves("mystore", OTHER_LEAD_ID, 9)]
    assert LEAD_ID == gone.last_move.joined_into
    assert [LEAD_ID] == [found.lead_id for found in leads.page("mystore", LeadQuery(), 10, None).leads]


def test_an_identity_is_not_taken_from_a_lead_that_is_not_changed_with_it(leads: Leads) -> None:
    leads.write([lead()])
    leads.write([lead(OTHER_LEAD_ID, Customer(None, USER_ID))])
    before = _read(leads, OTHER_LEAD_ID)
    greedy = replace(before, version=2, identities=(*before.identities, f"phone#{RECIPIENT}"))

    assert not leads.write([LeadChange(before, greedy)])
    assert {f"phone#{RECIPIENT}": LEAD_ID} == leads.known("mystore", CUSTOMER)


def test_lists_are_the_newest_first_and_have_no_end_twice(leads: Leads) -> None:
    names = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(5)]
    for n, name in enumerate(names):
        leads.write([lead(name, Customer(f"85291000{n}"), at=NOW + n // 2)])
    seen, cursor = [], None
    while True:
        page = leads.page("mystore", LeadQuery(), 2, cursor)
        seen += [found.lead_id for found in page.leads]
        cursor = page.next
        if cursor is None:
            break

    assert names[4] == seen[0]
    assert sorted(names) == sorted(seen)


@pytest.mark.parametrize("cursor", ["x", "eyJ9", "W10=", "WzEsMl0=", "bnVsbA==", "ü"])
def test_a_cursor_that_is_none_is_told(leads: Leads, cursor: str) -> None:
    with pytest.raises(ValueError, match="must be the nextCursor of a page"):
        leads.page("mystore", LeadQuery(), 2, cursor)


def test_a_cursor_of_later_reminders_is_told(imitated_aws: None) -> None:
    table = DynamoDBLeads(aws("dynamodb"), LEADS_TABLE)
    place = index_of("mystore", LeadQuery(follow_up_before=NOW)).cursor(
        to_item({"followUpAt": NOW, "sk": f"lead#{LEAD_ID}"})
    )

    assert [] == table.page("mystore", LeadQuery(follow_up_before=NOW + 1), 2, place).leads
    with pytest.raises(ValueError, match="of the same query"):
        table.page("mystore", LeadQuery(follow_up_before=NOW), 2, place)


def test_leads_are_found_by_stage_assignee_and_reminder(leads: Leads) -> None:
    for n, name in enumerate((LEAD_ID, OTHER_LEAD_ID)):
        leads.write([lead(name, Customer(f"85291000{n}"), at=NOW + n)])
    _change(leads, assignee="ann", follow_up=FollowUp(1, DUE + 5), follow_ups=1)
    _change(leads, OTHER_LEAD_ID, follow_up=FollowUp(1, DUE), follow_ups=1)
    _move(leads, "Contacted", NOW, OTHER_LEAD_ID)

    def found(**query: object) -> list[str]:
        return [each.lead_id for each in leads.page("mystore", LeadQuery(**query), 9, None).leads]  # type: ignore[arg-type]

    assert ([LEAD_ID], [OTHER_LEAD_ID], []) == (found(stage="New"), found(stage="Contacted"), found(stage="Won"))
    assert ([LEAD_ID], []) == (found(assignee="ann"), found(stage="Contacted", assignee="ann"))
    assert ([OTHER_LEAD_ID, LEAD_ID], [OTHER_LEAD_ID], []) == (
        found(follow_up_before=DUE + 6), found(follow_up_before=DUE + 1), found(follow_up_before=DUE),
    )  # fmt: skip
    assert [LEAD_ID] == found(follow_up_before=DUE + 6, stage="New", assignee="ann")
    assert (True, False) == (leads.has_leads_in("mystore", "New"), leads.has_leads_in("mystore", "Won"))


def test_a_reminder_with_a_message_is_due_until_it_was_sent(leads: Leads) -> None:
    leads.write([lead()])
    _change(leads, follow_up=FollowUp(1, DUE))
    assert [] == list(leads.due(DUE, 100)), "there is nothing to send"
    follow_up = FollowUp(2, DUE, message=outbound())
    _change(leads, follow_up=follow_up)

    assert [] == list(leads.due(DUE - 1, 100))
    assert [DueReminder("mystore", LEAD_ID, DUE)] == list(leads.due(DUE, 100))
    _change(leads, follow_up=replace(follow_up, state="sending", tried_at=DUE))
    assert [] == list(leads.due(DUE, 100))
    assert [DueReminder("mystore", LEAD_ID, DUE + 300_000)] == list(leads.due(DUE + 300_000, 100))
    _change(leads, follow_up=replace(follow_up, state="sent", tried_at=DUE, ended_at=DUE))
    assert [] == list(leads.due(DUE * 2, 100))


def test_stages_are_the_default_until_they_are_set(leads: Leads) -> None:
    own = Pipeline((Stage("Neu"), Stage("Ende", closed=True)), 1)

    assert (["New", "Contacted", "Qualified", "Won", "Lost"], 0) == (
        leads.pipeline("mystore").names, leads.pipeline("mystore").version,
    )  # fmt: skip
    assert leads.set_pipeline("mystore", own)
    assert own == leads.pipeline("mystore")
    assert not leads.set_pipeline("mystore", own), "somebody was quicker"
    assert leads.set_pipeline("mystore", replace(own, version=2))
    assert Pipeline() == leads.pipeline("other")


def test_what_is_erased_leaves_nothing_and_may_begin_anew(leads: Leads) -> None:
    leads.write([lead()])
    leads.write([lead(OTHER_LEAD_ID, Customer(None, USER_ID), at=NOW + 1)])
    leads.write([noted(_read(leads), "ann", "private", NOW)])
    leads.write(recognised(BOTH, _read(leads, OTHER_LEAD_ID), _read(leads), lead("unused")))
    doomed = _change(leads, forgotten=True, follow_up=FollowUp(1, NOW, message=outbound()))
    assert ([], []) == (leads.page("mystore", LeadQuery(), 9, None).leads, list(leads.due(NOW, 9)))

    for _ in range(2):
        leads.erase(doomed)
    assert (None, None) == (leads.get("mystore", LEAD_ID), leads.get("mystore", OTHER_LEAD_ID))
    assert ([], []) == (leads.notes("mystore", LEAD_ID, 9), leads.moves("mystore", LEAD_ID, 9))
    assert {} == leads.known("mystore", BOTH)
    if isinstance(leads, DynamoDBLeads):
        assert [] == items(LEADS_TABLE)
    assert leads.write([lead()])


@pytest.mark.usefixtures("imitated_aws")
def test_a_known_customer_costs_nothing_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    leads = DynamoDBLeads(aws("dynamodb"), LEADS_TABLE, remember_seconds=60)
    assert {} == leads.known("mystore", BOTH)
    leads.write([lead(customer=BOTH)])
    known = leads.known("mystore", BOTH)
    monkeypatch.setattr(leads, "_client", None)

    assert {f"phone#{RECIPIENT}": LEAD_ID, f"user#{USER_ID}": LEAD_ID} == known == leads.known("mystore", BOTH)


@pytest.mark.usefixtures("imitated_aws")
def test_a_write_whose_answer_got_lost_is_known_as_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    leads = DynamoDBLeads(aws("dynamodb"), LEADS_TABLE)
    write = leads._all_or_nothing
    monkeypatch.setattr(leads, "_all_or_nothing", lambda writes: write(writes) and write(writes))

    assert leads.write([lead()])
    assert not leads.write([lead()])


class _Counted:
    """A client that tells what was asked of it."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> object:
        if name != "exceptions":
            self.calls.append(name)
        return getattr(aws("dynamodb"), name)


@pytest.mark.usefixtures("imitated_aws")
def test_what_a_customers_messages_cost() -> None:
    """A first one two reads and a transaction; then a read, and nothing within a minute in the same process."""
    calls = []
    client = _Counted()
    process, other = (DynamoDBLeads(client, LEADS_TABLE, remember_seconds=60) for _ in range(2))
    for leads in (process, process, process, other):
        client.calls.clear()
        lead_of("mystore", CUSTOMER, "customer", NOW, leads=leads)
        calls.append(list(client.calls))

    assert [["get_item", "get_item", "transact_write_items"], ["get_item"], [], ["get_item"]] == calls
