"""The end of a message that will not be sent."""

from hkreach.domain.message import MessageError, OutboundMessage, Status
from hkreach.domain.progress import Progress
from hkreach.ports import Messages


def give_up(messages: Messages, message: OutboundMessage, now: int, error: MessageError) -> Progress:
    """Let it fail; but one that may have been sent before does not fail for not being sent again."""
    if message.status is Status.UNKNOWN:
        messages.leave_unknown(message)
    else:
        messages.record_failed(message.message_id, now, error)
    return "done"
