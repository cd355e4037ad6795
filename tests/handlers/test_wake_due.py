"""wake_due as Lambda runs it: the schedule's event in, due messages on the send queue."""

from tests.aws import SEND_NOW_QUEUE_URL, queued
from tests.builders import MESSAGE_ID, NOW, OTHER_ID, outbound
from tests.handlers.conftest import Stack, sample

EVERY_MINUTE = "wake_due/every_minute"


def test_what_is_due_goes_to_the_send_queue(stack: Stack) -> None:
    for message_id, due_at in ((MESSAGE_ID, 1_000), (OTHER_ID, NOW + 10**12)):
        stack.messages.add(outbound(message_id))
        stack.messages.postpone(outbound(message_id), NOW, "131016", due_at)

    assert {"woken": 1} == stack.invoke("wake_due", sample(EVERY_MINUTE))
    ((record),) = queued(SEND_NOW_QUEUE_URL)
    assert ({"messageId": MESSAGE_ID}, "mystore") == (record["Body"], record["Attributes"]["MessageGroupId"])
    assert {"woken": 0} == stack.invoke("wake_due", sample(EVERY_MINUTE))


def test_nothing_due_is_nothing_done(stack: Stack) -> None:
    assert {"woken": 0} == stack.invoke("wake_due", sample(EVERY_MINUTE))
    assert [] == queued(SEND_NOW_QUEUE_URL)
