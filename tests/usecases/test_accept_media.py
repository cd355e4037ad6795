"""accept_message with a file that was uploaded before: checked before the 202, and from then on it cannot change."""

from dataclasses import replace

import pytest

from hkreach.domain.app import App
from hkreach.domain.errors import IdempotencyConflict, Invalid, NotFound
from hkreach.domain.media import Media
from hkreach.domain.upload import usable_for
from hkreach.usecases.accept_message import Receipt, SendRequest, accept_message
from hkreach.usecases.manage_media import StartedUpload, start_upload
from tests.builders import MESSAGE_ID, PDF, PNG, RECIPIENT, TEMPLATE, app
from tests.fakes.clock import FakeClock
from tests.fakes.messages import FakeMessages
from tests.fakes.stores import FakeMediaStore
from tests.fakes.uploads import FakeUploads

REQUEST = SendRequest(RECIPIENT, replace(TEMPLATE, header=None))


class _Desk:
    def __init__(self, messages: FakeMessages, clock: FakeClock) -> None:
        self.messages, self.clock = messages, clock
        self.uploads, self.media = FakeUploads(clock), FakeMediaStore()

    def start(self) -> StartedUpload:
        return start_upload(app(), "Catalogue.pdf", None, uploads=self.uploads, now=self.clock)

    def upload(self, content: bytes = PDF) -> StartedUpload:
        started = self.start()
        self.uploads.upload(started.form, content)
        return started

    def accept(self, request: SendRequest, caller: App | None = None) -> Receipt:
        return accept_message(
            caller or app(),
            request,
            messages=self.messages,
            media=self.media,
            uploads=self.uploads,
            now=self.clock,
        )

    def media_of(self, receipt: Receipt) -> Media:
        message = self.messages.get(receipt.message_id)
        assert message is not None
        assert message.media is not None
        return message.media


@pytest.fixture
def desk(messages: FakeMessages, clock: FakeClock) -> _Desk:
    return _Desk(messages, clock)


def test_a_file_is_the_header_of_as_many_messages_as_wanted(desk: _Desk) -> None:
    request = replace(REQUEST, media_id=desk.upload().media_id)
    first, second = (desk.media_of(desk.accept(request)) for _ in range(2))

    assert first == second
    assert ("application/pdf", len(PDF), "Catalogue.pdf") == (first.mime_type, first.size, first.filename)
    assert PDF == desk.uploads.sealed[first.key][0]
    assert 2 == len(desk.messages.rows)


@pytest.mark.parametrize(
    ("name", "expected"), [("For you.pdf", "For you.pdf"), ("a/b.pdf", "b.pdf"), ("..", "file.pdf")]
)
def test_a_message_may_give_the_file_another_name(desk: _Desk, name: str, expected: str) -> None:
    media_id = desk.upload().media_id
    renamed = desk.media_of(desk.accept(replace(REQUEST, media_id=media_id, filename=name)))
    plain = desk.media_of(desk.accept(replace(REQUEST, media_id=media_id)))

    assert (expected, "Catalogue.pdf", plain.key) == (renamed.filename, plain.filename, renamed.key)


def test_what_is_not_there_yet_is_refused_with_what_to_do(desk: _Desk) -> None:
    with pytest.raises(Invalid) as refused:
        desk.accept(replace(REQUEST, media_id=desk.start().media_id))

    (fault,) = refused.value.faults
    assert "headerMediaId" == fault.field
    assert "was not uploaded yet" in fault.detail
    assert {} == desk.messages.rows


def test_what_whatsapp_does_not_take_is_refused_with_the_reason(desk: _Desk) -> None:
    with pytest.raises(Invalid) as refused:
        desk.accept(replace(REQUEST, media_id=desk.upload(b"GIF89a").media_id))

    (fault,) = refused.value.faults
    assert fault.detail.startswith("headerMediaId is a GIF image, which WhatsApp does not take")
    assert {} == desk.messages.rows


@pytest.mark.parametrize(("caller", "media_id"), [("other", None), ("mystore", MESSAGE_ID), ("mystore", "../x")])
def test_no_media_of_the_app_is_404_and_names_the_field(desk: _Desk, caller: str, media_id: str | None) -> None:
    mine = desk.upload().media_id

    with pytest.raises(NotFound) as refused:
        desk.accept(replace(REQUEST, media_id=media_id or mine), app(caller))
    assert ["headerMediaId"] == [fault.field for fault in refused.value.faults]
    assert {} == desk.messages.rows


def test_what_is_uploaded_later_with_the_same_form_changes_no_message(desk: _Desk) -> None:
    started = desk.upload()
    request = replace(REQUEST, media_id=started.media_id)
    first = desk.media_of(desk.accept(request))
    desk.uploads.upload(started.form, PNG)
    second = desk.media_of(desk.accept(request))

    assert ("application/pdf", "image/png") == (first.mime_type, second.mime_type)
    assert (PDF, PNG) == (desk.uploads.sealed[first.key][0], desk.uploads.sealed[second.key][0])


KEYED = replace(REQUEST, idempotency_key="order-1")


def test_a_repeated_request_gets_its_first_answer_also_when_the_file_is_gone(desk: _Desk) -> None:
    request = replace(KEYED, media_id=desk.upload().media_id)
    first = desk.accept(request)
    desk.clock.advance(usable_for(30))

    assert Receipt(first.message_id, replayed=True) == desk.accept(request)
    with pytest.raises(NotFound):
        desk.accept(replace(request, idempotency_key="order-2"))
    with pytest.raises(IdempotencyConflict):
        desk.accept(replace(request, to="85291234567"))


def test_another_file_or_name_with_the_same_key_is_another_request(desk: _Desk) -> None:
    request = replace(KEYED, media_id=desk.upload().media_id)
    desk.accept(request)

    for other in (
        KEYED,
        replace(request, media_id=desk.upload().media_id),
        replace(request, filename="other.pdf"),
    ):
        with pytest.raises(IdempotencyConflict):
            desk.accept(other)
