"""send_message when Meta refuses: who waits for whom, and what is called all the same."""

from dataclasses import replace

import pytest

from hkreach.domain.message import Status
from hkreach.domain.meta_outcome import Halted, NotSent, Outcome
from hkreach.domain.progress import Progress
from hkreach.domain.time import HOUR, SECOND, to_rfc3339
from hkreach.usecases.administer import NewMetaAccount
from hkreach.usecases.read_message import timeline
from tests.builders import NOW, NUMBER, OTHER_NUMBER
from tests.usecases.paced_house import TORN, House

WHOLE = {"more": False, "next": None}


@pytest.fixture
def house(paced: House) -> House:
    return paced


def test_too_fast_means_a_slot_and_half_the_rate_for_all(house: House) -> None:
    house.answers(NotSent("130429"))
    first = house.add()

    assert 1 <= _seconds(house.send(first)) <= 2
    assert 38 == house.numbers.states[f"number#{NUMBER}"].pace.rate(NOW)
    assert "done" == house.send(), "the others go on"
    house.clock.advance(2 * SECOND)
    assert "done" == house.send(first, receives=2)


def _seconds(progress: Progress) -> int:
    assert isinstance(progress, int)
    return progress


@pytest.mark.parametrize("code", ["130429", "131016", "17"])
def test_retry_after_is_honoured(house: House, code: str) -> None:
    house.answers(NotSent(code, 40), NotSent(code, 4_000))
    message_id = house.add()

    assert 40 == house.send()
    house.clock.advance(40 * SECOND)
    assert "done" == house.send(message_id)
    assert (4_040_000, None) == house.waits(message_id)


def test_the_second_unknown_opens_and_the_third_message_is_not_called(house: House) -> None:
    house.answers(TORN, TORN)
    house.send(batch=10)
    house.send(batch=10)
    third, fourth = house.add(), house.add()

    assert 15 == house.send(third, batch=10)
    assert 2 == len(house.meta.sent)
    house.clock.advance(15 * SECOND)
    house.meta.while_sending = lambda: assert_waits(house, fourth)
    assert "done" == house.send(third, receives=2)
    house.meta.while_sending = lambda: None
    house.clock.advance(25 * SECOND)
    assert ("done", 4) == (house.send(fourth, receives=2), len(house.meta.sent))


def assert_waits(house: House, message_id: str) -> None:
    """While the probe is on its way the others wait for it."""
    house.meta.while_sending = lambda: None
    assert 25 == house.send(message_id), "as long as a probe may take"
    assert 3 == len(house.meta.sent)


def test_a_halted_number_makes_one_refused_call_and_the_others_say_why_they_wait(house: House) -> None:
    house.answers(Halted("190"))
    house.send()
    others = [house.add() for _ in range(20)]

    assert ["done"] * 20 == [house.send(message_id) for message_id in others]
    assert 1 == len(house.meta.sent)
    assert "halted:190" == house.waits(others[7])[1]
    waiting = timeline(house.message(others[7]))["waiting"]
    assert (
        "Meta refuses the app's account (code 190): the operator of this stack has to mend that." == waiting["reason"]
    )
    assert to_rfc3339(NOW + 300 * SECOND) == waiting["nextTryAt"]
    assert "done" == house.send(app_name="other", phone_number_id=OTHER_NUMBER)
    assert 2 == len(house.meta.sent), "another number is none of its business"


def test_what_meta_forbids_to_repeat_is_not_repeated_and_says_so(house: House) -> None:
    house.answers(Halted("131048"))
    first, second = house.add(), house.add()
    house.send(first)
    for _ in range(20):  # each wait's end is the next look
        house.send(second)
        house.clock.advance(HOUR)
    house.send(first)

    assert 1 == len(house.meta.sent)
    reason = "Meta refuses the app's account (code 131048), and is not asked again until this stack's operator says so."
    assert [{"reason": reason}] * 2 == [
        timeline(house.message(message_id))["waiting"] for message_id in (first, second)
    ]


@pytest.mark.parametrize("by", ["token", "operator"])
def test_a_changed_token_or_the_operator_resumes_it_at_once(house: House, by: str) -> None:
    house.answers(Halted("190"))
    first, second = house.add(), house.add()
    house.send(first)
    house.send(second)
    if by == "token":
        house.administer.set_meta_account("mystore", NewMetaAccount(NUMBER, "1", "EAAanother"))
    else:
        shown = house.administer.resume_number("mystore")
        assert {"phoneNumberId": NUMBER, "wasStopped": True, "code": "190", "resumed": 2, **WHOLE} == shown
    third = house.add()

    assert ["done"] * 3 == [house.send(message_id) for message_id in (third, first, second)]
    assert [first, third, first, second] == house.called()


def test_resuming_what_was_not_stopped_changes_nothing(house: House) -> None:
    shown = house.administer.resume_number("mystore")

    assert {"phoneNumberId": NUMBER, "wasStopped": False, "code": None, "resumed": 0, **WHOLE} == shown
    assert [] == house.numbers.writes


def test_131056_waits_and_only_that_customer(house: House) -> None:
    house.answers(NotSent("131056"))
    first = house.add(to="a")
    assert isinstance(house.send(first), int)
    second, third = house.add(to="a"), house.add(to="a")

    assert [1, 9] == [house.send(second), house.send(third)]
    assert [(1_000, "pair_rate"), (8_500, "pair_rate")] == [house.waits(second), house.waits(third)]
    reason = timeline(house.message(second))["waiting"]["reason"]
    assert "Meta takes one message in six seconds to the same recipient." == reason
    assert "done" == house.send()
    house.clock.advance(SECOND)
    assert ["done", 15] == [house.send(message_id, receives=2) for message_id in (second, first)]
    house.clock.advance(15 * SECOND)
    assert ["done", "done"] == [house.send(message_id, receives=2) for message_id in (third, first)]


def test_throughput_is_asked_once_an_hour_and_only_when_messages_have_to_wait(house: House) -> None:
    house.meta.granted = 1_000
    house.send()
    assert [] == house.meta.asked
    house.busy(live_at=NOW + 2_500)
    house.send()

    assert ([(NUMBER, "EAAtoken")], 1_000) == (
        house.meta.asked, house.numbers.states[f"number#{NUMBER}"].pace.granted
    )  # fmt: skip
    house.busy(live_at=house.clock() + 2_500, granted_at=house.clock() - HOUR)
    house.send()
    assert 1 == len(house.meta.asked)
    house.apps.apps["mystore"] = replace(house.apps.apps["mystore"], messages_per_second=5)
    house.busy(live_at=house.clock() + 2_500)
    house.send()
    assert 1 == len(house.meta.asked), "an app's own setting needs no asking"


def test_meta_that_does_not_say_leaves_it_as_it_was(house: House) -> None:
    house.busy(live_at=NOW + 2_500)
    house.send()

    assert (1, 80) == (len(house.meta.asked), house.numbers.states[f"number#{NUMBER}"].pace.granted)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(TORN, Status.UNKNOWN), (NotSent("130429"), Status.QUEUED), (Halted("190"), Status.QUEUED)],
)
def test_a_table_that_fails_when_told_does_not_lose_the_outcome(house: House, outcome: Outcome, status: Status) -> None:
    message_id = house.add()
    house.answers(outcome)
    house.meta.while_sending = lambda: house.numbers.fails("number", OSError("table"))
    house.send(message_id)

    message = house.message(message_id)
    assert (status, None, 1) == (message.status, message.claim, len(message.attempts))
