"""A delivery's tries against the plan: jitter, Retry-After within its bounds, and what ends it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.delivery import (
    Delivery,
    DeliveryAttempt,
    EndpointKey,
    LeadMove,
    MessageFact,
    Plan,
    new_delivery,
    source_of,
)
from hkreach.domain.event import moved_event, received_event, status_event
from hkreach.domain.message import KEPT_FOR, Status
from hkreach.domain.time import HOUR, MINUTE, SECOND
from hkreach.domain.webhook_answer import Answer
from tests.builders import LEAD_ID, MESSAGE_ID, NOW, OTHER_ID, inbound, lead, outbound

PLAN = Plan()
SHOP = EndpointKey("mystore", "we_operator")
EVENT = status_event(outbound(facts={Status.SENT: NOW}), Status.SENT)
MIDDLE = 0.5
"""Drawn so, the jitter is nothing."""
REFUSED = Answer(500)


def _tried(delivery: Delivery, at: int, answer: Answer, drawn: float = MIDDLE) -> Delivery:
    attempt = DeliveryAttempt(delivery.tries + 1, at, 40, answer.status, answer.failure)
    return delivery.tried(attempt, answer, PLAN, drawn)


def _waits(answer: Answer, drawn: float = MIDDLE) -> Sequence[int]:
    return [PLAN.wait(tries, answer, drawn) for tries in range(1, PLAN.most_tries)]


def test_the_plan_is_ten_tries_in_75_hours_and_a_half() -> None:
    assert 10 == PLAN.most_tries
    assert [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400] == [w // SECOND for w in _waits(REFUSED)]
    assert 75 * HOUR + 35 * MINUTE + 5 * SECOND == sum(_waits(REFUSED))


@given(st.integers(1, 9), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_a_fifth_longer_or_shorter_at_most(tries: int, drawn: float) -> None:
    planned = PLAN.waits[tries - 1]

    assert 0.8 * planned - 1 <= PLAN.wait(tries, REFUSED, drawn) <= 1.2 * planned + 1


def test_the_jitter_uses_its_whole_width() -> None:
    assert (240 * SECOND, 360 * SECOND) == (PLAN.wait(2, REFUSED, 0.0), round(PLAN.wait(2, REFUSED, 0.999_999_9), -3))


@pytest.mark.parametrize("answer", [Answer(None), Answer(429)])
def test_who_is_out_of_breath_is_left_alone_for_a_minute(answer: Answer) -> None:
    assert MINUTE == PLAN.wait(1, answer, 0.0), "48 s by the jitter alone"
    assert 5 * MINUTE == PLAN.wait(2, answer, MIDDLE)


@pytest.mark.parametrize(
    ("asked", "wait"),
    [(0, 300), (60, 300), (301, 301), (450, 450), (600, 600), (601, 600), (10**9, 600)],
)
def test_retry_after_counts_between_the_planned_wait_and_twice_that(asked: int, wait: int) -> None:
    assert wait * SECOND == PLAN.wait(2, Answer(503, retry_after=asked * SECOND), MIDDLE)


@given(st.integers(1, 9), st.floats(0, 1, exclude_max=True), st.integers(0, 10**12))
def test_retry_after_is_never_undercut_within_its_bound(tries: int, drawn: float, asked: int) -> None:
    answer = Answer(429, retry_after=asked)
    planned = max(PLAN.waits[tries - 1], MINUTE)

    wait = PLAN.wait(tries, answer, drawn)
    assert min(asked, 2 * planned) <= wait <= max(2 * planned, round(1.2 * planned))


def test_a_delivery_waits_from_the_end_of_its_try_and_keeps_the_last_five() -> None:
    delivery, at = new_delivery(SHOP, EVENT, NOW), NOW
    for tries in range(1, 10):
        delivery = _tried(delivery, at, Answer(500, body=f"no {tries}".encode()))
        assert ("waiting", tries, at + 40 + PLAN.waits[tries - 1]) == (
            delivery.state,
            delivery.tries,
            delivery.due_at,
        )
        at = delivery.due_at or 0
    assert [5, 6, 7, 8, 9] == [attempt.number for attempt in delivery.attempts]
    assert (b"no 9", 10) == (delivery.body, delivery.version)

    last = _tried(delivery, at, REFUSED)
    assert ("failed", 10, None) == (last.state, last.tries, last.due_at)


def test_what_is_taken_is_delivered() -> None:
    first = _tried(new_delivery(SHOP, EVENT, NOW), NOW, REFUSED)
    taken = _tried(first, NOW + 5_000, Answer(204))

    assert ("delivered", 2, None) == (taken.state, taken.tries, taken.due_at)
    assert [500, 204] == [attempt.status for attempt in taken.attempts]


def test_what_is_held_or_put_off_counts_no_try() -> None:
    first = _tried(new_delivery(SHOP, EVENT, NOW), NOW, REFUSED)
    held, put_off = first.held("breaker", NOW + 1), first.put_off(NOW + MINUTE, NOW + 1)

    assert ("waiting", 1, None, "breaker", 3) == (held.state, held.tries, held.due_at, held.why, held.version)
    assert (1, NOW + MINUTE) == (put_off.tries, put_off.due_at)


def test_what_is_asked_for_again_has_all_its_tries() -> None:
    gone = new_delivery(SHOP, EVENT, NOW).given_up("gone", NOW + 1)
    again = gone.again(NOW + 2)

    assert ("failed", "gone") == (gone.state, gone.why)
    assert ("waiting", 0, None, "resend", 3) == (again.state, again.tries, again.due_at, again.why, again.version)


def test_a_delivery_lives_as_long_as_its_message() -> None:
    delivery = new_delivery(SHOP, EVENT, NOW + HOUR)

    assert (NOW // SECOND * SECOND, EVENT["id"]) == (delivery.key.created_at, delivery.key.event_id)
    assert delivery.key.created_at + KEPT_FOR == delivery.expires_at


def test_an_event_is_made_of_facts_where_there_are_facts() -> None:
    warning = {
        "id": "evt_1",
        "event": "webhooks.warning",
        "createdAt": "2026-11-22T09:00:00Z",
        "appName": "a",
        "data": {},
    }

    assert MessageFact(MESSAGE_ID, "sent") == source_of(EVENT)
    assert MessageFact(OTHER_ID, "received") == source_of(received_event(inbound()))
    assert LeadMove(LEAD_ID, 1) == source_of(moved_event(lead().after.last_move))
    assert warning == source_of(warning)
