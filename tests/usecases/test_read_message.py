"""read_message: an app sees its own messages; all others look as if they never were."""

import pytest

from hkreach.domain.errors import NotFound
from hkreach.domain.message import Resend, Status
from hkreach.domain.meta_outcome import NotSent
from hkreach.domain.time import DAY, HOUR, MINUTE, SECOND, to_rfc3339
from hkreach.usecases.read_message import read_message, timeline
from hkreach.usecases.wake_due import wake_due
from tests.builders import MESSAGE_ID, NOW, OTHER_ID, app, inbound, outbound
from tests.fakes.clock import FakeClock
from tests.fakes.inbound import FakeInbound
from tests.fakes.messages import FakeMessages
from tests.fakes.stores import FakeSendQueue
from tests.fakes.unsettled import FakeUnsettled
from tests.usecases.paced_house import PLENTY, House


@pytest.fixture(autouse=True)
def stored(messages: FakeMessages) -> None:
    messages.add(outbound())
    FakeInbound(messages).add(inbound(OTHER_ID))


def test_an_apps_own_message(messages: FakeMessages) -> None:
    assert outbound() == read_message(app(), MESSAGE_ID, messages=messages)


def test_all_others_are_refused_with_the_same_words(messages: FakeMessages, clock: FakeClock) -> None:
    told = set()
    for who, message_id in [(app("other"), MESSAGE_ID), (app(), OTHER_ID), (app(), MESSAGE_ID.upper()), (app(), "x")]:
        with pytest.raises(NotFound) as refused:
            read_message(who, message_id, messages=messages)
        told.add(refused.value.detail)
    clock.advance(90 * DAY)
    with pytest.raises(NotFound) as refused:
        read_message(app(), MESSAGE_ID, messages=messages)

    assert {refused.value.detail} == told


@pytest.mark.parametrize("message_id", ["x" * 3_000, "", "../../etc", "\0", "é"])
def test_what_cannot_be_an_id_is_not_even_looked_for(messages: FakeMessages, message_id: str) -> None:
    messages.calls.clear()

    with pytest.raises(NotFound):
        read_message(app(), message_id, messages=messages)
    assert [] == messages.calls


def _waiting(house: House, message_id: str) -> object:
    return timeline(house.message(message_id))["waiting"]


def test_its_next_try_is_not_moved_by_its_waking(paced: House) -> None:
    paced.busy(booked_at=NOW + HOUR)
    message_id = paced.add()
    paced.send(message_id)
    shown = _waiting(paced, message_id)
    paced.clock.advance(HOUR - 50 * SECOND)
    wake_due(messages=paced.messages, queue=FakeSendQueue(), now=paced.clock, time_left=PLENTY)

    assert (
        {
            "reason": "The app's number has as many messages to send as Meta takes from it in this time.",
            "nextTryAt": to_rfc3339(NOW + HOUR),
        }
        == shown
        == _waiting(paced, message_id)
    )


def test_a_wait_in_a_queue_shows_as_one_in_the_table_does(paced: House) -> None:
    paced.answers(*[NotSent("131016")] * 5)
    tried = paced.add()
    seconds = paced.send(tried)
    assert isinstance(seconds, int)
    assert {
        "reason": "Meta could not take it at the last try (131016).",
        "nextTryAt": to_rfc3339(NOW + seconds * SECOND),
    } == _waiting(paced, tried)

    for _ in range(4):
        paced.send()
    behind = paced.add()
    assert isinstance(paced.send(behind), int)
    assert {
        "reason": "Meta could not take other messages (131016): it is tried again with one, and then with all.",
        "nextTryAt": to_rfc3339(NOW + 15 * SECOND),
    } == _waiting(paced, behind)


def test_at_the_numbers_pace_it_is_in_the_queue(paced: House) -> None:
    """A write for each message of a campaign would cost more than it tells."""
    paced.busy(live_at=NOW + 3_001, booked_at=NOW + 30_000)
    message_id = paced.add()

    assert 30 == paced.send(message_id)
    assert {"reason": "It is in the queue."} == _waiting(paced, message_id)


@pytest.mark.parametrize("by", ["policy", "operator"])
def test_an_unknown_one_with_leave_shows_when_it_is_sent_again(messages: FakeMessages, by: str) -> None:
    claim = messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
    assert claim is not None
    messages.record_unknown(MESSAGE_ID, claim, NOW, NOW + HOUR)
    at = NOW + HOUR
    if by == "operator":
        at = NOW + MINUTE
        assert FakeUnsettled(messages).resend(MESSAGE_ID, "mystore", at)
    message = messages.rows[MESSAGE_ID].message

    assert (Status.UNKNOWN, Resend(at, by)) == (message.status, message.resend)  # type: ignore[arg-type]
    assert to_rfc3339(at) == timeline(message)["waiting"]["nextTryAt"]
