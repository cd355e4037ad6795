"""Publish what became true of a message as events."""

from collections.abc import Sequence

from hkreach.domain.change import Change
from hkreach.domain.event import Event, news_event, received_event, status_event
from hkreach.domain.inbound import InboundMessage, MetaNews
from hkreach.domain.message import OutboundMessage, new_facts
from hkreach.ports import EventBus


def relay_events(changes: Sequence[Change], *, bus: EventBus) -> frozenset[str]:
    """Publish one event for each new fact; returns the sequence numbers of the changes to be relayed again.

    An event repeated has the same id and the same content.
    """
    published = [(event, change.sequence_number) for change in changes for event in _events(change)]
    refused = {event["id"] for event in bus.publish([event for event, _ in published])}
    return frozenset(sequence_number for event, sequence_number in published if event["id"] in refused)


def _events(change: Change) -> list[Event]:
    if isinstance(change.after, InboundMessage):
        told_before = isinstance(change.before, InboundMessage) and change.before.is_complete
        return [received_event(change.after)] if change.after.is_complete and not told_before else []
    if isinstance(change.after, MetaNews):
        return [news_event(change.after)]
    before = change.before.facts if isinstance(change.before, OutboundMessage) else {}
    return [status_event(change.after, status) for status in new_facts(before, change.after.facts)]
