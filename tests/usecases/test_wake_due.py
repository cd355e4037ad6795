"""wake_due: whatever is due is put on its queue, first and again if need be; what is not due is left."""

from dataclasses import replace

import pytest

from hkreach.domain.time import MINUTE
from hkreach.usecases.wake_due import wake_due
from tests.builders import MESSAGE_ID, NOW, OTHER_ID, outbound
from tests.fakes.clock import FakeClock
from tests.fakes.messages import FakeMessages
from tests.fakes.stores import FakeSendQueue


@pytest.fixture(autouse=True)
def waiting(messages: FakeMessages) -> None:
    messages.add(outbound())
    messages.add(outbound(OTHER_ID))
    messages.postpone(outbound(), NOW, "131016", NOW + 2_000)
    messages.postpone(outbound(OTHER_ID), NOW, "131016", NOW + 1_000)


def _wake(messages: FakeMessages, clock: FakeClock, queue: FakeSendQueue) -> tuple[int, list[str]]:
    return wake_due(messages=messages, queue=queue, now=clock), [m.message_id for m in queue.queued]


def test_nothing_is_woken_before_its_time(messages: FakeMessages, clock: FakeClock) -> None:
    assert (0, []) == _wake(messages, clock, FakeSendQueue())


def test_what_is_due_is_woken_the_longest_waiting_first(messages: FakeMessages, clock: FakeClock) -> None:
    clock.advance(2_000)

    assert (2, [OTHER_ID, MESSAGE_ID]) == _wake(messages, clock, FakeSendQueue())
    assert (0, []) == _wake(messages, clock, FakeSendQueue())


def test_what_the_queue_lost_is_woken_again_and_what_was_claimed_is_not(
    messages: FakeMessages, clock: FakeClock
) -> None:
    clock.advance(2_000)
    _wake(messages, clock, FakeSendQueue())
    messages.claim(OTHER_ID, clock(), clock() + 25_000)
    clock.advance(5 * MINUTE)

    assert (1, [MESSAGE_ID]) == _wake(messages, clock, FakeSendQueue())


def test_what_the_queue_refuses_stays_due(messages: FakeMessages, clock: FakeClock) -> None:
    clock.advance(2_000)

    assert (1, [OTHER_ID]) == _wake(messages, clock, FakeSendQueue(refuses=frozenset({MESSAGE_ID})))
    assert (1, [MESSAGE_ID]) == _wake(messages, clock, FakeSendQueue())


def test_who_dies_after_queueing_wakes_twice_and_never_not_at_all(messages: FakeMessages, clock: FakeClock) -> None:
    clock.advance(1_000)
    messages.fails("wait_again", OSError("killed"))
    with pytest.raises(OSError, match="killed"):
        _wake(messages, clock, FakeSendQueue())

    assert (1, [OTHER_ID]) == _wake(messages, clock, FakeSendQueue())


def test_a_wait_that_was_changed_meanwhile_is_left_as_it_is(messages: FakeMessages, clock: FakeClock) -> None:
    clock.advance(1_000)
    (due,) = messages.due(clock(), 10)
    messages.wait_again(replace(due, due_at=due.due_at - 1), 0)

    assert [due] == messages.due(clock(), 10)
