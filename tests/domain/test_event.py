"""Events are made from facts alone: the same fact is the same event, byte for byte."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.event import news_event, received_event, status_event
from hkreach.domain.message import Status
from hkreach.domain.time import to_rfc3339
from tests.builders import ERROR, MESSAGE_ID, NOW, OTHER_ID, RECIPIENT, inbound, news, outbound

ALL = outbound(facts={status: NOW + 1000 * at for at, status in enumerate(Status)}, error=ERROR)


def test_the_promised_form_of_a_status() -> None:
    event = status_event(replace(ALL, third_party_app_name="MyStore_ERP"), Status.DELIVERED)

    assert re.fullmatch(r"evt_[0-9a-f]{32}", event.pop("id"))
    assert {
        "event": "messages.status",
        "createdAt": "2026-11-22T09:00:05Z",
        "appName": "mystore",
        "data": {
            "messageId": MESSAGE_ID,
            "status": "delivered",
            "rank": 3,
            "to": RECIPIENT,
            "timestamp": "2026-11-22T09:00:05Z",
            "thirdPartyAppName": "MyStore_ERP",
        },
    } == event


def test_a_failure_says_why_and_nothing_else_does() -> None:
    events = {status: status_event(ALL, status)["data"] for status in Status}

    assert ERROR.as_dict() == events[Status.FAILED]["error"]
    assert [Status.FAILED] == [status for status, data in events.items() if "error" in data]
    assert {"queued": 0, "unknown": 0, "accepted": 0, "sent": 1, "failed": 2, "delivered": 3, "read": 4} == {
        status.value: data["rank"] for status, data in events.items()
    }


def test_a_failure_without_a_reason_is_told_all_the_same() -> None:
    assert "error" not in status_event(replace(ALL, error=None), Status.FAILED)["data"]


def test_the_promised_form_of_a_customers_message() -> None:
    event = received_event(inbound())

    assert {
        "id": event["id"],
        "event": "messages.received",
        "createdAt": "2026-11-22T09:00:00Z",
        "appName": "mystore",
        "data": {
            "messageId": OTHER_ID,
            "from": RECIPIENT,
            "timestamp": "2026-11-22T09:00:00Z",
            "type": "text",
            "text": {"body": "Where is my order? ☕"},
            "contactName": "John Doe",
        },
    } == event


def test_all_that_is_known_of_a_customer() -> None:
    message = inbound(sender=None, user_id="IN.1", parent_user_id="IN.ENT.1", username="mei", identity_key_hash="Zx9")
    data = received_event(message)["data"]

    told = {"from": None, "userId": "IN.1", "parentUserId": "IN.ENT.1", "username": "mei", "identityKeyHash": "Zx9"}
    assert told.items() <= data.items()


def test_the_form_of_news() -> None:
    event = news_event(news())

    assert re.fullmatch(r"evt_[0-9a-f]{32}", event.pop("id"))
    assert {
        "event": "meta.account_update",
        "createdAt": "2026-11-22T09:00:00Z",
        "appName": None,
        "data": {
            "field": "account_update",
            "wabaId": "102290129340398",
            "phoneNumberId": None,
            "timestamp": "2026-11-22T09:00:00Z",
            "value": news().value,
        },
    } == event


def test_a_customer_without_a_name() -> None:
    assert "contactName" not in received_event(inbound(contact_name=None))["data"]


def test_each_fact_of_each_message_has_an_id_of_its_own_forever() -> None:
    other = replace(ALL, message_id=OTHER_ID)
    ids = [status_event(message, status)["id"] for message in (ALL, other) for status in Status]

    assert len(ids) == len(set(ids))
    later = replace(ALL, wamid="wamid.1", facts={Status.SENT: 1}, error=None)
    assert status_event(ALL, Status.SENT)["id"] == status_event(later, Status.SENT)["id"]


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        (NOW, "2026-11-22T09:00:00Z"),
        (0, "1970-01-01T00:00:00Z"),
        (999, "1970-01-01T00:00:00Z"),
        (1000, "1970-01-01T00:00:01Z"),
    ],
)
def test_times(milliseconds: int, expected: str) -> None:
    assert expected == to_rfc3339(milliseconds)


@given(st.integers(0, 99_999_999_999_999))
def test_every_time_that_meta_can_tell_has_a_text(milliseconds: int) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", to_rfc3339(milliseconds))
