"""accept_message: one write commits a request; the same request is the same write."""

from dataclasses import replace

import pytest

from hkreach.domain.button import ButtonParam
from hkreach.domain.errors import Conflict, IdempotencyConflict, Invalid
from hkreach.domain.header import LocationHeader
from hkreach.domain.message import KEPT_FOR, Status, derived_message_id, is_message_id
from hkreach.domain.template import Template
from hkreach.usecases.accept_message import IncomingFile, Receipt, SendRequest, accept_message
from tests.builders import NOW, NUMBER, PDF, PNG, RECIPIENT, TEMPLATE, app
from tests.fakes.clock import FakeClock
from tests.fakes.messages import FakeMessages
from tests.fakes.stores import FakeMediaStore
from tests.fakes.uploads import FakeUploads

REQUEST = SendRequest(RECIPIENT, TEMPLATE, "MyStore_ERP")
KEYED = replace(REQUEST, idempotency_key="order-12345")
FILE = IncomingFile(PDF, "/tmp/In voice.pdf")


@pytest.fixture
def media() -> FakeMediaStore:
    return FakeMediaStore()


@pytest.fixture
def uploads(clock: FakeClock) -> FakeUploads:
    return FakeUploads(clock)


def test_a_request_becomes_a_queued_message(
    messages: FakeMessages, media: FakeMediaStore, uploads: FakeUploads, clock: FakeClock
) -> None:
    receipt = accept_message(app(), REQUEST, messages=messages, media=media, uploads=uploads, now=clock)

    message = messages.get(receipt.message_id)
    assert message is not None
    assert is_message_id(receipt.message_id)
    assert (False, Status.QUEUED, {Status.QUEUED: NOW}) == (receipt.replayed, message.status, message.facts)
    assert ("mystore", NUMBER, RECIPIENT, TEMPLATE) == (
        message.app_name, message.phone_number_id, message.to, message.template,
    )  # fmt: skip
    assert ("MyStore_ERP", None, None) == (message.third_party_app_name, message.media, message.request_digest)
    assert NOW + KEPT_FOR == message.expires_at


def test_each_request_without_a_key_is_a_message_of_its_own(
    messages: FakeMessages, media: FakeMediaStore, uploads: FakeUploads, clock: FakeClock
) -> None:
    ids = {
        accept_message(app(), REQUEST, messages=messages, media=media, uploads=uploads, now=clock).message_id
        for _ in range(3)
    }

    assert 3 == len(ids) == len(messages.rows)


def test_a_file_is_stored_before_the_message_is_written(
    messages: FakeMessages, media: FakeMediaStore, uploads: FakeUploads, clock: FakeClock
) -> None:
    receipt = accept_message(
        app(), replace(REQUEST, file=FILE), messages=messages, media=media, uploads=uploads, now=clock
    )

    message = messages.get(receipt.message_id)
    assert message is not None
    assert message.media is not None
    assert ("application/pdf", len(PDF), "In voice.pdf") == (
        message.media.mime_type, message.media.size, message.media.filename,
    )  # fmt: skip
    assert {message.media.key: PDF} == media.files


def test_a_file_without_a_name_gets_one(
    messages: FakeMessages, media: FakeMediaStore, uploads: FakeUploads, clock: FakeClock
) -> None:
    request = replace(REQUEST, file=IncomingFile(PNG))
    receipt = accept_message(app(), request, messages=messages, media=media, uploads=uploads, now=clock)

    message = messages.get(receipt.message_id)
    assert message is not None
    assert message.media is not None
    assert "file.png" == message.media.filename


@pytest.mark.parametrize("content", [b"", b"GIF89a\x01\x00", b"MZ\x90\x00\x03"], ids=["empty", "gif", "exe"])
def test_a_file_that_whatsapp_does_not_take_is_refused_and_nothing_stored(
    messages: FakeMessages, media: FakeMediaStore, uploads: FakeUploads, clock: FakeClock, content: bytes
) -> None:
    with pytest.raises(Invalid) as refused:
        accept_message(
            app(),
            replace(REQUEST, file=IncomingFile(content)),
            messages=messages,
            media=media,
            uploads=uploads,
            now=clock,
        )

    assert ["file"] == [fault.field for fault in refused.value.faults]
    assert ({}, {}) == (messages.rows, media.files)


def test_an_app_without_a_number_cannot_send(
    messages: FakeMessages, media: FakeMediaStore, uploads: FakeUploads, clock: FakeClock
) -> None:
    with pytest.raises(Conflict):
        accept_message(
            app(meta=None), replace(REQUEST, file=FILE), messages=messages, media=media, uploads=uploads, now=clock
        )

    assert ({}, {}) == (messages.rows, media.files)


def test_the_same_request_with_the_same_key_is_the_same_message(
    messages: FakeMessages, media: FakeMediaStore, uploads: FakeUploads, clock: FakeClock
) -> None:
    first = accept_message(app(), KEYED, messages=messages, media=media, uploads=uploads, now=clock)
    clock.advance(60_000)
    again = accept_message(app(), KEYED, messages=messages, media=media, uploads=uploads, now=clock)

    expected = derived_message_id("mystore", "order-12345")
    assert (Receipt(expected), Receipt(expected, replayed=True)) == (first, again)
    assert {Status.QUEUED: NOW} == messages.rows[expected].message.facts


@pytest.mark.parametrize(
    "other",
    [
        replace(KEYED, to="85291234567"),
        replace(KEYED, third_party_app_name=None),
        replace(KEYED, template=replace(TEMPLATE, name="another")),
        replace(KEYED, template=replace(TEMPLATE, language_code="de")),
        replace(KEYED, template=replace(TEMPLATE, body_params=["John Doe"])),
        replace(KEYED, template=replace(TEMPLATE, body_params={"name": "John Doe"})),
        replace(KEYED, template=replace(TEMPLATE, header=None)),
        replace(KEYED, template=replace(TEMPLATE, header=LocationHeader(1, 2))),
        replace(KEYED, template=replace(TEMPLATE, buttons=[ButtonParam(0, "url", "x")])),
        replace(KEYED, file=FILE),
    ],
    ids=[
        "to",
        "caller",
        "name",
        "language",
        "fewer parameters",
        "named parameters",
        "header",
        "place",
        "button",
        "file",
    ],
)
def test_another_request_with_the_same_key_is_refused(
    messages: FakeMessages, media: FakeMediaStore, uploads: FakeUploads, clock: FakeClock, other: SendRequest
) -> None:
    accept_message(app(), KEYED, messages=messages, media=media, uploads=uploads, now=clock)
    before = dict(messages.rows)

    with pytest.raises(IdempotencyConflict):
        accept_message(app(), other, messages=messages, media=media, uploads=uploads, now=clock)
    assert before == messages.rows


@pytest.mark.parametrize("other", [IncomingFile(PNG, FILE.filename), IncomingFile(PDF, "other.pdf")])
def test_another_file_with_the_same_key_is_refused(
    messages: FakeMessages, media: FakeMediaStore, uploads: FakeUploads, clock: FakeClock, other: IncomingFile
) -> None:
    accept_message(app(), replace(KEYED, file=FILE), messages=messages, media=media, uploads=uploads, now=clock)

    with pytest.raises(IdempotencyConflict):
        accept_message(app(), replace(KEYED, file=other), messages=messages, media=media, uploads=uploads, now=clock)


def test_a_request_is_known_again_by_later_versions(
    messages: FakeMessages, media: FakeMediaStore, uploads: FakeUploads, clock: FakeClock
) -> None:
    """The digest stands in the table for 90 days; computed in another way, a repeated request would be refused."""
    receipt = accept_message(
        app(), replace(KEYED, file=FILE), messages=messages, media=media, uploads=uploads, now=clock
    )

    assert (
        "643c011eb37e7ae7cc7b867f2e05b14ca82dc480c33c05ddc5572fe3379be668"
        == messages.rows[receipt.message_id].message.request_digest
    )


def test_the_order_of_named_parameters_makes_no_other_request(
    messages: FakeMessages, media: FakeMediaStore, uploads: FakeUploads, clock: FakeClock
) -> None:
    one, other = (
        replace(KEYED, template=Template("t", "en", params)) for params in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"})
    )
    accept_message(app(), one, messages=messages, media=media, uploads=uploads, now=clock)

    assert accept_message(app(), other, messages=messages, media=media, uploads=uploads, now=clock).replayed


def test_two_apps_may_use_the_same_key(
    messages: FakeMessages, media: FakeMediaStore, uploads: FakeUploads, clock: FakeClock
) -> None:
    ids = {
        accept_message(app(name), KEYED, messages=messages, media=media, uploads=uploads, now=clock).message_id
        for name in ("mystore", "other")
    }

    assert 2 == len(ids)


@pytest.mark.parametrize("failing", ["put", "add"])
def test_what_fails_is_raised(
    messages: FakeMessages, media: FakeMediaStore, uploads: FakeUploads, clock: FakeClock, failing: str
) -> None:
    messages.fails("add", *([OSError("add")] if failing == "add" else []))
    media.fails("put", *([OSError("put")] if failing == "put" else []))

    with pytest.raises(OSError, match=failing):
        accept_message(app(), replace(REQUEST, file=FILE), messages=messages, media=media, uploads=uploads, now=clock)
    assert {} == messages.rows
