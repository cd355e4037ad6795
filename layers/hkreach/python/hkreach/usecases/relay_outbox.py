"""Put new messages on their queues: with a file to fetch or a large one on the media queue, else on their lane."""

from collections.abc import Sequence

from hkreach.domain.change import Change
from hkreach.domain.message import OutboundMessage
from hkreach.ports import SendQueue


def relay_outbox(changes: Sequence[Change], *, queue: SendQueue) -> frozenset[str]:
    """Queue each new outbound message; returns the sequence numbers of those to be relayed again.

    To relay twice is harmless: the second finds the message claimed or settled.
    """
    new = {
        change.after.message_id: (change.after, change.sequence_number)
        for change in changes
        if change.before is None and isinstance(change.after, OutboundMessage)
    }
    refused = queue.put([message for message, _ in new.values()])
    return frozenset(new[message.message_id][1] for message in refused)
