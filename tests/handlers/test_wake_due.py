"""wake_due as Lambda runs it: the schedule's event in, due messages on the send queue."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from hkreach.domain.lead import FollowUp, LeadChange, next_version
from hkreach.domain.message import DueMessage
from tests.aws import SEND_NOW_QUEUE_URL, queued
from tests.builders import LEAD_ID, MESSAGE_ID, NOW, OTHER_ID, OTHER_NUMBER, lead, outbound
from tests.handlers.conftest import Context, Stack, sample

EVERY_MINUTE = "wake_due/every_minute"


def test_what_is_due_goes_to_the_send_queue(stack: Stack) -> None:
    for message_id, due_at in ((MESSAGE_ID, 1_000), (OTHER_ID, NOW + 10**12)):
        stack.messages.add(outbound(message_id))
        stack.messages.postpone(outbound(message_id), NOW, "131016", due_at)

    assert {"woken": 1, "reminded": 0, "deliveries": 0} == stack.invoke("wake_due", sample(EVERY_MINUTE))
    ((record),) = queued(SEND_NOW_QUEUE_URL)
    assert ({"messageId": MESSAGE_ID}, "mystore") == (record["Body"], record["Attributes"]["MessageGroupId"])
    assert {"woken": 0, "reminded": 0, "deliveries": 0} == stack.invoke("wake_due", sample(EVERY_MINUTE))


def test_nothing_due_is_nothing_done(stack: Stack) -> None:
    assert {"woken": 0, "reminded": 0, "deliveries": 0} == stack.invoke("wake_due", sample(EVERY_MINUTE))
    assert [] == queued(SEND_NOW_QUEUE_URL)


def test_a_reminder_that_is_due_becomes_a_message_once(stack: Stack) -> None:
    stack.add_app()
    reminder = FollowUp(1, NOW, message=outbound(phone_number_id=OTHER_NUMBER))
    stack.leads.write([lead()])
    stack.leads.write([LeadChange(lead().after, next_version(lead().after, follow_up=reminder, follow_ups=1))])

    assert {"woken": 0, "reminded": 1, "deliveries": 0} == stack.invoke("wake_due", sample(EVERY_MINUTE))
    assert outbound() == stack.messages.get(MESSAGE_ID), "from the number that the app has now"
    after = stack.leads.get("mystore", LEAD_ID)
    assert after is not None
    assert replace(reminder, state="sent", tried_at=NOW, ended_at=NOW) == after.follow_up
    assert {"woken": 0, "reminded": 0, "deliveries": 0} == stack.invoke("wake_due", sample(EVERY_MINUTE))


@pytest.mark.parametrize("failing", ["messages", "leads", "deliveries", "healths"])
def test_a_job_that_fails_stops_no_other_and_is_told(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """Of what each job finds due; the error makes the alarm."""
    function, asked = stack.functions["wake_due"], []

    def due(name: str) -> list[object]:
        asked.append(name)
        if name == failing:
            raise OSError(f"{name} table")
        return []

    for name in ("messages", "leads", "deliveries", "healths"):
        monkeypatch.setattr(getattr(function, name), "due", lambda *_, name=name: due(name))

    with pytest.raises(OSError, match=f"{failing} table"):
        stack.invoke("wake_due", sample(EVERY_MINUTE))
    not_reached = {"healths"} if failing == "deliveries" else set()
    assert {"messages", "leads", "deliveries", "healths"} - not_reached == set(asked)


def test_messages_have_the_time_of_the_function_but_for_the_end(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each hundred takes a second: 4,800 are due, as of a number of 80 a second; at least 35 of its 50 s are theirs."""

    class Slow:
        milliseconds_left, batches = 50_000, 0

        def put(self, messages: Sequence[DueMessage], delays: Mapping[str, int]) -> Sequence[DueMessage]:
            self.batches += 1
            self.milliseconds_left -= 1_000
            return []

    class Due:
        def due(self, until: int, most: int) -> Sequence[DueMessage]:
            return [DueMessage(f"m-{number}", "mystore", NOW) for number in range(4_800)]

        def wait_again(self, message: DueMessage, until: int) -> None:
            pass

    slow, context = Slow(), Context()
    context.get_remaining_time_in_millis = lambda: slow.milliseconds_left
    monkeypatch.setattr(stack.functions["wake_due"], "messages", Due())
    monkeypatch.setattr(stack.functions["wake_due"], "queue", slow)

    assert stack.invoke("wake_due", sample(EVERY_MINUTE), context)["woken"] >= 3_500
    assert slow.batches >= 35
