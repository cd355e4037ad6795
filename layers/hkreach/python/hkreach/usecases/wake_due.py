"""Put back on its queue what waits in the table and is due."""

from aws_lambda_powertools import Logger

from hkreach.domain.time import MINUTE
from hkreach.ports import Clock, Messages, SendQueue

logger = Logger(service="hkreach", child=True)

MOST_AT_ONCE = 2_000
_SECOND_CALL = 5 * MINUTE
"""A message that was woken and is not claimed by then is woken again: the queue may have lost it."""


def wake_due(*, messages: Messages, queue: SendQueue, now: Clock) -> int:
    """Queue the messages whose wait is over; returns how many.

    It queues first and writes afterwards: who dies between wakes a message twice, and never not at all.
    """
    due = sorted(messages.due(now(), MOST_AT_ONCE), key=lambda message: message.due_at)
    refused = {message.message_id for message in queue.put(due)}
    woken = [message for message in due if message.message_id not in refused]
    for message in woken:
        messages.wait_again(message, now() + _SECOND_CALL)
    if refused:
        logger.error("queue refused due messages", refused=len(refused))
    return len(woken)
