"""The end of a message that will not be sent."""

from hkreach.domain.message import MessageError, OutboundMessage, Status
from hkreach.domain.progress import Progress
from hkreach.ports import Messages


def give_up(messages: Messages, message: OutboundMessage, now: int, error: MessageError) -> Progress:
    """Let it fail; but one that may have been sent before does not fail for not being sent again.

    While another worker has it the record stays: it may be the one that finds it if that worker dies.
    """
    if message.status is Status.UNKNOWN:
        messages.leave_unknown(message)
        return "done"
    return "done" if messages.record_failed(message.message_id, now, error) else 1
