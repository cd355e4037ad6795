"""What the streams tell of leads: a customer's first message makes one, and each move is an event."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TypeGuard

from aws_lambda_powertools import Logger

from hkreach.domain.change import Change
from hkreach.domain.errors import Conflict
from hkreach.domain.event import moved_event
from hkreach.domain.inbound import InboundMessage, MetaNews
from hkreach.domain.lead import BY_THE_CUSTOMER, Customer, Move
from hkreach.domain.lead_renamed import Renamed, renamed_by_message, renamed_by_news
from hkreach.domain.message import OutboundMessage
from hkreach.domain.time import SECOND
from hkreach.ports import EventBus
from hkreach.ports.inbound import Inbound
from hkreach.ports.leads import LeadQueue, Leads
from hkreach.usecases.manage_leads_customer import follow, lead_of

logger = Logger(service="hkreach", child=True)

_AT_ONCE = 8
_TIME_TO_HAND_OVER = 5 * SECOND

type _Wrote = InboundMessage | MetaNews


@dataclass(frozen=True, slots=True)
class Moved:
    """A move, as one record of the leads' stream tells it. `sequence_number` is the stream's."""

    sequence_number: str
    move: Move


def make_leads(
    changes: Sequence[Change], *, leads: Leads, queue: LeadQueue, time_left: Callable[[], int]
) -> frozenset[str]:
    """See that each customer who wrote has a lead; returns the sequence numbers of the changes to be relayed again.

    A lead that fails, or that is not made in time, is handed over to the queue: the events behind it must not wait for
    it, nor be told again. So only what the queue does not take is relayed again. `time_left` is in milliseconds.
    """
    wrote = {
        change.sequence_number: change.after
        for change in changes
        if change.before is None and _tells_of_customers(change.after)
    }
    # Threads of this batch's own, that nobody waits for: one that the table holds is not missing in the next batch.
    threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="lead")
    work = {threads.submit(_make, message, leads): number for number, message in wrote.items()}
    ended, _ = wait(work, max(0, time_left() - _TIME_TO_HAND_OVER) / SECOND)
    threads.shutdown(wait=False, cancel_futures=True)
    missing = []
    for one, number in work.items():
        fault = one.exception() if one in ended else TimeoutError("not made in time")
        if fault is not None:
            logger.error("lead is left to the queue", message_id=wrote[number].message_id, exc_info=fault)
            missing.append(number)
    return _hand_over({number: wrote[number] for number in missing}, queue)


def make_lead(message_id: str, *, inbound: Inbound, leads: Leads) -> None:
    """Make the lead that a customer's message was to make, of which the queue was told. Can be repeated."""
    message = inbound.get(message_id) or inbound.get_news(message_id)
    if message is None:
        logger.warning("no lead: the message is gone", message_id=message_id)
        return
    _make(message, leads)


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


def _hand_over(missing: Mapping[str, _Wrote], queue: LeadQueue) -> frozenset[str]:
    """Give these messages to the queue; returns the numbers of those that it did not take."""
    if not missing:
        return frozenset()
    try:
        refused = {message.message_id for message in queue.put(list(missing.values()))}
    except Exception:
        logger.exception("leads could not be left to the queue", leads=len(missing))
        return frozenset(missing)
    return frozenset(number for number, message in missing.items() if message.message_id in refused)


def _tells_of_customers(item: InboundMessage | MetaNews | OutboundMessage) -> TypeGuard[_Wrote]:
    return isinstance(item, InboundMessage) or (isinstance(item, MetaNews) and bool(renamed_by_news(item)))


def _make(message: _Wrote, leads: Leads) -> None:
    try:
        if isinstance(message, MetaNews):
            for renamed in renamed_by_news(message):
                _follow(message, renamed, leads)
            return
        told = renamed_by_message(message)
        if told is None or not _follow(message, told, leads):
            _make_one(message, told.now if told is not None else customer_of(message), leads)
    except Conflict:
        logger.info("no lead: the customer's is being erased", message_id=message.message_id)


def _follow(item: _Wrote, renamed: Renamed, leads: Leads) -> bool:
    """Whether there was a lead."""
    at = item.received_at if isinstance(item, InboundMessage) else item.at
    lead_id = follow(item.app_name, renamed, at, leads=leads) if item.app_name is not None else None
    if lead_id is not None:
        logger.info("lead follows its customer", lead_id=lead_id, message_id=item.message_id, app_name=item.app_name)
    return lead_id is not None


def _make_one(message: InboundMessage, customer: Customer, leads: Leads) -> None:
    if not customer.identities:  # it would be another one each time, and nobody could be found by it
        logger.info("no lead: Meta does not say who wrote", message_id=message.message_id)
        return
    lead_id, made = lead_of(message.app_name, customer, BY_THE_CUSTOMER, message.received_at, leads=leads)
    if made:
        logger.info("lead made", lead_id=lead_id, message_id=message.message_id, app_name=message.app_name)
