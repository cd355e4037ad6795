"""wake_due as Lambda runs it: the schedule's event in, due messages on the send queue."""

from dataclasses import replace

from hkreach.domain.lead import FollowUp, LeadChange, next_version
from tests.aws import SEND_NOW_QUEUE_URL, queued
from tests.builders import LEAD_ID, MESSAGE_ID, NOW, OTHER_ID, OTHER_NUMBER, lead, outbound
from tests.handlers.conftest import Stack, sample

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
