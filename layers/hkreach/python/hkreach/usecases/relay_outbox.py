"""Put new messages on their queues: with a file to fetch or a large one on the media queue, else on their lane.

A customer's message with a file goes to the media queue too: the file is still Meta's.
"""

from collections.abc import Sequence

from hkreach.domain.change import Change
from hkreach.domain.inbound import InboundMessage
from hkreach.domain.message import DueMessage, OutboundMessage
from hkreach.ports import SendQueue


def relay_outbox(changes: Sequence[Change], *, queue: SendQueue) -> frozenset[str]:
    """Queue each new message that has to go on; returns the sequence numbers of those to be relayed again.

    To relay twice is harmless: the second finds the message claimed or settled.
    """
    new: dict[str, tuple[OutboundMessage | DueMessage, str]] = {}
    for change in changes:
        message = _to_queue(change)
        if message is not None:
            new[message.message_id] = message, change.sequence_number
    refused = queue.put([message for message, _ in new.values()])
    return frozenset(new[message.message_id][1] for message in refused)


def _to_queue(change: Change) -> OutboundMessage | DueMessage | None:
    message = change.after if change.before is None else None
    match message:
        case OutboundMessage():
            return message
        case InboundMessage() if not message.is_complete:
            return DueMessage(message.message_id, message.app_name, message.received_at, waits_for=message.waits_for)
    return None
