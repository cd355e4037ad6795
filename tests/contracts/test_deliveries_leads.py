"""Deliveries of a lead's events: a row names the move, the event is made anew, and who is erased is nowhere in it."""

import json

from hkreach.adapters.delivery_items import delivery_item
from hkreach.adapters.dynamodb_deliveries import DynamoDBDeliveries
from hkreach.adapters.dynamodb_event_facts import DynamoDBEventFacts
from hkreach.adapters.dynamodb_leads import DynamoDBLeads
from hkreach.domain.delivery import EndpointKey, LeadMove, new_delivery
from hkreach.domain.event import moved_event
from hkreach.domain.lead import LeadChange, next_version
from tests.aws import DELIVERIES_TABLE, LEADS_TABLE, MESSAGES_TABLE, aws, items
from tests.builders import LEAD_ID, NOW, RECIPIENT, lead
from tests.fakes.clock import FakeClock

SHOP = EndpointKey("mystore", "we_operator")
FACT_TABLES = MESSAGES_TABLE, LEADS_TABLE


def test_a_leads_event_is_made_anew_from_its_move_and_not_once_it_is_erased(
    imitated_aws: None, clock: FakeClock
) -> None:
    leads, new = DynamoDBLeads(aws("dynamodb"), LEADS_TABLE), lead()
    leads.write([new])
    facts, source = DynamoDBEventFacts(aws("dynamodb"), FACT_TABLES, clock), LeadMove(LEAD_ID, 1)

    assert moved_event(new.after.last_move) == facts.event(source, "mystore")
    assert facts.event(source, "other") is None
    for nothing in (LeadMove(LEAD_ID, 2), LeadMove("x", 1), LeadMove("", 1)):
        assert facts.event(nothing, "mystore") is None
    forgotten = next_version(new.after, forgotten=True)
    leads.write([LeadChange(new.after, forgotten)])
    leads.erase(forgotten)
    assert facts.event(source, "mystore") is None


def test_a_row_of_earlier_days_that_holds_a_leads_event_names_its_move(imitated_aws: None, clock: FakeClock) -> None:
    told = moved_event(lead().after.last_move)
    row = new_delivery(SHOP, told, NOW)
    item = delivery_item(row) | {"source": {"M": {"event": {"S": json.dumps(told)}}}}
    aws("dynamodb").put_item(TableName=DELIVERIES_TABLE, Item=item)

    assert row == DynamoDBDeliveries(aws("dynamodb"), DELIVERIES_TABLE, clock).get(row.key)
    assert LeadMove(LEAD_ID, 1) == row.source


def test_a_row_holds_nothing_of_a_leads_customer(imitated_aws: None, clock: FakeClock) -> None:
    DynamoDBDeliveries(aws("dynamodb"), DELIVERIES_TABLE, clock).add(
        new_delivery(SHOP, moved_event(lead().after.last_move), NOW)
    )

    stored = json.dumps(items(DELIVERIES_TABLE), default=str)
    assert [] == [word for word in (RECIPIENT, "John Doe") if word in stored]
