"""wake_due: what falls due is queued for its second, one-time codes first, round the apps; who dies wakes it again."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from hkreach.domain.message import SendPurpose
from hkreach.domain.time import MINUTE
from hkreach.usecases.wake_due import MOST_AT_ONCE, wake_due
from tests.builders import MESSAGE_ID, NOW, OTHER_ID, outbound
from tests.fakes.clock import FakeClock
from tests.fakes.messages import FakeMessages
from tests.fakes.stores import FakeSendQueue

PLENTY: Callable[[], int] = lambda: 50_000  # noqa: E731 - a name for an argument
EARLY = NOW - MINUTE
"""The call before the one that finds them."""


@pytest.fixture(autouse=True)
def waiting(messages: FakeMessages, clock: FakeClock) -> None:
    _wait(messages, MESSAGE_ID, NOW + 2_000)
    _wait(messages, OTHER_ID, NOW + 500)
    clock.now = EARLY


def _wait(messages: FakeMessages, message_id: str, due_at: int, **parts: object) -> None:
    messages.add(outbound(message_id, **parts))
    messages.wait(outbound(message_id, **parts), due_at, "number_rate")


def _wake(messages: FakeMessages, clock: FakeClock, queue: FakeSendQueue) -> tuple[int, list[str]]:
    woken = wake_due(messages=messages, queue=queue, now=clock, time_left=PLENTY)
    return woken, [message.message_id for message in queue.queued]


def test_nothing_is_woken_before_its_minute(messages: FakeMessages, clock: FakeClock) -> None:
    assert (0, []) == _wake(messages, clock, FakeSendQueue())


def test_what_falls_due_in_the_next_minute_is_delayed_to_its_second(messages: FakeMessages, clock: FakeClock) -> None:
    clock.now, queue = NOW - 10_000, FakeSendQueue()

    assert (2, [OTHER_ID, MESSAGE_ID]) == _wake(messages, clock, queue)
    assert {OTHER_ID: 11, MESSAGE_ID: 12} == queue.delays, "never before its time"
    assert (0, []) == _wake(messages, clock, FakeSendQueue())


def test_what_is_overdue_is_not_delayed(messages: FakeMessages, clock: FakeClock) -> None:
    clock.now, queue = NOW + MINUTE, FakeSendQueue()
    _wake(messages, clock, queue)

    assert {OTHER_ID: 0, MESSAGE_ID: 0} == queue.delays


def test_what_the_queue_lost_is_woken_again_and_what_was_sent_is_not(messages: FakeMessages, clock: FakeClock) -> None:
    clock.now = NOW
    _wake(messages, clock, FakeSendQueue())
    claim = messages.claim(OTHER_ID, clock(), clock() + 25_000)
    assert claim is not None
    messages.record_accepted(OTHER_ID, claim, clock(), "wamid.1")
    clock.advance(5 * MINUTE)

    assert (1, [MESSAGE_ID]) == _wake(messages, clock, FakeSendQueue())


def test_a_claim_that_came_to_no_end_is_woken_too(messages: FakeMessages, clock: FakeClock) -> None:
    clock.now = NOW
    _wake(messages, clock, FakeSendQueue())
    messages.claim(OTHER_ID, clock(), clock() + 25_000)
    clock.advance(5 * MINUTE)

    assert (2, [OTHER_ID, MESSAGE_ID]) == _wake(messages, clock, FakeSendQueue())


def test_what_the_queue_refuses_stays_due(messages: FakeMessages, clock: FakeClock) -> None:
    clock.now = NOW

    assert (1, [OTHER_ID]) == _wake(messages, clock, FakeSendQueue(refuses=frozenset({MESSAGE_ID})))
    assert (1, [MESSAGE_ID]) == _wake(messages, clock, FakeSendQueue())


def test_who_dies_after_queueing_wakes_twice_and_never_not_at_all(messages: FakeMessages, clock: FakeClock) -> None:
    clock.now = NOW
    messages.fails("wait_again", OSError("killed"))
    with pytest.raises(OSError, match="killed"):
        _wake(messages, clock, FakeSendQueue())

    assert (2, [OTHER_ID, MESSAGE_ID]) == _wake(messages, clock, FakeSendQueue())


def test_a_wait_that_was_changed_meanwhile_is_left_as_it_is(messages: FakeMessages, clock: FakeClock) -> None:
    clock.now = NOW + 500
    (due,) = messages.due(clock(), 10)
    messages.wait_again(replace(due, due_at=due.due_at - 1), 0)

    assert [due] == list(messages.due(clock(), 10))


def test_codes_go_first_and_the_apps_take_turns(messages: FakeMessages, clock: FakeClock) -> None:
    def add(name: str, app_name: str, due_at: int, purpose: SendPurpose = "utility") -> str:
        message_id = f"{name:0>8}-5717-4562-b3fc-2c963f66afa6"
        _wait(messages, message_id, due_at, app_name=app_name, purpose=purpose)
        return message_id

    shop = [add(f"a{n}", "shop", NOW + n, "marketing") for n in range(3)]
    bank = [add(f"b{n}", "bank", NOW + 1_000 + n) for n in range(2)]
    code = add("c", "bank", NOW + 1_900, "authentication")
    clock.now, queue = NOW, FakeSendQueue()
    _, woken = _wake(messages, clock, queue)

    assert [code, shop[0], OTHER_ID, bank[0], shop[1], MESSAGE_ID, bank[1], shop[2]] == woken
    assert {"now", "bulk"} == {message.lane for message in queue.queued}


def _backlog(messages: FakeMessages, count: int) -> None:
    """Of one app, and overdue."""
    for number in range(count):
        message_id = f"{number:08}-5717-4562-b3fc-2c963f66afa6"
        messages.add(outbound(message_id, app_name="big", purpose="marketing", due_at=NOW - 600_000 + number))


def test_a_code_goes_before_more_than_can_be_read_at_once(messages: FakeMessages, clock: FakeClock) -> None:
    _backlog(messages, MOST_AT_ONCE + 500)
    code = "c0de0000-5717-4562-b3fc-2c963f66afa6"
    _wait(messages, code, NOW + 30_000, app_name="bank", purpose="authentication")
    clock.now, queue = NOW, FakeSendQueue()
    woken, order = _wake(messages, clock, queue)

    assert (MOST_AT_ONCE + 503, code) == (woken, order[0])
    assert len(order) == len(set(order))


def test_one_apps_backlog_of_hours_does_not_hold_up_another_app(messages: FakeMessages, clock: FakeClock) -> None:
    _backlog(messages, 2 * MOST_AT_ONCE)
    clock.now, queue, left = NOW, FakeSendQueue(), iter([50_000] * 15)
    wake_due(messages=messages, queue=queue, now=clock, time_left=lambda: next(left, 0))

    assert {MESSAGE_ID, OTHER_ID} <= {message.message_id for message in queue.queued}
    assert 1_500 == len(queue.queued), "there was time for a small part"


def test_what_there_is_no_time_for_is_the_next_calls(messages: FakeMessages, clock: FakeClock) -> None:
    clock.now, queue = NOW, FakeSendQueue()
    left: Iterator[int] = iter((9_000,))

    assert 0 == wake_due(messages=messages, queue=queue, now=clock, time_left=lambda: next(left))
    assert [] == queue.queued
    assert (2, [OTHER_ID, MESSAGE_ID]) == _wake(messages, clock, queue)
