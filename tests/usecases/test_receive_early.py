"""receive_meta: a status without the echo that comes before Meta's id is known is looked for again, and not lost."""

from typing import Any

import pytest

from hkreach.domain.message import Claim, Status
from hkreach.domain.progress import Progress
from hkreach.domain.time import SECOND
from hkreach.usecases.receive_meta import ReceiveMeta
from tests.builders import MESSAGE_ID, NOW, OTHER_NUMBER, WAMID
from tests.fakes.clock import FakeClock
from tests.fakes.messages import FakeMessages
from tests.fakes.stores import FakeStatusQueue
from tests.usecases.meta_callbacks import body_of, call, status_node, value_of


def _body(number: str | None = None, **parts: Any) -> bytes:
    node = status_node("failed", id=WAMID, timestamp=str(NOW // SECOND), errors=[{"code": 131026, "title": "No"}])
    del node["biz_opaque_callback_data"]
    return body_of(value_of(*(number,) if number else (), statuses=[node | parts]))


@pytest.fixture
def claim(messages: FakeMessages) -> Claim:
    """The message is on its way to Meta."""
    claim = messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
    assert claim is not None
    return claim


def _looks(receive: ReceiveMeta, statuses: FakeStatusQueue, clock: FakeClock) -> list[Progress]:
    """What each look at the one early status says, the waits between them kept, until it is done."""
    (early,), looks = statuses.queued, list[Progress]()
    clock.advance(5 * SECOND)
    while not looks or looks[-1] != "done":
        looks.append(receive.look_again(early))
        clock.advance(looks[-1] * SECOND if isinstance(looks[-1], int) else 0)
    return looks


def test_it_is_recorded_when_our_own_answer_was_written(
    receive: ReceiveMeta, messages: FakeMessages, statuses: FakeStatusQueue, clock: FakeClock, claim: Claim
) -> None:
    assert {"early": 1} == call(receive, _body())
    messages.record_accepted(MESSAGE_ID, claim, NOW, WAMID)

    assert ["done"] == _looks(receive, statuses, clock)
    message = messages.rows[MESSAGE_ID].message
    assert (Status.FAILED, "131026") == (message.status, message.error and message.error.code)
    assert ["done"] == _looks(receive, statuses, clock), "a record that comes twice does no harm"


def test_it_is_looked_for_during_three_minutes(
    receive: ReceiveMeta, statuses: FakeStatusQueue, clock: FakeClock, claim: Claim
) -> None:
    call(receive, _body())

    assert [5, 10, 20, 40, 60, 60, "done"] == _looks(receive, statuses, clock)


def test_a_look_that_fails_is_the_queues_to_repeat(
    receive: ReceiveMeta, messages: FakeMessages, statuses: FakeStatusQueue, claim: Claim
) -> None:
    call(receive, _body())
    messages.fails("record_status", OSError("the table"))

    with pytest.raises(OSError, match="the table"):
        receive.look_again(statuses.queued[0])
    assert 5 == receive.look_again(statuses.queued[0])


def test_what_the_queue_refuses_is_metas_to_repeat_and_its_neighbours_are_written(
    receive: ReceiveMeta, messages: FakeMessages, statuses: FakeStatusQueue
) -> None:
    statuses.refuses, body = True, _body().replace(b'"statuses": [', b'"statuses": [%b, ' % _sent())

    with pytest.raises(OSError, match="early status"):
        call(receive, body)
    assert Status.SENT in messages.rows[MESSAGE_ID].message.facts
    statuses.refuses = False
    assert {"repeated": 1, "early": 1} == call(receive, body)


def _sent() -> bytes:
    return body_of(value_of(statuses=[status_node("sent")])).partition(b'"statuses": [')[2].partition(b"]")[0]


@pytest.mark.parametrize(
    "body",
    [
        _body(biz_opaque_callback_data="order-7"),
        _body(biz_opaque_callback_data="00000000-5717-4562-b3fc-2c963f66afa6"),
        _body(OTHER_NUMBER),
    ],
    ids=["another system's echo", "another stack's echo", "a number of no app"],
)
def test_what_cannot_be_of_a_call_of_ours_is_not_looked_for(
    receive: ReceiveMeta, statuses: FakeStatusQueue, body: bytes
) -> None:
    assert ({"unknown": 1}, []) == (call(receive, body), statuses.queued)
