"""receive_meta: what Meta says of an account only after it took the message stops the number, as its answer does."""

from typing import Any

import pytest

from hkreach.domain.breaker import Breaker
from hkreach.domain.message import Status
from hkreach.domain.time import HOUR, MINUTE, SECOND
from hkreach.usecases.receive_meta import ReceiveMeta
from tests.builders import LIMITS, NUMBER
from tests.fakes.inbound import FakeInbound
from tests.fakes.secrets import FakeMetaApp
from tests.fakes.stores import FakeStatusQueue
from tests.usecases.meta_callbacks import SECRET, body_of, call, status_node, value_of
from tests.usecases.paced_house import House


@pytest.fixture
def receive(paced: House) -> ReceiveMeta:
    """Beside the senders, with what they share."""
    inbound, statuses = FakeInbound(paced.messages, paced.clock), FakeStatusQueue()
    return ReceiveMeta(
        paced.messages, paced.apps, FakeMetaApp(SECRET), paced.clock, paced.numbers, inbound, statuses, LIMITS
    )


def _failed(paced: House, *message_ids: str, code: int = 131042, ago: int = 0) -> bytes:
    timestamp = str((paced.clock() - ago) // SECOND)
    error = {"code": code, "title": "Business eligibility payment issue"}
    nodes = [
        status_node("failed", message_id, id=paced.message(message_id).wamid, timestamp=timestamp, errors=[error])
        for message_id in message_ids
    ]
    return body_of(value_of(statuses=nodes))


def _sent(paced: House, count: int = 1) -> list[str]:
    message_ids = [paced.add() for _ in range(count)]
    for message_id in message_ids:
        paced.send(message_id)
    return message_ids


def _breaker(paced: House) -> Breaker:
    return paced.numbers.number(NUMBER, lambda state: (state, state.breaker))


def test_a_halt_that_comes_late_keeps_the_next_messages_until_it_is_over(paced: House, receive: ReceiveMeta) -> None:
    (first,) = _sent(paced)
    call(receive, _failed(paced, first))
    waiting = _sent(paced, 3)

    assert (Status.FAILED, [first]) == (paced.message(first).status, paced.called())
    assert {Status.QUEUED} == {paced.message(message_id).status for message_id in waiting}
    assert {"halted:131042"} == {paced.waits(message_id)[1] for message_id in waiting}
    paced.clock.advance(HOUR)
    paced.send(waiting[0])
    assert [first, waiting[0]] == paced.called(), "one asks Meta again"


def test_the_operator_lets_it_go_on_and_a_repeated_callback_does_not_stop_it_again(
    paced: House, receive: ReceiveMeta
) -> None:
    (first,) = _sent(paced)
    body = _failed(paced, first)
    call(receive, body)
    paced.administer.resume_number("mystore")
    assert {"repeated": 1} == call(receive, body)

    (second,) = _sent(paced)
    assert [first, second] == paced.called()


def test_an_error_from_before_a_halt_would_be_over_stops_nothing(paced: House, receive: ReceiveMeta) -> None:
    (first,) = _sent(paced)
    call(receive, _failed(paced, first, ago=LIMITS.halted * SECOND + MINUTE))

    assert _breaker(paced).is_closed


def test_it_is_stopped_once_for_a_callback_and_only_as_long_as_an_answer_would(
    paced: House, receive: ReceiveMeta
) -> None:
    message_ids = _sent(paced, 5)
    paced.numbers.writes.clear()
    call(receive, _failed(paced, *message_ids, ago=10 * SECOND))

    assert [f"number#{NUMBER}"] == paced.numbers.writes
    assert LIMITS.halted - 11 <= (_breaker(paced).open_until - paced.clock()) // SECOND <= LIMITS.halted - 10


def test_an_error_of_the_account_that_it_was_too_fast_slows_the_number_once(paced: House, receive: ReceiveMeta) -> None:
    (first,) = _sent(paced)
    before = paced.numbers.number(NUMBER, lambda state: (state, state.pace.rate(paced.clock())))
    rates = []
    for title in ("Rate limit hit", "Rate limit hit."):
        call(receive, body_of(value_of(errors=[{"code": 130429, "title": title}])))
        rates.append(paced.numbers.number(NUMBER, lambda state: (state, state.pace.rate(paced.clock()))))

    assert [before / 2, before / 2] == rates
    paced.clock.advance(5 * SECOND)
    call(receive, _failed(paced, first, code=130429, ago=5 * SECOND))
    assert 5 * SECOND == paced.clock() - paced.numbers.number(NUMBER, lambda state: (state, state.pace.cut_at))


@pytest.mark.parametrize("code", [131026, 131056, 131016])
def test_what_is_the_messages_own_trouble_or_passes_stops_no_number(
    paced: House, receive: ReceiveMeta, code: int
) -> None:
    (first,) = _sent(paced)
    paced.numbers.calls.clear()
    call(receive, _failed(paced, first, code=code))

    assert (Status.FAILED, []) == (paced.message(first).status, paced.numbers.calls)


def test_a_number_that_cannot_be_stopped_hides_no_status(paced: House, receive: ReceiveMeta) -> None:
    (first,) = _sent(paced)
    paced.numbers.fails("number", OSError("the table"))

    assert {"recorded": 1} == call(receive, _failed(paced, first))
    assert Status.FAILED == paced.message(first).status


def test_an_early_status_stops_its_number_when_it_is_found(paced: House, receive: ReceiveMeta) -> None:
    statuses: Any = receive.statuses
    error = {"code": 131042, "title": "Business eligibility payment issue"}
    node = status_node("failed", id="wamid.1", timestamp=str(paced.clock() // SECOND), errors=[error])
    del node["biz_opaque_callback_data"]
    call(receive, body_of(value_of(statuses=[node])))
    (first,) = _sent(paced)
    assert ("wamid.1", True) == (paced.message(first).wamid, _breaker(paced).is_closed)

    assert "done" == receive.look_again(statuses.queued[0])
    assert "131042" == _breaker(paced).code
