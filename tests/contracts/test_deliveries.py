"""The deliveries table's contract: rows, what is due, an endpoint's line, its log."""

from dataclasses import dataclass, replace

import pytest

from hkreach.adapters.dynamodb_deliveries import DynamoDBDeliveries
from hkreach.adapters.dynamodb_event_facts import DynamoDBEventFacts
from hkreach.adapters.dynamodb_inbound import DynamoDBInbound
from hkreach.adapters.dynamodb_messages import DynamoDBMessages
from hkreach.domain.delivery import Delivery, DeliveryAttempt, EndpointKey, MessageFact, Plan, new_delivery
from hkreach.domain.event import Event, received_event, status_event
from hkreach.domain.inbound import MetaFile
from hkreach.domain.inbound_file import NEW_FILE, StoredFile
from hkreach.domain.message import KEPT_FOR, Status
from hkreach.domain.time import SECOND
from hkreach.domain.webhook_answer import Answer
from hkreach.ports.deliveries import Deliveries, LogQuery, NotYet
from tests.aws import DELIVERIES_TABLE, LEADS_TABLE, MESSAGES_TABLE, aws, items
from tests.builders import MESSAGE_ID, NOW, OTHER_ID, inbound, outbound
from tests.fakes.clock import FakeClock
from tests.fakes.deliveries import FakeDeliveries

SHOP, OTHER = EndpointKey("mystore", "we_operator"), EndpointKey("mystore", "we_0123456789abcdefghij_-")
ALL = LogQuery()
FACT_TABLES = MESSAGES_TABLE, LEADS_TABLE
READ_AT_ONCE = 4


@dataclass
class Table:
    deliveries: Deliveries
    clock: FakeClock

    def add(self, *seconds: int, endpoint: EndpointKey = SHOP) -> list[Delivery]:
        """One held delivery for each second after now."""
        rows = [new_delivery(endpoint, event(second), NOW).held("breaker", self.clock()) for second in seconds]
        assert all(self.deliveries.add(row) for row in rows)
        return rows

    def set(self, row: Delivery, after: Delivery) -> Delivery:
        assert self.deliveries.replace(row, after)
        return after


def event(second: int) -> Event:
    return status_event(outbound(facts={Status.SENT: NOW + second * SECOND}), Status.SENT) | {"id": f"evt_{second:04}"}


@pytest.fixture(params=["fake", "dynamodb"])
def table(request: pytest.FixtureRequest, clock: FakeClock) -> Table:
    if request.param == "fake":
        return Table(FakeDeliveries(clock, READ_AT_ONCE), clock)
    request.getfixturevalue("imitated_aws")
    return Table(DynamoDBDeliveries(aws("dynamodb"), DELIVERIES_TABLE, clock, READ_AT_ONCE), clock)


def test_a_delivery_is_read_as_it_was_written(table: Table) -> None:
    told = {"id": "evt_2", "event": "webhooks.warning", "createdAt": "2026-11-22T09:00:00Z", "appName": "mystore"}
    of_facts, of_itself = (
        new_delivery(SHOP, event(1), NOW, NOW - 5),
        new_delivery(SHOP, told | {"data": {"score": 0.5}}, NOW),
    )
    answer = Answer(500, body=b"\x00<html>no</html>" * 1_000)
    tried = of_facts.tried(DeliveryAttempt(1, NOW, 40, 500, "HTTP 500"), answer, Plan(), 0.5)
    assert table.deliveries.add(faulted := replace(of_facts.faulted(NOW), key=replace(of_facts.key, event_id="evt_9")))
    assert faulted == table.deliveries.get(faulted.key)
    silent = tried.tried(DeliveryAttempt(2, NOW, 40, None, "no answer", resend=True), Answer(None), Plan(), 0.5)

    for row in (tried, of_itself):
        assert table.deliveries.add(row)
        assert row == table.deliveries.get(row.key)
    assert table.set(tried, silent) == table.deliveries.get(silent.key)


def test_a_second_one_of_the_same_event_is_not_written(table: Table) -> None:
    (row,) = table.add(1)

    assert not table.deliveries.add(row.given_up("gone", NOW))
    assert row == table.deliveries.get(row.key)
    assert table.deliveries.get(replace(row.key, endpoint=OTHER)) is None


def test_of_two_changes_at_once_one_is_made(table: Table) -> None:
    (row,) = table.add(1)
    first = table.set(row, row.put_off(NOW + 5, NOW))

    assert not table.deliveries.replace(row, row.given_up("gone", NOW))
    assert first == table.deliveries.get(row.key)
    assert not table.deliveries.replace(replace(row, key=replace(row.key, event_id="evt_x")), row)


def test_what_has_expired_is_not_there(table: Table) -> None:
    (row,) = table.add(1)
    table.clock.now = row.key.created_at + KEPT_FOR

    assert table.deliveries.get(row.key) is None
    assert [] == table.deliveries.log(SHOP, ALL, None, 10).deliveries


def test_due_is_what_has_a_time_that_has_come(table: Table) -> None:
    first, second, _held, done = table.add(1, 2, 3, 4)
    first = table.set(first, first.put_off(NOW + 10, NOW))
    table.set(second, second.put_off(NOW + 11, NOW))
    table.set(done, done.given_up("gone", NOW))

    ((due),) = table.deliveries.due(NOW + 10, 100)
    assert (first.key, NOW + 10, 3) == (due.key, due.due_at, due.version)
    assert 2 == len(table.deliveries.due(NOW + 11, 100))


def test_what_was_woken_comes_due_again_later_unless_it_changed(table: Table) -> None:
    (row,) = table.add(1)
    row = table.set(row, row.put_off(NOW, NOW))
    ((due),) = table.deliveries.due(NOW, 100)
    table.clock.advance(1_000)
    table.deliveries.wait_again(due, NOW + 9)

    assert [] == table.deliveries.due(NOW + 8, 100)
    assert replace(row, due_at=NOW + 9, touched_at=NOW + 1_000) == table.deliveries.get(row.key)
    done = table.set(row, row.given_up("gone", NOW))
    table.deliveries.wait_again(due, NOW + 10)
    assert done == table.deliveries.get(row.key)


def test_what_is_held_and_queued_is_held_no_more(table: Table) -> None:
    (row,) = table.add(1)
    ((held),) = table.deliveries.line(SHOP, None, 10, 0).deliveries
    table.deliveries.wait_again(held, NOW + 5)

    assert [row.key] == [due.key for due in table.deliveries.due(NOW + 5, 100)]
    assert [] == table.deliveries.line(SHOP, None, 10, 0).deliveries


def test_a_line_is_what_is_held_oldest_first_and_goes_on(table: Table) -> None:
    rows = table.add(5, 3, 4, 1)
    table.add(2, endpoint=OTHER)
    table.set(rows[2], rows[2].given_up("gone", NOW))
    first = table.deliveries.line(SHOP, None, 2, 0)
    rest = table.deliveries.line(SHOP, first.next, 2, 0)

    assert ["evt_0001", "evt_0003"] == [due.key.event_id for due in first.deliveries]
    assert ["evt_0005"] == [due.key.event_id for due in rest.deliveries]
    assert rest.next is None


@pytest.mark.parametrize("before_it", [1, 4, 5, 19, 20, 21, 45])
def test_what_is_held_behind_many_that_wait_for_times_of_their_own_is_found(table: Table, before_it: int) -> None:
    for row in table.add(*range(before_it)):
        table.set(row, row.put_off(NOW + 10**6, NOW))
    held, _ = table.add(before_it, before_it + 1)
    line = table.deliveries.line(SHOP, None, 1, 0)
    looks = 1
    while not line.deliveries and line.next is not None:
        line = table.deliveries.line(SHOP, line.next, 1, 0)
        looks += 1

    assert [held.key] == [due.key for due in line.deliveries]
    assert before_it // (5 * READ_AT_ONCE) + 1 == looks, "five pages each"
    assert [f"evt_{before_it + 1:04}"] == [
        due.key.event_id for due in table.deliveries.line(SHOP, line.next, 1, 0).deliveries
    ]


def test_a_line_has_what_waits_for_a_time_of_its_own_if_nobody_touched_it_since(table: Table) -> None:
    rows = table.add(1, 2)
    for row, touched_at in zip(rows, (NOW, NOW + 10), strict=True):
        table.set(row, row.put_off(NOW + 10**6, touched_at))

    assert [rows[0].key] == [due.key for due in table.deliveries.line(SHOP, None, 10, NOW + 10).deliveries]


def test_the_log_is_newest_first_within_its_times_and_of_one_endpoint(table: Table) -> None:
    table.add(*range(6))
    table.add(9, endpoint=OTHER)
    second = NOW // SECOND * SECOND

    def found(query: LogQuery) -> list[str]:
        return [row.key.event_id[-1] for row in table.deliveries.log(SHOP, query, None, 10).deliveries]

    assert list("543210") == found(ALL)
    assert list("321") == found(LogQuery(second + SECOND, second + 4 * SECOND))
    assert list("123") == found(LogQuery(second + SECOND, second + 4 * SECOND, newest_first=False))


@pytest.mark.parametrize("most", [1, 2, 3, 7])
def test_the_log_is_read_in_pages_and_nothing_is_missing(table: Table, most: int) -> None:
    rows = table.add(*range(7))
    table.set(rows[3], rows[3].given_up("gone", NOW))
    for state, expected in ((None, "6543210"), ("waiting", "654210"), ("failed", "3"), ("delivered", "")):
        found, after = "", None
        for _ in range(20):
            page = table.deliveries.log(SHOP, LogQuery(state=state), after, most)  # type: ignore[arg-type]
            assert len(page.deliveries) <= most
            found += "".join(row.key.event_id[-1] for row in page.deliveries)
            after = page.next
            if after is None:
                break
        assert expected == found


def test_an_item_has_its_place_and_is_small(imitated_aws: None, clock: FakeClock) -> None:
    row = new_delivery(SHOP, event(1), NOW).held("breaker", NOW)
    DynamoDBDeliveries(aws("dynamodb"), DELIVERIES_TABLE, clock).add(row)

    ((item),) = items(DELIVERIES_TABLE)
    assert ("mystore#we_operator", "d#001795338001000#evt_0001") == (item["pk"]["S"], item["sk"]["S"])
    assert {"N": str(row.expires_at // SECOND)} == item["expiresAt"]
    assert "dueAt" not in item


def test_events_are_made_anew_from_facts(imitated_aws: None, clock: FakeClock) -> None:
    messages = DynamoDBMessages(aws("dynamodb"), MESSAGES_TABLE, clock)
    sent, received = outbound(facts={Status.QUEUED: NOW, Status.SENT: NOW + 5}), inbound()
    messages.add(sent)
    DynamoDBInbound(aws("dynamodb"), MESSAGES_TABLE, clock).add(received)
    facts = DynamoDBEventFacts(aws("dynamodb"), FACT_TABLES, clock)

    assert status_event(sent, Status.SENT) == facts.event(MessageFact(MESSAGE_ID, "sent"), "mystore")
    assert received_event(received) == facts.event(MessageFact(OTHER_ID, "received"), "mystore")
    for nothing in ("received", "nonsense"):
        assert facts.event(MessageFact(MESSAGE_ID, nothing), "mystore") is None
    with pytest.raises(NotYet):
        facts.event(MessageFact(MESSAGE_ID, "read"), "mystore")
    assert facts.event(MessageFact(MESSAGE_ID, "read"), "other") is None
    assert facts.event(MessageFact(OTHER_ID, "sent"), "mystore") is None
    assert facts.event(MessageFact(MESSAGE_ID, "sent"), "other") is None
    clock.now = sent.expires_at
    assert facts.event(MessageFact(MESSAGE_ID, "sent"), "mystore") is None
    warning = {"id": "evt_2", "event": "webhooks.warning", "createdAt": "2026-11-22T09:00:00Z", "appName": "mystore"}
    assert (warning, None) == (facts.event(warning, "mystore"), facts.event(warning, "other"))


def test_the_event_of_a_message_whose_file_is_not_there_does_not_exist_yet(
    imitated_aws: None, clock: FakeClock
) -> None:
    table = DynamoDBInbound(aws("dynamodb"), MESSAGES_TABLE, clock)
    message = inbound(content={"type": "image", "image": {"caption": "x"}}, file=MetaFile("123"), waits_for=NEW_FILE)
    table.add(message)
    facts, fact = DynamoDBEventFacts(aws("dynamodb"), FACT_TABLES, clock), MessageFact(OTHER_ID, "received")

    with pytest.raises(NotYet):
        facts.event(fact, "mystore")
    table.record_stored(message.message_id, StoredFile("k", "image/png", "image/png", 5, "0" * 64, NOW), NOW)
    told = facts.event(fact, "mystore")
    assert told is not None
    assert message.media_id == told["data"]["image"]["mediaId"]


def test_the_facts_are_read_as_they_are_now(clock: FakeClock) -> None:
    asked: list[dict[str, object]] = []

    class Client:
        def get_item(self, **call: object) -> dict[str, object]:
            asked.append(call)
            return {}

    DynamoDBEventFacts(Client(), FACT_TABLES, clock).event(MessageFact(MESSAGE_ID, "sent"), "mystore")
    assert [True] == [call["ConsistentRead"] for call in asked]
