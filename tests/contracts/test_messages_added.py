"""Messages: written once, read back whole, gone when they expire."""

from dataclasses import replace

import pytest

from hkreach.domain.button import ButtonParam
from hkreach.domain.header import LocationHeader
from hkreach.domain.message import Claim, OutboundMessage, Status
from hkreach.domain.template import Template
from hkreach.domain.time import DAY
from tests.builders import MEDIA, MESSAGE_ID, NOW, OTHER_ID, OTHER_NUMBER, callback, inbound, outbound
from tests.contracts.conftest import MessagesUnderTest


@pytest.mark.parametrize(
    "message",
    [
        outbound(),
        outbound(template=Template("plain", "zh_HK", [])),
        outbound(template=Template("place", "en", [], LocationHeader(22.28, -0.0000001, "HQ ☕", "1 Rd"))),
        outbound(template=Template("place", "en", [], LocationHeader(-90, 180))),
        outbound(
            template=Template("tap", "en", [], None, (ButtonParam(0, "url", "x"), ButtonParam(9, "copy_code", "7")))
        ),
        outbound(template=Template("named", "en_US", {"first_name": "Zoë ☕", "order": "7"})),
        outbound(media=MEDIA, third_party_app_name="MyStore_ERP", request_digest="ab" * 32),
        outbound(media=replace(MEDIA, sha256="ab" * 32)),
    ],
    ids=[
        "usual",
        "without parameters",
        "place",
        "bare place",
        "buttons",
        "named parameters",
        "with everything",
        "an upload",
    ],
)
def test_what_was_added_is_read_back(table: MessagesUnderTest, message: OutboundMessage) -> None:
    added = table.messages.add(message)

    assert added is None
    assert message == table.messages.get(message.message_id)


def test_what_was_never_added_is_not_there(table: MessagesUnderTest) -> None:
    assert table.messages.get(MESSAGE_ID) is None


def test_a_second_add_returns_the_first_message_and_writes_nothing(table: MessagesUnderTest) -> None:
    first = outbound(request_digest="aa" * 32)
    table.messages.add(first)

    earlier = table.messages.add(outbound(request_digest="bb" * 32, to="85291234567"))

    assert first == earlier
    assert first == table.messages.get(MESSAGE_ID)


def test_a_second_add_does_not_undo_what_happened_meanwhile(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())
    table.messages.record_status(callback(Status.READ))

    earlier = table.messages.add(outbound())

    assert earlier is not None
    assert Status.READ == earlier.status


def test_an_expired_message_does_not_exist(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())
    table.clock.advance(90 * DAY)

    assert table.messages.get(MESSAGE_ID) is None
    assert table.messages.claim(MESSAGE_ID, table.clock(), table.clock() + 25_000) is None


def test_an_expired_message_keeps_its_id_until_the_table_removes_it(table: MessagesUnderTest) -> None:
    first = outbound()
    table.messages.add(first)
    table.clock.advance(90 * DAY)

    assert first == table.messages.add(outbound(facts={Status.QUEUED: table.clock()}))
    assert table.messages.get(MESSAGE_ID) is None


def test_a_message_lives_to_its_last_second(table: MessagesUnderTest) -> None:
    table.messages.add(outbound(expires_at=(NOW // 1000 + 1) * 1000))

    table.clock.now = (NOW // 1000 + 1) * 1000 - 1
    assert table.messages.get(MESSAGE_ID) is not None
    table.clock.advance(1)
    assert table.messages.get(MESSAGE_ID) is None


def test_an_inbound_message_is_written_once(table: MessagesUnderTest) -> None:
    assert [True, False] == [table.inbound.add(inbound()), table.inbound.add(inbound())]


def test_an_inbound_message_is_never_read_claimed_or_given_a_status_as_one_to_send(table: MessagesUnderTest) -> None:
    table.inbound.add(inbound(OTHER_ID))

    assert table.messages.get(OTHER_ID) is None
    assert "unknown" == table.messages.record_status(callback(message_id=OTHER_ID))


def test_messages_do_not_touch_one_another(table: MessagesUnderTest) -> None:
    one, other = outbound(), outbound(OTHER_ID, phone_number_id=OTHER_NUMBER, app_name="other")
    table.messages.add(one)
    table.messages.add(other)

    claim = table.messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
    assert claim is not None
    table.messages.record_accepted(MESSAGE_ID, claim, NOW + 1, "wamid.one")

    assert other == table.messages.get(OTHER_ID)
    expected = replace(one, facts={Status.QUEUED: NOW, Status.ACCEPTED: NOW + 1}, wamid="wamid.one", tries=1)
    assert expected == table.messages.get(MESSAGE_ID)


def test_an_unknown_id_is_harmless_everywhere(table: MessagesUnderTest) -> None:
    claim = Claim(1, NOW + 25_000)
    table.messages.release(MESSAGE_ID, claim, NOW, "131016", None)
    table.messages.record_accepted(MESSAGE_ID, claim, NOW, "wamid.one")
    table.messages.record_unknown(MESSAGE_ID, claim, NOW)

    assert table.messages.claim(MESSAGE_ID, NOW, NOW + 25_000) is None
    assert table.messages.get(MESSAGE_ID) is None
