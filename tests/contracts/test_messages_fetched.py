"""Messages: a file that was fetched is written once, and the message then is due for a sender."""

from dataclasses import replace

import pytest

from hkreach.domain.media import MediaAddress
from hkreach.domain.message import DueMessage, OutboundMessage
from tests.builders import ERROR, MEDIA, MESSAGE_ID, NOW, outbound
from tests.contracts.conftest import MessagesUnderTest

ADDRESS = MediaAddress("https://files.example.com/a.pdf", "Invoice.pdf")
DUE = NOW + 60_000


@pytest.fixture(autouse=True)
def _message(table: MessagesUnderTest) -> None:
    table.messages.add(outbound(media_address=ADDRESS))


def _read(table: MessagesUnderTest) -> OutboundMessage:
    message = table.messages.get(MESSAGE_ID)
    assert message is not None
    return message


@pytest.mark.parametrize("address", [ADDRESS, MediaAddress("https://files.example.com/a.pdf")])
def test_an_address_comes_back_as_it_was(table: MessagesUnderTest, address: MediaAddress) -> None:
    table.messages.add(outbound("other", media_address=address))

    assert outbound("other", media_address=address) == table.messages.get("other")


def test_what_waits_for_its_file_is_due_for_the_media_queue(table: MessagesUnderTest) -> None:
    table.messages.wait(_read(table), DUE, "media:media_status")

    assert ["media"] == [message.lane for message in table.messages.due(DUE, 100)]


def test_a_file_that_was_fetched_makes_its_message_due_for_a_sender(table: MessagesUnderTest) -> None:
    table.messages.wait(_read(table), DUE, "media:media_status")

    assert table.messages.record_fetched(MESSAGE_ID, MEDIA, DUE + 1)
    assert [] == list(table.messages.due(DUE, 100))
    assert [DueMessage(MESSAGE_ID, "mystore", DUE + 1)] == list(table.messages.due(DUE + 1, 100))
    assert (MEDIA, ADDRESS, None) == (_read(table).media, _read(table).media_address, _read(table).waits_for)


def test_the_first_file_counts(table: MessagesUnderTest) -> None:
    table.messages.record_fetched(MESSAGE_ID, MEDIA, DUE)

    assert not table.messages.record_fetched(MESSAGE_ID, replace(MEDIA, key="other"), DUE)
    assert MEDIA == _read(table).media


def test_a_message_that_is_claimed_settled_or_gone_gets_none(table: MessagesUnderTest) -> None:
    assert not table.messages.record_fetched("gone", MEDIA, DUE)
    table.messages.add(outbound("failed", media_address=ADDRESS))
    table.messages.record_failed("failed", NOW, ERROR)
    table.messages.add(outbound("claimed", media_address=ADDRESS))
    claim = table.messages.claim("claimed", NOW, NOW + 25_000)
    assert claim is not None
    for message_id in ("failed", "claimed"):
        assert not table.messages.record_fetched(message_id, MEDIA, DUE)
    table.messages.record_unknown("claimed", claim, NOW)
    assert not table.messages.record_fetched("claimed", MEDIA, DUE)
