"""Inbound and UnreadItems: each thing is written once and read back whole, and stays out of all others' way."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from hkreach.adapters.dynamodb_inbound import DynamoDBInbound
from hkreach.adapters.message_items import read_message_item
from hkreach.domain.inbound import MAX_CONTENT_BYTES, InboundMessage, MetaFile, Unread, inbound_message_id, unread
from hkreach.domain.message import Status
from hkreach.domain.time import DAY
from tests.aws import MESSAGES_TABLE, aws, items
from tests.builders import (
    ERROR,
    MESSAGE_ID,
    NOW,
    NUMBER,
    OTHER_ID,
    STORED,
    WAMID,
    callback,
    inbound,
    news,
    outbound,
    with_file,
)  # fmt: skip
from tests.contracts.conftest import MessagesUnderTest


def _unread(number: int, at: int = NOW) -> Unread:
    return unread({"messages": [{"id": number, "text": "Zoë ☕ \ud83d"}]}, "message without id", at)


def test_each_thing_is_written_once(table: MessagesUnderTest) -> None:
    writes: list[Callable[[], bool]] = [
        lambda: table.inbound.add(inbound()),
        lambda: table.inbound.add_news(news()),
        lambda: table.inbound.keep(_unread(1)),
    ]

    assert [[True, False]] * 3 == [[write(), write()] for write in writes]


def test_what_could_not_be_read_is_found_over_all_pages_and_nothing_else(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())
    table.inbound.add(inbound())
    table.inbound.add_news(news())
    kept = [_unread(number) for number in range(7)]
    for item in kept:
        table.inbound.keep(item)

    found, after = list[Unread](), None
    while True:
        page = table.unread.unread(after)
        found += page.items
        if (after := page.next) is None:
            break
    seconds = [replace(item, expires_at=item.expires_at // 1000 * 1000) for item in kept]
    in_order = sorted(found, key=lambda item: item.excerpt)
    assert seconds == [replace(item, expires_at=item.expires_at // 1000 * 1000) for item in in_order]
    assert "☕ \ufffd" in found[0].excerpt


def test_what_could_not_be_read_expires(table: MessagesUnderTest) -> None:
    table.inbound.keep(_unread(1))
    table.clock.advance(30 * DAY)

    assert [] == list(table.unread.unread(None).items)


def test_our_id_of_what_was_sent_and_what_was_received(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())
    table.messages.record_status(callback(Status.SENT))
    received = inbound_message_id(NUMBER, "wamid.in")
    assert table.inbound.own_id(NUMBER, "wamid.in") is None
    table.inbound.add(inbound(received))

    assert [MESSAGE_ID, received, None, None] == [
        table.inbound.own_id(NUMBER, WAMID),
        table.inbound.own_id(NUMBER, "wamid.in"),
        table.inbound.own_id("106540352242933", "wamid.in"),
        table.inbound.own_id(NUMBER, "wamid.other"),
    ]


def test_what_came_in_is_none_of_the_messages_to_send(table: MessagesUnderTest) -> None:
    table.inbound.add(inbound())
    table.inbound.add_news(news(news_id=MESSAGE_ID))
    table.inbound.keep(replace(_unread(1), item_id="0a0b0c54-5717-4562-b3fc-2c963f66afa6"))

    for message_id in (OTHER_ID, MESSAGE_ID, "0a0b0c54-5717-4562-b3fc-2c963f66afa6"):
        assert table.messages.get(message_id) is None
        assert "unknown" == table.messages.record_status(callback(message_id=message_id))


def test_news_are_read_as_they_were_written_and_by_no_other_name(table: MessagesUnderTest) -> None:
    told, message = news(), inbound()
    assert table.inbound.add_news(told)
    assert table.inbound.add(message)

    assert told == table.inbound.get_news(told.news_id)
    assert [None, None] == [table.inbound.get_news(message.message_id), table.inbound.get(told.news_id)]
    table.clock.now = told.expires_at
    assert table.inbound.get_news(told.news_id) is None


@pytest.mark.usefixtures("imitated_aws")
@pytest.mark.parametrize(
    "message",
    [
        inbound(),
        inbound(
            sender=None,
            user_id="IN.1",
            parent_user_id="IN.ENT.1",
            username="mei",
            identity_key_hash="Zx9",
            contact_name=None,
        ),
        inbound(content={"type": "location", "location": {"latitude": 37.4421, "longitude": -0.0}}),
        inbound(content={"type": "order", "order": {"n": 10**60, "": [None, True, {"": ""}], "x": 1e-300}}),
        inbound(content={"type": "text", "text": {"body": "x" * (MAX_CONTENT_BYTES - 50)}}),
        inbound(content={"type": "image", "image": {}}, file=MetaFile("1", "image/png", "a.png", "0a" * 32)),
        inbound(content={"type": "image", "image": {}}, file=MetaFile("1")),
        with_file(),
    ],
    ids=["text", "without a number", "floats", "any JSON", "large", "file", "bare file", "lacking"],
)
def test_a_message_is_read_back_whole(message: InboundMessage) -> None:
    DynamoDBInbound(aws("dynamodb"), MESSAGES_TABLE, lambda: NOW).add(message)
    (item,) = items(MESSAGES_TABLE)

    assert message == read_message_item(item)


@pytest.mark.usefixtures("imitated_aws")
@pytest.mark.parametrize(
    "told", [news(), news(app_name="mystore", phone_number_id=NUMBER), news(waba_id=None, value=[0.5, None, 10**60])]
)
def test_news_are_read_back_whole(told: object) -> None:
    DynamoDBInbound(aws("dynamodb"), MESSAGES_TABLE, lambda: NOW).add_news(told)  # type: ignore[arg-type]
    (item,) = items(MESSAGES_TABLE)

    assert told == read_message_item(item)


@pytest.mark.usefixtures("imitated_aws")
def test_what_is_only_kept_is_no_change() -> None:
    DynamoDBInbound(aws("dynamodb"), MESSAGES_TABLE, lambda: NOW).keep(_unread(1))
    (item,) = items(MESSAGES_TABLE)

    assert read_message_item(item) is None


def test_a_text_of_an_older_item_is_read() -> None:
    inner = {
        "wamid": {"S": "w"},
        "content": {"M": {"type": {"S": "text"}, "text": {"M": {"body": {"S": "Hi"}}}}},
    }
    item = {
        "messageId": {"S": OTHER_ID}, "direction": {"S": "inbound"}, "appName": {"S": "a"}, "phoneNumberId": {"S": "1"},
        "from": {"S": "2"}, "receivedAt": {"N": "1"}, "expiresAt": {"N": "1"}, "inbound": {"M": inner},
    }  # fmt: skip

    read = read_message_item(item)
    assert isinstance(read, InboundMessage)
    assert {"type": "text", "text": {"body": "Hi"}} == read.content


def test_twenty_at_once_write_one(table: MessagesUnderTest) -> None:
    ready = threading.Barrier(20)

    def write(_: int) -> bool:
        ready.wait(20)
        return table.inbound.add(inbound())

    with ThreadPoolExecutor(20) as threads:
        written = list(threads.map(write, range(20)))
    assert 1 == sum(written)


def test_a_message_lacks_its_file_until_it_is_stored(table: MessagesUnderTest) -> None:
    table.inbound.add(with_file())
    assert with_file() == table.inbound.get(OTHER_ID)

    assert [True, False, False] == [
        table.inbound.record_stored(OTHER_ID, STORED, NOW + 1),
        table.inbound.record_stored(OTHER_ID, replace(STORED, key="other"), NOW + 2),
        table.inbound.record_not_given(OTHER_ID, ERROR, NOW + 3),
    ]
    assert with_file(stored=STORED, stored_at=NOW + 1, waits_for=None) == table.inbound.get(OTHER_ID)


def test_or_until_it_is_given_up(table: MessagesUnderTest) -> None:
    table.inbound.add(with_file())

    assert [True, False, False] == [
        table.inbound.record_not_given(OTHER_ID, ERROR, NOW + 1),
        table.inbound.record_not_given(OTHER_ID, ERROR, NOW + 2),
        table.inbound.record_stored(OTHER_ID, STORED, NOW + 3),
    ]
    assert with_file(error=ERROR, waits_for=None) == table.inbound.get(OTHER_ID)


def test_what_lacks_no_file_gets_none(table: MessagesUnderTest) -> None:
    table.inbound.add(inbound())
    table.messages.add(outbound())

    for message_id in (OTHER_ID, MESSAGE_ID, "gone"):
        assert not table.inbound.record_stored(message_id, STORED, NOW)
        assert not table.inbound.record_not_given(message_id, ERROR, NOW)
    assert [inbound(), None, None] == [table.inbound.get(each) for each in (OTHER_ID, MESSAGE_ID, "gone")]


def test_it_waits_in_the_table_for_the_media_queue(table: MessagesUnderTest) -> None:
    table.inbound.add(with_file())
    assert [] == list(table.messages.due(NOW + DAY, 10))
    table.inbound.wait(with_file(), NOW + 5, "media:media_status")

    assert [] == list(table.messages.due(NOW + 4, 10))
    (due,) = table.messages.due(NOW + 5, 10)
    assert (OTHER_ID, "mystore", NOW + 5, "media") == (due.message_id, due.app_name, due.due_at, due.lane)
    table.messages.wait_again(due, NOW + 9)
    assert [NOW + 9] == [message.due_at for message in table.messages.due(NOW + 9, 10)]
    table.inbound.record_stored(OTHER_ID, STORED, NOW + 10)
    assert [] == list(table.messages.due(NOW + DAY, 10))
    table.inbound.wait(with_file(), NOW + 11, "media:media_status")
    assert [] == list(table.messages.due(NOW + DAY, 10)), "what is complete does not wait"


def test_what_no_queue_holds_is_found_and_put_back(table: MessagesUnderTest) -> None:
    table.inbound.add(with_file())
    table.inbound.add(inbound(MESSAGE_ID))

    assert [] == _forgotten(table, NOW)
    assert [OTHER_ID] == _forgotten(table, NOW + 1)
    assert [True, False] == [table.unsettled.put_back(OTHER_ID, NOW + 2) for _ in range(2)]
    assert [] == _forgotten(table, NOW + 1)
    assert [(OTHER_ID, "media")] == [(due.message_id, due.lane) for due in table.messages.due(NOW + 2, 10)]
    assert not table.unsettled.put_back(MESSAGE_ID, NOW + 2)
    table.inbound.record_stored(OTHER_ID, STORED, NOW + 3)
    assert ([], False) == (_forgotten(table, NOW + 1), table.unsettled.put_back(OTHER_ID, NOW + 4))


def _forgotten(table: MessagesUnderTest, before: int) -> list[str]:
    found, after = list[str](), None
    while True:
        page = table.unsettled.forgotten(before, after)
        found += [message.message_id for message in page.messages]
        if (after := page.next) is None:
            return found


def test_an_expired_message_is_gone(table: MessagesUnderTest) -> None:
    table.inbound.add(with_file())
    table.clock.advance(90 * DAY)

    assert table.inbound.get(OTHER_ID) is None
