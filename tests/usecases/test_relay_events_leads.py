"""relay_events: a customer's first message makes a lead, and no lead that fails holds up an event, or another lead."""

from collections.abc import Mapping
from threading import Event

import pytest

from hkreach.domain.change import Change
from hkreach.domain.lead import Customer, LeadChange
from hkreach.usecases.relay_events_leads import make_lead, make_leads
from tests.builders import NOW, OTHER_ID, change, inbound, outbound
from tests.fakes.clock import FakeClock
from tests.fakes.inbound import FakeInbound
from tests.fakes.leads import FakeLeadQueue, FakeLeads
from tests.fakes.messages import FakeMessages

BROKEN = "919800000002"
_MANY = [f"91980000000{number}" for number in range(9)]


def _wrote(*senders: str) -> list[Change]:
    """Each a first message, numbered from 11 on; their ids are `m-<sender>`."""
    return [
        change(inbound(message_id=f"m-{sender}", sender=sender), number=str(number))
        for number, sender in enumerate(senders, 11)
    ]


class _Broken(FakeLeads):
    """A table that fails for one customer."""

    def known(self, app_name: str, customer: Customer) -> Mapping[str, str]:
        if customer.phone == BROKEN:
            raise OSError("table")
        return super().known(app_name, customer)


class _Held(FakeLeads):
    """A table that does not answer for one customer until the test's end."""

    def __init__(self) -> None:
        super().__init__()
        self.end, self.others = Event(), Event()

    def known(self, app_name: str, customer: Customer) -> Mapping[str, str]:
        if customer.phone == BROKEN:
            self.end.wait(30)
        return super().known(app_name, customer)

    def write(self, changes: list[LeadChange]) -> bool:  # type: ignore[override]
        written = super().write(changes)
        if len(self.rows) == len(_MANY) - 1:
            self.others.set()
        return written


def test_each_who_wrote_has_a_lead_and_the_queue_gets_nothing(leads: FakeLeads) -> None:
    queue = FakeLeadQueue()
    changes = [*_wrote(*_MANY), change(outbound(), number="30"), change(inbound(), inbound(), "31")]

    assert frozenset() == make_leads(changes, leads=leads, queue=queue, time_left=lambda: 15_000)
    assert sorted(_MANY) == sorted(str(lead.customer.phone) for lead in leads.rows.values())
    assert [] == queue.queued


def test_a_lead_that_fails_is_left_to_the_queue_and_nothing_is_relayed_again() -> None:
    leads, queue = _Broken(), FakeLeadQueue()

    assert frozenset() == make_leads(_wrote(*_MANY), leads=leads, queue=queue, time_left=lambda: 15_000)
    assert [f"m-{BROKEN}"] == [message.message_id for message in queue.queued]
    assert len(_MANY) - 1 == len(leads.rows)


@pytest.mark.parametrize("fault", [None, OSError("queue")])
def test_only_what_the_queue_does_not_take_either_is_relayed_again(fault: Exception | None) -> None:
    queue = FakeLeadQueue(refuses=frozenset({f"m-{BROKEN}"}))
    if fault:
        queue.fails("put", fault)

    again = make_leads(_wrote("919800000001", BROKEN), leads=_Broken(), queue=queue, time_left=lambda: 15_000)
    assert {"12"} == again


def test_what_is_not_made_in_time_is_left_to_the_queue() -> None:
    leads, queue = _Held(), FakeLeadQueue()

    def time_left() -> int:
        """Asked when all were begun: the time is over when the others are done."""
        assert leads.others.wait(30)
        return 5_000

    try:
        assert frozenset() == make_leads(_wrote(*_MANY), leads=leads, queue=queue, time_left=time_left)
        assert f"m-{BROKEN}" in {message.message_id for message in queue.queued}
    finally:
        leads.end.set()


def test_one_whom_meta_does_not_name_makes_no_lead(leads: FakeLeads) -> None:
    queue = FakeLeadQueue()
    for _ in range(2):
        make_leads([change(inbound(sender=None))], leads=leads, queue=queue, time_left=lambda: 15_000)

    assert ({}, []) == (leads.rows, queue.queued)


def test_the_queue_makes_it_once(leads: FakeLeads, messages: FakeMessages, clock: FakeClock) -> None:
    table = FakeInbound(messages, clock)
    table.add(inbound())
    for _ in range(2):
        make_lead(OTHER_ID, inbound=table, leads=leads)
    make_lead("gone", inbound=table, leads=leads)

    ((lead),) = leads.rows.values()
    assert (inbound().sender, NOW) == (lead.customer.phone, lead.created_at)


def test_one_that_fails_again_stays_on_the_queue(messages: FakeMessages, clock: FakeClock) -> None:
    table = FakeInbound(messages, clock)
    table.add(inbound(sender=BROKEN))

    with pytest.raises(OSError, match="table"):
        make_lead(OTHER_ID, inbound=table, leads=_Broken())
