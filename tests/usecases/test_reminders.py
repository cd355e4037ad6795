"""The reminders that wake_due sends: once each, or not at all; who dies between two steps is repaired."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from hkreach.domain.lead import Customer, FollowUp, Lead, LeadChange, Pipeline, Stage, moved, next_version
from hkreach.domain.lead_follow_up import without_follow_up
from hkreach.domain.message import Status
from hkreach.domain.time import DAY, MINUTE
from hkreach.usecases.wake_due_reminders import wake_due_reminders
from tests.builders import LEAD_ID, MESSAGE_ID, NOW, OTHER_ID, OTHER_LEAD_ID, OTHER_NUMBER, app, lead, outbound
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.leads import FakeLeads
from tests.fakes.messages import FakeMessages

DUE = NOW + DAY


@pytest.fixture(autouse=True)
def waiting(leads: FakeLeads, clock: FakeClock) -> None:
    leads.write([lead()])
    _change(leads, lambda found: next_version(found, follow_up=FollowUp(1, DUE, message=outbound()), follow_ups=1))
    clock.now = DUE


def _read(leads: FakeLeads) -> Lead:
    return leads.rows["mystore", LEAD_ID]


def _change(leads: FakeLeads, change: Callable[[Lead], Lead]) -> None:
    before = _read(leads)
    assert leads.write([LeadChange(before, change(before))])


def _close(leads: FakeLeads) -> None:
    found = _read(leads)
    assert leads.write([moved(found, "Won", found.stage, "ann", DUE, Pipeline())])


def _wake(
    leads: FakeLeads, messages: FakeMessages, clock: FakeClock, apps: FakeApps | None = None, left: int = 50_000
) -> int:
    if apps is None:
        apps = FakeApps()
        apps.add(app())
    return wake_due_reminders(leads=leads, messages=messages, apps=apps, now=clock, time_left=lambda: left)


def _state(leads: FakeLeads) -> str | None:
    follow_up = _read(leads).follow_up
    return follow_up and follow_up.state


def test_it_is_sent_at_its_time_and_once(leads: FakeLeads, messages: FakeMessages, clock: FakeClock) -> None:
    clock.now = DUE - 1
    assert 0 == _wake(leads, messages, clock)
    clock.now = DUE
    assert 1 == _wake(leads, messages, clock)
    clock.advance(DAY)
    assert 0 == _wake(leads, messages, clock)

    late = {"facts": {Status.QUEUED: DUE}, "deadline": outbound().deadline + DAY, "expires_at": DUE + 90 * DAY}
    assert {MESSAGE_ID: outbound(**late)} == {key: row.message for key, row in messages.rows.items()}
    follow_up = _read(leads).follow_up
    assert ("sent", DUE) == (follow_up and (follow_up.state, follow_up.ended_at))


def test_it_goes_from_the_number_that_the_app_has_by_then(
    leads: FakeLeads, messages: FakeMessages, clock: FakeClock
) -> None:
    before = replace(outbound(), phone_number_id=OTHER_NUMBER)
    _change(leads, lambda found: next_version(found, follow_up=FollowUp(1, DUE, message=before)))
    _wake(leads, messages, clock)

    assert outbound().phone_number_id == messages.rows[MESSAGE_ID].message.phone_number_id


def _killed(owner: object, method: str, call: int, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies before or after the n-th call of a method; another one finds what it left."""
    real, calls = getattr(owner, method), itertools.count(1)

    def dying(*arguments: object) -> object:
        strikes = next(calls) == call
        if strikes and when == "before":
            raise KeyboardInterrupt
        answer = real(*arguments)
        if strikes:
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(owner, method, dying)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["first mark", "message", "last mark"])
def test_who_dies_between_two_steps_is_repaired_and_doubles_nothing(
    leads: FakeLeads,
    messages: FakeMessages,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    when: str,
) -> None:
    owner, method = (messages, "add") if step == "message" else (leads, "write")
    with monkeypatch.context() as patch:
        _killed(owner, method, 2 if step == "last mark" else 1, when, patch)
        with pytest.raises(KeyboardInterrupt):
            _wake(leads, messages, clock)
    first = {key: row.message for key, row in messages.rows.items()}
    clock.advance(5 * MINUTE)
    _wake(leads, messages, clock)

    assert ("sent", 1) == (_state(leads), len(messages.rows))
    assert first in ({}, {key: row.message for key, row in messages.rows.items()}), "written once"
    assert [] == leads.due(NOW * 2, 9)


def test_two_wakers_at_once_send_one(leads: FakeLeads, messages: FakeMessages, clock: FakeClock) -> None:
    get = leads.get

    def both_look(app_name: str, lead_id: str) -> Lead | None:
        leads.get = get  # type: ignore[method-assign]
        found = get(app_name, lead_id)
        assert 1 == _wake(leads, messages, clock)
        return found

    leads.get = both_look  # type: ignore[method-assign]
    assert 0 == _wake(leads, messages, clock)
    assert 1 == len(messages.rows)


@pytest.mark.parametrize("close", [True, False])
def test_closing_or_changing_at_the_very_moment_decides(
    leads: FakeLeads, messages: FakeMessages, clock: FakeClock, close: bool
) -> None:
    """Between the look at the lead and the first mark: the mark is refused."""
    pipeline = leads.pipeline

    def meanwhile(app_name: str) -> Pipeline:
        leads.pipeline = pipeline  # type: ignore[method-assign]
        if close:
            _close(leads)
        else:
            _change(leads, without_follow_up)
        return pipeline(app_name)

    leads.pipeline = meanwhile  # type: ignore[method-assign]
    assert 0 == _wake(leads, messages, clock)
    assert ({}, None) == (messages.rows, _state(leads))


def test_closing_between_the_first_mark_and_the_message_is_too_late(
    leads: FakeLeads, messages: FakeMessages, clock: FakeClock
) -> None:
    """Nobody died: it is a matter of milliseconds."""
    add = messages.add

    def meanwhile(message: object) -> object:
        _close(leads)
        return add(message)  # type: ignore[arg-type]

    messages.add = meanwhile  # type: ignore[assignment,method-assign]
    assert 1 == _wake(leads, messages, clock)
    assert ("Won", "sent", 1) == (_read(leads).stage, _state(leads), len(messages.rows))


def _dies_before_the_message(leads: FakeLeads, messages: FakeMessages, clock: FakeClock) -> None:
    messages.fails("add", OSError("table"))
    assert (0, "sending") == (_wake(leads, messages, clock), _state(leads))


def test_closing_after_somebody_died_before_the_message_cancels_it(
    leads: FakeLeads, messages: FakeMessages, clock: FakeClock
) -> None:
    _dies_before_the_message(leads, messages, clock)
    clock.advance(3 * MINUTE)
    _close(leads)
    clock.advance(2 * MINUTE)

    assert (0, {}, None) == (_wake(leads, messages, clock), messages.rows, _read(leads).follow_up)
    clock.advance(DAY)
    assert (0, {}) == (_wake(leads, messages, clock), messages.rows), "and for good"


def _die_behind_the_message(
    leads: FakeLeads, messages: FakeMessages, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        _killed(messages, "add", 1, "after", patch)
        with pytest.raises(KeyboardInterrupt):
            _wake(leads, messages, clock)


def test_closing_after_somebody_died_behind_the_message_is_too_late(
    leads: FakeLeads, messages: FakeMessages, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _die_behind_the_message(leads, messages, clock, monkeypatch)
    _close(leads)
    clock.advance(5 * MINUTE)
    _wake(leads, messages, clock)

    assert ("Won", "sent", 1) == (_read(leads).stage, _state(leads), len(messages.rows))


def test_closing_at_the_very_moment_of_the_second_try_decides(
    leads: FakeLeads, messages: FakeMessages, clock: FakeClock
) -> None:
    _dies_before_the_message(leads, messages, clock)
    clock.advance(5 * MINUTE)
    pipeline = leads.pipeline

    def meanwhile(app_name: str) -> Pipeline:
        leads.pipeline = pipeline  # type: ignore[method-assign]
        _close(leads)
        return pipeline(app_name)

    leads.pipeline = meanwhile  # type: ignore[method-assign]
    assert (0, {}) == (_wake(leads, messages, clock), messages.rows)
    assert (0, {}, None) == (_wake(leads, messages, clock), messages.rows, _read(leads).follow_up)


@pytest.mark.parametrize("died", [False, True])
def test_it_goes_to_the_number_that_the_customer_has_by_then(
    leads: FakeLeads, messages: FakeMessages, clock: FakeClock, died: bool
) -> None:
    if died:
        _dies_before_the_message(leads, messages, clock)
        clock.advance(5 * MINUTE)
    _change(leads, lambda found: next_version(found, customer=replace(found.customer, phone="85291234567")))

    assert 1 == _wake(leads, messages, clock)
    assert "85291234567" == messages.rows[MESSAGE_ID].message.to


def test_a_customer_whose_number_is_gone_gets_none(leads: FakeLeads, messages: FakeMessages, clock: FakeClock) -> None:
    _dies_before_the_message(leads, messages, clock)
    clock.advance(5 * MINUTE)
    _change(leads, lambda found: next_version(found, customer=replace(found.customer, phone=None)))

    assert (0, {}, "failed") == (_wake(leads, messages, clock), messages.rows, _state(leads))


def test_one_that_was_sent_stays_so_whatever_the_app_and_the_customer_have_by_then(
    leads: FakeLeads, messages: FakeMessages, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _die_behind_the_message(leads, messages, clock, monkeypatch)
    _change(leads, lambda found: next_version(found, customer=replace(found.customer, phone=None)))
    clock.advance(5 * MINUTE)
    _wake(leads, messages, clock, FakeApps())

    assert ("sent", 1) == (_state(leads), len(messages.rows))


def test_a_closed_lead_is_not_reminded_of(leads: FakeLeads, messages: FakeMessages, clock: FakeClock) -> None:
    _close(leads)

    assert (0, {}) == (_wake(leads, messages, clock), messages.rows)


def test_an_erased_lead_is_not_reminded_of(leads: FakeLeads, messages: FakeMessages, clock: FakeClock) -> None:
    _change(leads, lambda found: next_version(found, forgotten=True))

    assert (0, {}) == (_wake(leads, messages, clock), messages.rows)


def test_a_stage_that_was_closed_meanwhile_counts(leads: FakeLeads, messages: FakeMessages, clock: FakeClock) -> None:
    leads.set_pipeline("mystore", Pipeline((Stage("Open"), Stage("New", closed=True)), 1))

    assert (0, {}) == (_wake(leads, messages, clock), messages.rows)
    assert _state(leads) is None


@pytest.mark.parametrize("apps", [[], [app(meta=None)]])
def test_an_app_without_a_number_is_told_so(
    leads: FakeLeads, messages: FakeMessages, clock: FakeClock, apps: list[object]
) -> None:
    house = FakeApps()
    for each in apps:
        house.add(each)  # type: ignore[arg-type]

    assert (0, {}) == (_wake(leads, messages, clock, house), messages.rows)
    assert "failed" == _state(leads)


def test_one_that_fails_does_not_hold_up_the_others(leads: FakeLeads, messages: FakeMessages, clock: FakeClock) -> None:
    leads.write([lead(OTHER_LEAD_ID, Customer("85291234567"))])
    reminder = FollowUp(1, DUE - 1, message=outbound(OTHER_ID))
    other = leads.rows["mystore", OTHER_LEAD_ID]
    leads.write([LeadChange(other, next_version(other, follow_up=reminder, follow_ups=1))])
    messages.fails("add", OSError("table"))

    assert 1 == _wake(leads, messages, clock)
    clock.advance(5 * MINUTE)
    assert 1 == _wake(leads, messages, clock)
    assert {MESSAGE_ID, OTHER_ID} == set(messages.rows)


def test_what_there_is_no_time_for_is_the_next_calls(
    leads: FakeLeads, messages: FakeMessages, clock: FakeClock
) -> None:
    assert (0, "waiting") == (_wake(leads, messages, clock, left=9_000), _state(leads))
    assert 1 == _wake(leads, messages, clock)
