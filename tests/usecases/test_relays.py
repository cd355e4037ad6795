"""relay_outbox and relay_events: each change once to where it belongs, and what was refused is told by its number."""

from dataclasses import replace

import pytest

from hkreach.domain.event import received_event
from hkreach.domain.message import Status
from hkreach.usecases.relay_events import relay_events
from hkreach.usecases.relay_outbox import relay_outbox
from tests.builders import ERROR, MESSAGE_ID, NOW, OTHER_ID, STORED, change, inbound, news, outbound, with_file
from tests.fakes.stores import FakeEventBus, FakeSendQueue

SENT = replace(outbound(), facts={Status.QUEUED: NOW, Status.SENT: NOW + 1})


def test_new_outbound_messages_are_queued_and_nothing_else() -> None:
    queue = FakeSendQueue()
    changes = [change(outbound()), change(inbound(), number="2"), change(news()), change(SENT, outbound(), "3")]

    assert frozenset() == relay_outbox(changes, queue=queue)
    assert [outbound()] == queue.queued


def test_a_message_that_is_twice_in_a_batch_is_queued_once() -> None:
    queue = FakeSendQueue()
    relay_outbox([change(outbound()), change(outbound())], queue=queue)

    assert [outbound()] == queue.queued


def test_what_the_queue_refuses_is_told_by_its_number() -> None:
    changes = [change(outbound(), number="11"), change(outbound(OTHER_ID), number="12")]

    assert {"12"} == relay_outbox(changes, queue=FakeSendQueue(refuses=frozenset({OTHER_ID})))


def test_a_queue_that_fails_is_raised() -> None:
    queue = FakeSendQueue()
    queue.fails("put", OSError("queue"))

    with pytest.raises(OSError, match="queue"):
        relay_outbox([change(outbound())], queue=queue)


def test_each_new_fact_is_one_event() -> None:
    bus = FakeEventBus()
    after = replace(SENT, facts={**SENT.facts, Status.DELIVERED: NOW + 2, Status.READ: NOW + 3})
    relay_events([change(outbound()), change(after, SENT, "2")], bus=bus)

    assert ["queued", "delivered", "read"] == [event["data"]["status"] for event in bus.published]


def test_a_write_without_a_new_fact_is_no_event() -> None:
    bus = FakeEventBus()
    relay_events([change(replace(SENT, wamid="wamid.1"), SENT)], bus=bus)

    assert [] == bus.published


def test_an_inbound_message_is_one_event() -> None:
    bus = FakeEventBus()
    relay_events([change(inbound())], bus=bus)

    assert [("messages.received", OTHER_ID)] == [(e["event"], e["data"]["messageId"]) for e in bus.published]


def test_a_message_with_a_file_goes_to_the_media_queue_and_is_told_when_it_is_complete() -> None:
    queue, bus = FakeSendQueue(), FakeEventBus()
    waiting, stored = with_file(), with_file(stored=STORED, stored_at=NOW, waits_for=None)
    given_up, later = with_file(error=ERROR, waits_for=None), replace(waiting, waits_for="media:media_status")
    for after, before in ((waiting, None), (later, waiting), (stored, later), (stored, stored), (given_up, later)):
        relay_outbox([change(after, before)], queue=queue)
        relay_events([change(after, before)], bus=bus)

    assert [(OTHER_ID, "media", "mystore")] == [(m.message_id, m.lane, m.app_name) for m in queue.queued]
    done, failed = bus.published
    assert done["id"] == failed["id"] == received_event(inbound())["id"]
    about = {"mediaId": OTHER_ID, "mimeType": "image/png", "size": STORED.size, "sha256": STORED.sha256}
    assert about | {"caption": "A leaf"} == done["data"]["image"]
    assert {"mimeType": "image/png", "caption": "A leaf", "error": ERROR.as_dict()} == failed["data"]["image"]


def test_a_file_that_meta_did_not_name_is_told_without_it() -> None:
    bus = FakeEventBus()
    relay_events([change(with_file(file=None, waits_for=None))], bus=bus)

    assert [{"mimeType": "image/png", "caption": "A leaf"}] == [event["data"]["image"] for event in bus.published]


def test_news_are_one_event_each_for_the_bus() -> None:
    bus = FakeEventBus()
    relay_events([change(news()), change(news(field="errors", app_name="mystore"), number="2")], bus=bus)

    assert [("meta.account_update", None), ("meta.errors", "mystore")] == [
        (event["event"], event["appName"]) for event in bus.published
    ]


def test_a_change_relayed_again_is_the_same_event() -> None:
    first, second = FakeEventBus(), FakeEventBus()
    for bus in (first, second):
        relay_events([change(SENT, outbound()), change(inbound(), number="2")], bus=bus)

    assert first.published == second.published


def test_what_the_bus_refuses_is_told_by_the_number_of_its_change() -> None:
    both = replace(SENT, facts={**SENT.facts, Status.READ: NOW + 3})
    changes = [change(outbound(), number="7"), change(both, outbound(), "8"), change(inbound(), number="9")]

    assert {"8"} == relay_events(changes, bus=FakeEventBus(refuses=frozenset({"sent"})))
    assert {"7"} == relay_events(changes, bus=FakeEventBus(refuses=frozenset({"queued"})))
    assert frozenset() == relay_events(changes, bus=FakeEventBus())


def test_a_bus_that_fails_is_raised() -> None:
    bus = FakeEventBus()
    bus.fails("publish", OSError("bus"))

    with pytest.raises(OSError, match="bus"):
        relay_events([change(outbound(MESSAGE_ID))], bus=bus)
