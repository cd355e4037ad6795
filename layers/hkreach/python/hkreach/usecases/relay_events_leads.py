"""What the streams tell of leads: a customer's first message makes one, and each move is an event."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from hkreach.domain.change import Change
from hkreach.domain.errors import Conflict
from hkreach.domain.event import moved_event
from hkreach.domain.inbound import InboundMessage
from hkreach.domain.lead import BY_THE_CUSTOMER, Customer, Move
from hkreach.ports import EventBus
from hkreach.ports.leads import Leads
from hkreach.usecases.manage_leads_customer import lead_of

logger = Logger(service="hkreach", child=True)


@dataclass(frozen=True, slots=True)
class Moved:
    """A move, as one record of the leads' stream tells it. `sequence_number` is the stream's."""

    sequence_number: str
    move: Move


def make_leads(changes: Sequence[Change], *, leads: Leads) -> frozenset[str]:
    """See that each customer who wrote has a lead; returns the sequence numbers of the changes to be relayed again."""
    again = set()
    for change in changes:
        if change.before is None and isinstance(change.after, InboundMessage):
            try:
                _make(change.after, leads)
            except Exception:
                # The others are not to wait for it, and their events were published.
                logger.exception("no lead for a customer who wrote", message_id=change.after.message_id)
                again.add(change.sequence_number)
    return frozenset(again)


def relay_moves(moves: Sequence[Moved], *, bus: EventBus) -> frozenset[str]:
    """Publish one event for each move; returns the sequence numbers of those to be relayed again.

    An event repeated has the same id and the same content.
    """
    events = {moved.sequence_number: moved_event(moved.move) for moved in moves}
    refused = {event["id"] for event in bus.publish(list(events.values()))}
    return frozenset(number for number, event in events.items() if event["id"] in refused)


def customer_of(message: InboundMessage) -> Customer:
    """Who wrote."""
    return Customer(phone=message.sender, user_id=message.user_id, name=message.contact_name)


def _make(message: InboundMessage, leads: Leads) -> None:
    try:
        lead_id, made = lead_of(
            message.app_name, customer_of(message), BY_THE_CUSTOMER, message.received_at, leads=leads
        )
    except Conflict:
        logger.info("no lead: the customer's is being erased", message_id=message.message_id)
        return
    if made:
        logger.info("lead made", lead_id=lead_id, message_id=message.message_id, app_name=message.app_name)
