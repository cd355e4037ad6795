"""A customer whose number or business-scoped id changes keeps their lead, however Meta tells it."""

from collections.abc import Mapping
from typing import Any

import pytest

from hkreach.domain.inbound import MetaNews
from hkreach.domain.lead import Customer, Lead, Move
from hkreach.usecases.relay_events_leads import make_lead, make_leads
from tests.builders import LEAD_ID, NOW, OTHER_ID, OTHER_LEAD_ID, RECIPIENT, USER_ID, change, inbound, lead, news
from tests.fakes.clock import FakeClock
from tests.fakes.inbound import FakeInbound
from tests.fakes.leads import FakeLeadQueue, FakeLeads
from tests.fakes.messages import FakeMessages

NEW_ID, NEW_NUMBER = "HK.24817305912873645029", "85291234567"
BOTH = Customer(RECIPIENT, USER_ID, "John Doe")


def _system(kind: str = "user_changed_number", sender: str | None = RECIPIENT, **parts: str) -> Any:
    told = {"type": "system", "system": {"type": kind, **parts}}
    return inbound(sender=sender, content=told, contact_name=None)


def _update(previous: object = USER_ID, current: object = NEW_ID, **parts: Any) -> MetaNews:
    node = {"wa_id": RECIPIENT, "detail": "…", "user_id": {"previous": previous, "current": current}}
    value = {"user_id_update": [7, {"user_id": 7}, node]}
    return news(**({"field": "user_id_update", "app_name": "mystore", "value": value} | parts))


def _told(leads: FakeLeads, *items: Any) -> FakeLeadQueue:
    queue = FakeLeadQueue()
    for item in items:
        assert frozenset() == make_leads([change(item)], leads=leads, queue=queue, time_left=lambda: 15_000)
    return queue


def _lead(leads: FakeLeads, lead_id: str = LEAD_ID) -> Lead:
    return leads.rows["mystore", lead_id]


@pytest.mark.parametrize(
    ("item", "phone", "user_id"),
    [
        (_system(waId=NEW_NUMBER, userId=NEW_ID, previousUserId=USER_ID), NEW_NUMBER, NEW_ID),
        (_system(waId=NEW_NUMBER), NEW_NUMBER, USER_ID),
        (_system(newWaId=NEW_NUMBER), NEW_NUMBER, USER_ID),
        (_system("user_changed_user_id", None, userId=NEW_ID, previousUserId=USER_ID), RECIPIENT, NEW_ID),
        (_system("user_changed_user_id", userId=NEW_ID), RECIPIENT, NEW_ID),
        (_update(), RECIPIENT, NEW_ID),
    ],
)
def test_the_lead_follows_its_customer(leads: FakeLeads, item: Any, phone: str, user_id: str) -> None:
    leads.write([lead(customer=BOTH)])
    _told(leads, item, item)

    assert Customer(phone, user_id, "John Doe") == _lead(leads).customer
    assert 2 == _lead(leads).version, "the second time there is nothing to be done"
    known = [f"phone#{phone}", f"user#{user_id}", f"phone#{RECIPIENT}", f"user#{USER_ID}"]
    assert {LEAD_ID} == {leads.identities["mystore", identity] for identity in known}
    _told(leads, inbound(OTHER_ID, sender=None, user_id=user_id), inbound(OTHER_ID, sender=phone))
    assert 1 == len(leads.rows)


@pytest.mark.parametrize("phone", [NEW_NUMBER, None])
def test_who_wrote_under_the_new_id_before_it_was_told_has_one_lead(leads: FakeLeads, phone: str | None) -> None:
    leads.write([lead(customer=BOTH)])
    leads.write([lead(OTHER_LEAD_ID, Customer(phone, NEW_ID), at=NOW + 1)])
    _told(leads, _system(waId=NEW_NUMBER, userId=NEW_ID, previousUserId=USER_ID))

    assert (LEAD_ID, Customer(NEW_NUMBER, NEW_ID, "John Doe")) == (
        _lead(leads, OTHER_LEAD_ID).joined_into, _lead(leads).customer,
    )  # fmt: skip
    last = leads.facts["mystore", OTHER_LEAD_ID][-1]
    assert isinstance(last, Move)
    assert (LEAD_ID, "customer") == (last.joined_into, last.by)


def test_a_number_that_was_anothers_is_theirs_no_more(leads: FakeLeads) -> None:
    leads.write([lead(customer=BOTH)])
    leads.write([lead(OTHER_LEAD_ID, Customer(NEW_NUMBER, "HK.9"), at=NOW + 1)])
    _told(leads, _system(waId=NEW_NUMBER, userId=NEW_ID, previousUserId=USER_ID))

    assert (NEW_NUMBER, None) == (_lead(leads).customer.phone, _lead(leads, OTHER_LEAD_ID).customer.phone)
    assert LEAD_ID == leads.identities["mystore", f"phone#{NEW_NUMBER}"]


def test_a_third_ones_number_stays_theirs_until_somebody_writes_from_it(leads: FakeLeads) -> None:
    third = "7e0c7a52-6f0e-4b1e-8f3a-0d9a3e6f7c23"
    leads.write([lead(customer=BOTH)])
    leads.write([lead(OTHER_LEAD_ID, Customer(None, NEW_ID), at=NOW + 1)])
    leads.write([lead(third, Customer(NEW_NUMBER, "HK.9"), at=NOW + 2)])
    _told(leads, _system(waId=NEW_NUMBER, userId=NEW_ID, previousUserId=USER_ID))
    assert (third, LEAD_ID) == (
        leads.identities["mystore", f"phone#{NEW_NUMBER}"], leads.identities["mystore", f"user#{NEW_ID}"],
    )  # fmt: skip

    _told(leads, inbound(sender=NEW_NUMBER, user_id=NEW_ID))
    assert LEAD_ID == leads.identities["mystore", f"phone#{NEW_NUMBER}"]


def test_who_has_no_lead_gets_one_under_the_new_name(leads: FakeLeads) -> None:
    _told(leads, _system(waId=NEW_NUMBER, userId=NEW_ID, previousUserId=USER_ID))

    assert [Customer(NEW_NUMBER, NEW_ID)] == [row.customer for row in leads.rows.values()]


@pytest.mark.parametrize(
    "item",
    [
        _update(app_name=None),
        _update(field="account_update"),
        _update(current=None),
        _update(current=7),
        _update(value=[]),
        _update("HK.7", "HK.8", value={"user_id_update": [{"user_id": {"previous": "HK.7", "current": "HK.8"}}]}),
    ],
)
def test_news_that_tell_of_no_lead_change_and_make_none(leads: FakeLeads, item: MetaNews) -> None:
    leads.write([lead(customer=BOTH)])
    _told(leads, item)

    assert [1] == [row.version for row in leads.rows.values()]


def test_another_system_message_is_one_as_any(leads: FakeLeads) -> None:
    leads.write([lead(customer=BOTH)])
    _told(leads, _system("customer_identity_changed", identity="Zx9"), _system(), _system(waId="soon"))

    assert [(LEAD_ID, 1)] == [(row.lead_id, row.version) for row in leads.rows.values()]


@pytest.mark.parametrize("item", [_update(), _system(waId=NEW_NUMBER, userId=NEW_ID, previousUserId=USER_ID)])
def test_what_fails_is_left_to_the_queue_and_done_from_there(leads: FakeLeads, item: Any) -> None:
    leads.write([lead(customer=BOTH)])
    leads.fails("known", OSError("table"))
    (left,) = _told(leads, item).queued
    assert USER_ID == _lead(leads).customer.user_id

    inbound_table = FakeInbound(FakeMessages(FakeClock(NOW)))
    if isinstance(item, MetaNews):
        inbound_table.add_news(item)
    else:
        inbound_table.add(item)
    make_lead(left.message_id, inbound=inbound_table, leads=leads)
    assert NEW_ID == _lead(leads).customer.user_id


def test_what_is_remembered_of_before_a_joining_changes_no_joined_lead(
    leads: FakeLeads, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads.write([lead(customer=BOTH)])
    leads.write([lead(OTHER_LEAD_ID, Customer(None, NEW_ID), at=NOW + 1)])
    told = _system("user_changed_user_id", None, userId=NEW_ID, previousUserId=USER_ID)
    _told(leads, told)
    joined, known = _lead(leads, OTHER_LEAD_ID), leads.known

    def remembered(app_name: str, customer: Customer) -> Mapping[str, str]:
        return dict.fromkeys(known(app_name, customer), OTHER_LEAD_ID)

    monkeypatch.setattr(leads, "known", remembered)
    _told(leads, _system("user_changed_user_id", None, userId="HK.3", previousUserId=NEW_ID))
    assert (joined, LEAD_ID) == (_lead(leads, OTHER_LEAD_ID), leads.identities["mystore", "user#HK.3"])
