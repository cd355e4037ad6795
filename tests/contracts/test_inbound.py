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
from tests.builders import MESSAGE_ID, NOW, NUMBER, OTHER_ID, WAMID, callback, inbound, news, outbound
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


@pytest.mark.usefixtures("imitated_aws")
@pytest.mark.parametrize(
    "message",
    [
        inbound(),
        inbound(sender=None, user_id="IN.1", parent_user_id="IN.ENT.1", username="mei", contact_name=None),
        inbound(content={"type": "location", "location": {"latitude": 37.4421, "longitude": -0.0}}),
        inbound(content={"type": "order", "order": {"n": 10**60, "": [None, True, {"": ""}], "x": 1e-300}}),
        inbound(content={"type": "text", "text": {"body": "x" * (MAX_CONTENT_BYTES - 50)}}),
        inbound(content={"type": "image", "image": {}}, file=MetaFile("1", "image/png", "a.png", "0a" * 32)),
        inbound(content={"type": "image", "image": {}}, file=MetaFile("1")),
    ],
    ids=["text", "without a number", "floats", "any JSON", "large", "file", "bare file"],
)
def test_a_message_is_read_back_whole(message: InboundMessage) -> None:
    DynamoDBInbound(aws("dynamodb"), MESSAGES_TABLE).add(message)
    (item,) = items(MESSAGES_TABLE)

    assert message == read_message_item(item)


@pytest.mark.usefixtures("imitated_aws")
@pytest.mark.parametrize(
    "told", [news(), news(app_name="mystore", phone_number_id=NUMBER), news(waba_id=None, value=[0.5, None, 10**60])]
)
def test_news_are_read_back_whole(told: object) -> None:
    DynamoDBInbound(aws("dynamodb"), MESSAGES_TABLE).add_news(told)  # type: ignore[arg-type]
    (item,) = items(MESSAGES_TABLE)

    assert told == read_message_item(item)


@pytest.mark.usefixtures("imitated_aws")
def test_what_is_only_kept_is_no_change() -> None:
    DynamoDBInbound(aws("dynamodb"), MESSAGES_TABLE).keep(_unread(1))
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
