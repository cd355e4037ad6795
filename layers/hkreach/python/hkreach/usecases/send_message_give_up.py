"""The end of a message that will not be sent."""

from aws_lambda_powertools import Logger

from hkreach.domain.message import MessageError, OutboundMessage, Status
from hkreach.domain.progress import Progress
from hkreach.ports import Messages

logger = Logger(service="hkreach", child=True)


def give_up(messages: Messages, message: OutboundMessage, now: int, error: MessageError) -> Progress:
    """Let it fail; but one that may have been sent before does not fail for not being sent again.

    While another worker has it the record stays: it may be the one that finds it if that worker dies.
    """
    if message.status is Status.UNKNOWN:
        return park(messages, message)
    return "done" if messages.record_failed(message.message_id, now, error) else 1


def park(messages: Messages, message: OutboundMessage) -> Progress:
    """Leave an unknown message what it is: from now on only Meta or the operator settles it."""
    messages.leave_unknown(message)
    tell_parked(message)
    return "done"


def tell_parked(message: OutboundMessage) -> None:
    """Say that it is the operator's now: an alarm counts this line."""
    logger.error("outcome is unknown and parked", message_id=message.message_id, app_name=message.app_name)
