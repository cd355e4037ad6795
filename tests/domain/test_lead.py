"""Leads: moves, whose lead it is, and the life of a reminder."""

from dataclasses import replace

import pytest

from hkreach.domain.errors import Conflict, Invalid, LeadMoved, Unavailable
from hkreach.domain.event import moved_event
from hkreach.domain.lead import (
    TRIED_AGAIN_AFTER,
    Customer,
    FollowUp,
    FollowUpState,
    Lead,
    LeadChange,
    Move,
    Pipeline,
    Stage,
    check_stages,
    moved,
    noted,
)
from hkreach.domain.lead_customer import recognised
from hkreach.domain.lead_follow_up import (
    LONGEST_AHEAD,
    begun,
    ended,
    reminder_message_id,
    with_follow_up,
    without_follow_up,
)
from tests.builders import LEAD_ID, NOW, OTHER_LEAD_ID, RECIPIENT, USER_ID, lead, outbound

PIPELINE = Pipeline()
BOTH = Customer(RECIPIENT, USER_ID, "Jonny")
NEW = lead("c0a8012e-0000-4000-8000-000000000001", BOTH, at=NOW + 9)


def _lead(**parts: object) -> Lead:
    return replace(lead().after, **parts)  # type: ignore[arg-type]


def _move(found: Lead, to: str) -> Lead:
    return moved(found, to, found.stage, "ann", NOW + 5, PIPELINE).after


def test_a_move_goes_on_from_where_the_lead_stands() -> None:
    change = moved(_lead(), "Won", "New", "ann", NOW + 5, PIPELINE)
    (move,) = change.facts

    assert ("Won", 2, move) == (change.after.stage, change.after.version, change.after.last_move)
    assert {"number": 2, "from": "New", "to": "Won", "at": "2026-11-22T09:00:00Z", "by": "ann"} == (
        change.after.last_move.as_dict()
    )


def test_a_move_from_elsewhere_is_refused_and_tells_where_it_stands() -> None:
    there = _move(_lead(), "Contacted")

    with pytest.raises(LeadMoved) as refused:
        moved(there, "Lost", "New", "bob", NOW + 6, PIPELINE)
    assert {"stage": "Contacted", "lastMove": there.last_move.as_dict()} == refused.value.shown


def test_a_lead_may_leave_a_stage_that_is_no_more() -> None:
    stages = Pipeline((Stage("A"), Stage("B")), 3)

    assert "B" == moved(_lead(), "B", "New", "ann", NOW, stages).after.stage
    with pytest.raises(Invalid):
        moved(_lead(), "New", "New", "ann", NOW, stages)


def test_the_events_of_a_lead_are_one_for_each_move() -> None:
    first, second = lead().after.last_move, _move(_lead(), "Won").last_move
    events = [moved_event(first), moved_event(second)]

    assert [(None, "New", "customer", 1), ("New", "Won", "ann", 2)] == [
        (event["data"]["from"], event["data"]["to"], event["data"]["movedBy"], event["data"]["rank"])
        for event in events
    ]
    assert events == [moved_event(first), moved_event(second)]
    assert 2 == len({event["id"] for event in events})
    assert "userId" not in events[0]["data"]
    assert USER_ID == moved_event(replace(first, customer=BOTH))["data"]["userId"]


@pytest.mark.parametrize(("to", "left"), [("Contacted", True), ("Won", False), ("Lost", False)])
@pytest.mark.parametrize("message", [None, outbound()])
def test_closing_cancels_what_waits(to: str, left: bool, message: object) -> None:
    reminded = _lead(follow_up=FollowUp(1, NOW + 10, message=message), follow_ups=1)  # type: ignore[arg-type]

    assert left is (_move(reminded, to).follow_up is not None)


@pytest.mark.parametrize("state", ["sending", "sent", "failed"])
def test_closing_leaves_what_was_begun(state: FollowUpState) -> None:
    follow_up = FollowUp(1, NOW + 10, message=outbound(), state=state)

    assert follow_up == _move(_lead(follow_up=follow_up, follow_ups=1), "Won").follow_up


# ---------------------------------------------------------------- reminders


def test_each_reminder_has_a_number_and_its_message_an_id_of_its_own() -> None:
    before = _lead()
    after = with_follow_up(before, NOW + 1, "call", None, PIPELINE, NOW)
    again = with_follow_up(after, NOW + 2, None, None, PIPELINE, NOW)

    assert [(1, NOW + 1, "call"), (2, NOW + 2, None)] == [
        (each.follow_up.number, each.follow_up.at, each.follow_up.note)
        for each in (after, again)
        if each.follow_up is not None
    ]
    ids = [reminder_message_id(each) for each in (before, after, again, replace(before, lead_id=OTHER_LEAD_ID))]
    assert (4, ids[0]) == (len(set(ids)), reminder_message_id(before))
    assert without_follow_up(again).follow_up is None
    assert 2 == without_follow_up(again).follow_ups, "a number is never given again"


@pytest.mark.parametrize("at", [NOW, NOW - 1, NOW + LONGEST_AHEAD + 1])
def test_a_reminder_lies_ahead(at: int) -> None:
    with pytest.raises(Invalid):
        with_follow_up(_lead(), at, None, None, PIPELINE, NOW)


def test_a_closed_lead_is_not_reminded_of() -> None:
    with pytest.raises(Conflict):
        with_follow_up(_move(_lead(), "Won"), NOW + 1, None, None, PIPELINE, NOW)


def test_what_is_being_sent_is_not_changed() -> None:
    sending = begun(_lead(follow_up=FollowUp(1, NOW, message=outbound()), follow_ups=1), NOW)
    assert sending is not None

    for change in (
        lambda: with_follow_up(sending, NOW + 1, None, None, PIPELINE, NOW),
        lambda: without_follow_up(sending),
    ):
        with pytest.raises(Unavailable):
            change()


def test_a_reminder_is_begun_when_it_is_due_and_again_if_it_was_not_ended() -> None:
    waiting = _lead(follow_up=FollowUp(1, NOW, message=outbound()), follow_ups=1)
    sending = begun(waiting, NOW)
    assert sending is not None
    assert sending.follow_up is not None

    assert begun(waiting, NOW - 1) is None
    assert begun(sending, NOW + TRIED_AGAIN_AFTER - 1) is None
    assert begun(sending, NOW + TRIED_AGAIN_AFTER) is not None
    sent, failed = ended(sending, 1, NOW + 1), ended(sending, 1, NOW + 1, "why")
    assert replace(sending.follow_up, state="sent", ended_at=NOW + 1) == (sent and sent.follow_up)
    assert ("failed", "why") == (failed and failed.follow_up and (failed.follow_up.state, failed.follow_up.error))
    assert sent is not None
    assert (None, None, None) == (begun(sent, NOW * 2), ended(sent, 1, NOW), ended(sending, 2, NOW))


@pytest.mark.parametrize("parts", [{"follow_up": None}, {"follow_up": FollowUp(1, NOW)}, {"forgotten": True}])
def test_there_is_nothing_to_begin(parts: dict[str, object]) -> None:
    assert begun(_lead(**({"follow_up": FollowUp(1, NOW, message=outbound())} | parts)), NOW) is None


# ---------------------------------------------------------------- whose lead it is


def _people(changes: list[LeadChange]) -> list[tuple[str, Customer, tuple[str, ...]]]:
    return [(change.after.lead_id, change.after.customer, change.after.identities) for change in changes]


def _of_user(**parts: object) -> Lead:
    found = lead(OTHER_LEAD_ID, Customer(None, USER_ID, "Zoë"), at=NOW + 1).after
    return replace(found, **parts)  # type: ignore[arg-type]


def test_who_has_none_gets_a_new_one() -> None:
    assert [NEW] == recognised(BOTH, None, None, NEW)


def test_what_is_missing_is_added_and_a_name_stays() -> None:
    identities = (f"phone#{RECIPIENT}", f"user#{USER_ID}")
    (added,) = _people(recognised(BOTH, None, _lead(), NEW))
    assert (LEAD_ID, Customer(RECIPIENT, USER_ID, "John Doe"), identities) == added

    (added,) = _people(recognised(BOTH, _of_user(), None, NEW))
    assert (OTHER_LEAD_ID, Customer(RECIPIENT, USER_ID, "Zoë"), identities[::-1]) == added


def test_another_number_of_the_same_customer_is_added_and_the_old_one_still_leads_there() -> None:
    before = _of_user(customer=BOTH, identities=(f"user#{USER_ID}", f"phone#{RECIPIENT}"))
    (added,) = _people(recognised(Customer("85291234567", USER_ID), before, None, NEW))

    assert ("85291234567", (*before.identities, "phone#85291234567")) == (added[1].phone, added[2])


def test_a_number_that_another_has_now_goes_with_them() -> None:
    waiting = FollowUp(1, NOW + 10, message=outbound())
    former = _lead(customer=Customer(RECIPIENT, "HK.9", "Old"), identities=("user#HK.9", f"phone#{RECIPIENT}"))
    taken, left = recognised(BOTH, None, replace(former, follow_up=waiting), NEW)

    assert NEW == taken
    assert (Customer(None, "HK.9", "Old"), ("user#HK.9",)) == (left.after.customer, left.after.identities)
    assert ("failed", None) == (left.after.follow_up and (left.after.follow_up.state, left.after.follow_up.due_at))
    (theirs, _, _), (old, _, _) = _people(recognised(BOTH, _of_user(), former, NEW))
    assert (OTHER_LEAD_ID, LEAD_ID) == (theirs, old)


def test_two_leads_of_one_customer_become_the_older_one() -> None:
    waiting = FollowUp(4, NOW + 10, message=outbound())
    by_user = _of_user(score=5, assignee="bob", follow_up=waiting, follow_ups=4, joined=("x",))
    kept, gone = (change.after for change in recognised(BOTH, by_user, _lead(assignee="ann", follow_ups=1), NEW))

    assert (LEAD_ID, Customer(RECIPIENT, USER_ID, "John Doe"), 5, "ann", (OTHER_LEAD_ID, "x")) == (
        kept.lead_id, kept.customer, kept.score, kept.assignee, kept.joined,
    )  # fmt: skip
    assert {f"phone#{RECIPIENT}", f"user#{USER_ID}"} == set(kept.identities)
    assert (replace(waiting, number=2), 2) == (kept.follow_up, kept.follow_ups)
    assert (LEAD_ID, (), None) == (gone.joined_into, gone.identities, gone.follow_up)
    for change in (lambda: noted(gone, "ann", "text", NOW), lambda: _move(gone, "Won")):
        with pytest.raises(Conflict, match=LEAD_ID):
            change()


def test_who_follows_the_younger_one_is_told_into_which_it_was_joined() -> None:
    kept, gone = recognised(BOTH, _of_user(), _lead(), NEW)
    (move,) = gone.facts
    assert isinstance(move, Move)
    told = moved_event(move)["data"]

    assert ((), move) == (kept.facts, gone.after.last_move)
    assert (OTHER_LEAD_ID, "New", "New", 2, LEAD_ID) == (
        told["leadId"], told["from"], told["to"], told["rank"], told["joinedInto"],
    )  # fmt: skip
    assert LEAD_ID == move.as_dict()["joinedInto"]
    assert "joinedInto" not in moved_event(NEW.after.last_move)["data"] | NEW.after.last_move.as_dict()


def test_a_reminder_of_the_older_one_stays_and_one_that_is_being_sent_is_left_to_be_ended() -> None:
    own, others = FollowUp(1, NOW + 10), FollowUp(1, NOW + 20, message=outbound())
    by_phone = _lead(follow_up=own, follow_ups=1)
    kept, gone = (c.after for c in recognised(BOTH, _of_user(follow_up=others, follow_ups=1), by_phone, NEW))
    assert (own, None) == (kept.follow_up, gone.follow_up)

    sending = replace(others, state="sending", tried_at=NOW)
    kept, gone = (c.after for c in recognised(BOTH, _of_user(follow_up=sending, follow_ups=1), _lead(), NEW))
    assert (None, sending) == (kept.follow_up, gone.follow_up)
    assert ended(gone, 1, NOW) is not None


def test_stages_are_checked() -> None:
    assert (Stage("A"), Stage("B", closed=True)) == check_stages([Stage("A"), Stage("B", closed=True)])
    for stages, fault in (
        ([], "1 to 20"),
        ([Stage("A", closed=True)], "open stage"),
        ([Stage("A"), Stage("A")], "one name"),
    ):
        with pytest.raises(ValueError, match=fault):
            check_stages(stages)
