"""One record of the messages table's stream, in the domain's words."""

from dataclasses import dataclass

from hkreach.domain.inbound import InboundMessage, MetaNews
from hkreach.domain.message import OutboundMessage


@dataclass(frozen=True, slots=True)
class Change:
    """A message before (None: it is new) and after one write. `sequence_number` is the stream's."""

    sequence_number: str
    before: OutboundMessage | InboundMessage | MetaNews | None
    after: OutboundMessage | InboundMessage | MetaNews
