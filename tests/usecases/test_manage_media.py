"""manage_media: what an app uploaded by itself is looked at once, and may then be sent until it gets too old."""

from dataclasses import replace
from uuid import UUID

import pytest

from hkreach.domain.errors import Conflict, NotFound
from hkreach.domain.inbound import InboundMessage, MetaFile
from hkreach.domain.media import Media
from hkreach.domain.time import DAY, MINUTE
from hkreach.domain.upload import MAX_UPLOAD_BYTES, Uploaded, usable_for
from hkreach.usecases.manage_media import (
    Ready,
    RefusedMedia,
    StartedUpload,
    Waiting,
    content_of_media,
    manage_media,
    start_upload,
)
from tests.builders import ERROR, MESSAGE_ID, NOW, OTHER_ID, PDF, PNG, STORED, app, with_file
from tests.builders import inbound as inbound_text
from tests.fakes.clock import FakeClock
from tests.fakes.inbound import FakeInbound
from tests.fakes.messages import FakeMessages
from tests.fakes.outside import FakeMediaLinks
from tests.fakes.uploads import FakeUploads

SECOND_OF_NOW = NOW // 1_000 * 1_000


@pytest.fixture
def uploads(clock: FakeClock) -> FakeUploads:
    return FakeUploads(clock)


def _start(
    uploads: FakeUploads, clock: FakeClock, filename: str | None = None, size: int | None = None
) -> StartedUpload:
    return start_upload(app(), filename, size, uploads=uploads, now=clock)


def test_each_upload_has_an_id_of_its_own_and_a_form_for_it_alone(uploads: FakeUploads, clock: FakeClock) -> None:
    first, second = (_start(uploads, clock) for _ in range(2))

    assert first.media_id != second.media_id
    assert first.media_id == str(UUID(first.media_id))
    assert f"mystore/uploads/{first.media_id}" == first.form.fields["key"]
    assert NOW + 15 * MINUTE == first.expires_at


@pytest.mark.parametrize(
    ("size", "limits"), [(None, (1, 100_000_000)), (7, (7, 7)), (MAX_UPLOAD_BYTES, (10**8, 10**8))]
)
def test_a_known_size_is_the_only_one_that_the_form_takes(
    uploads: FakeUploads, clock: FakeClock, size: int | None, limits: tuple[int, int]
) -> None:
    started = _start(uploads, clock, size=size)

    assert limits == uploads.limits[started.form.fields["key"]]


def test_it_waits_for_the_file(uploads: FakeUploads, clock: FakeClock) -> None:
    media_id = _start(uploads, clock).media_id
    clock.advance(5 * MINUTE)

    assert Waiting(SECOND_OF_NOW + 15 * MINUTE) == manage_media(app(), media_id, uploads=uploads, now=clock)


def test_a_file_that_whatsapp_takes_is_ready_and_sealed(uploads: FakeUploads, clock: FakeClock) -> None:
    started = _start(uploads, clock, "../Catalogue\u202e 2027.pdf")
    uploads.upload(started.form, PDF)
    state = manage_media(app(), started.media_id, uploads=uploads, now=clock)

    assert isinstance(state, Ready)
    assert ("application/pdf", len(PDF), "Catalogue 2027.pdf") == (
        state.media.mime_type, state.media.size, state.media.filename,
    )  # fmt: skip
    assert SECOND_OF_NOW + usable_for(30) == state.until
    assert (PDF, state.media, 30) == uploads.sealed[state.media.key]
    assert state == manage_media(app(), started.media_id, uploads=uploads, now=clock)
    assert 1 == uploads.calls.count("seal")


def test_a_name_of_another_type_gets_its_own(uploads: FakeUploads, clock: FakeClock) -> None:
    started = _start(uploads, clock, "scan.jpg")
    uploads.upload(started.form, PDF)
    state = manage_media(app(), started.media_id, uploads=uploads, now=clock)

    assert isinstance(state, Ready)
    assert "scan.jpg.pdf" == state.media.filename


def test_a_file_without_a_name_gets_one(uploads: FakeUploads, clock: FakeClock) -> None:
    started = _start(uploads, clock)
    uploads.upload(started.form, PNG)
    state = manage_media(app(), started.media_id, uploads=uploads, now=clock)

    assert isinstance(state, Ready)
    assert "file.png" == state.media.filename


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"GIF89a", "is a GIF image, which WhatsApp does not take"),
        (PNG.ljust(5_000_001, b"\0"), "is image/png of 5,000,001 bytes; WhatsApp takes at most 5,000,000"),
    ],
    ids=["kind", "size"],
)
def test_a_file_that_whatsapp_does_not_take_is_refused_until_it_is_replaced(
    uploads: FakeUploads, clock: FakeClock, content: bytes, words: str
) -> None:
    started = _start(uploads, clock)
    uploads.upload(started.form, content)
    state = manage_media(app(), started.media_id, uploads=uploads, now=clock)

    assert isinstance(state, RefusedMedia)
    assert state.fault.startswith(words)
    assert {} == uploads.sealed
    uploads.upload(started.form, PDF)
    assert isinstance(manage_media(app(), started.media_id, uploads=uploads, now=clock), Ready)


@pytest.mark.parametrize("what", ["another app's", "never was", "no id", "a path"])
def test_all_ids_that_are_not_the_apps_look_the_same(uploads: FakeUploads, clock: FakeClock, what: str) -> None:
    mine = _start(uploads, clock)
    uploads.upload(mine.form, PDF)
    caller, media_id = {
        "another app's": (app("other"), mine.media_id),
        "never was": (app(), MESSAGE_ID),
        "no id": (app(), "x"),
        "a path": (app("other"), f"../mystore/uploads/{mine.media_id}"),
    }[what]

    with pytest.raises(NotFound) as refused:
        manage_media(caller, media_id, uploads=uploads, now=clock)
    with pytest.raises(NotFound) as never_was:
        manage_media(app(), MESSAGE_ID, uploads=uploads, now=clock)
    assert never_was.value.detail == refused.value.detail
    assert ["find"] * (2 if what in {"another app's", "never was"} else 1) == uploads.calls[1:], "only ids become keys"
    assert {} == uploads.sealed


def test_a_file_can_be_used_as_long_as_the_longest_wait_would_still_find_it(
    uploads: FakeUploads, clock: FakeClock
) -> None:
    started = _start(uploads, clock)
    uploads.upload(started.form, PDF)
    clock.now = SECOND_OF_NOW + 23 * DAY - 1
    assert isinstance(manage_media(app(), started.media_id, uploads=uploads, now=clock), Ready)

    clock.advance(1)
    with pytest.raises(NotFound, match="23 days"):
        manage_media(app(), started.media_id, uploads=uploads, now=clock)


def test_a_form_that_can_be_used_no_more_leaves_no_id(uploads: FakeUploads, clock: FakeClock) -> None:
    media_id = _start(uploads, clock).media_id
    clock.now = SECOND_OF_NOW + 15 * MINUTE - 1
    assert isinstance(manage_media(app(), media_id, uploads=uploads, now=clock), Waiting)

    clock.advance(1)
    with pytest.raises(NotFound, match=r"15 minutes.* POST /api/external/media gives a new one"):
        manage_media(app(), media_id, uploads=uploads, now=clock)


def test_a_slow_upload_that_ends_after_its_form_is_found(uploads: FakeUploads, clock: FakeClock) -> None:
    started = _start(uploads, clock)
    clock.advance(16 * MINUTE)
    uploads.upload(started.form, PDF)

    assert isinstance(manage_media(app(), started.media_id, uploads=uploads, now=clock), Ready)


def test_what_the_bucket_removed_does_not_wait_for_its_file_again(uploads: FakeUploads, clock: FakeClock) -> None:
    """Whichever of the objects of an id it removes first."""
    started, shop = _start(uploads, clock), app(media_days=8)
    uploads.upload(started.form, PDF)
    assert isinstance(manage_media(shop, started.media_id, uploads=uploads, now=clock), Ready)
    clock.advance(8 * DAY)
    uploads.files.clear()
    uploads.sealed.clear()

    with pytest.raises(NotFound, match="1 day after"):
        manage_media(shop, started.media_id, uploads=uploads, now=clock)


@pytest.mark.parametrize(("before", "after"), [(8, 30), (30, 8)])
def test_a_file_can_be_used_as_its_app_wanted_when_it_was_looked_at(
    uploads: FakeUploads, clock: FakeClock, before: int, after: int
) -> None:
    """Its tag is not changed, so the bucket removes it then, whatever the app wants since."""
    started = _start(uploads, clock)
    uploads.upload(started.form, PDF)
    manage_media(app(media_days=before), started.media_id, uploads=uploads, now=clock)
    state = manage_media(app(media_days=after), started.media_id, uploads=uploads, now=clock)

    assert isinstance(state, Ready)
    assert SECOND_OF_NOW + usable_for(before) == state.until


class _ReplacedWhileLookedAt(FakeUploads):
    """Somebody uses the form again between the look and the seal."""

    form_of: StartedUpload | None = None

    def seal(self, app_name: str, uploaded: Uploaded, mime_type: str, filename: str, media_days: int) -> Media:
        if self.form_of is not None:
            self.upload(self.form_of.form, b"GIF89a")
        return super().seal(app_name, uploaded, mime_type, filename, media_days)


def test_what_is_replaced_between_look_and_seal_is_not_let_through(clock: FakeClock) -> None:
    uploads = _ReplacedWhileLookedAt(clock)
    started = _start(uploads, clock)
    uploads.upload(started.form, PDF)
    uploads.form_of = started

    with pytest.raises(OSError, match="replaced"):
        manage_media(app(), started.media_id, uploads=uploads, now=clock)
    assert {} == uploads.sealed
    assert isinstance(manage_media(app(), started.media_id, uploads=uploads, now=clock), RefusedMedia)


class TestContent:
    def _content(self, uploads: FakeUploads, clock: FakeClock, *messages: InboundMessage, of: str = "mystore") -> str:
        inbound = FakeInbound(FakeMessages(clock), clock)
        for message in messages:
            inbound.add(message)
        links = FakeMediaLinks()
        address = content_of_media(app(of), OTHER_ID, inbound=inbound, uploads=uploads, links=links, now=clock)
        ((key, mime_type, name, seconds),) = links.made
        assert (f"https://bucket.example.com/{key}", 60) == (address, seconds)
        return f"{key} {mime_type} {name}"

    def test_of_what_a_customer_sent(self, uploads: FakeUploads, clock: FakeClock) -> None:
        stored = with_file(stored=STORED, stored_at=NOW, waits_for=None)
        named = replace(stored, file=MetaFile("1", filename="Leaf.png"))

        assert f"{STORED.key} image/png file.png" == self._content(uploads, clock, stored)
        assert f"{STORED.key} image/png Leaf.png" == self._content(uploads, clock, named)
        clock.advance(30 * DAY - 1)
        assert f"{STORED.key} image/png file.png" == self._content(uploads, clock, stored)
        clock.advance(1)
        with pytest.raises(NotFound, match="kept until 2026-12-22T09:00:00Z"):
            self._content(uploads, clock, stored)

    def test_what_nobody_recognised_is_handed_out_as_bytes(self, uploads: FakeUploads, clock: FakeClock) -> None:
        html = replace(STORED, mime_type="text/html", served_as="application/octet-stream")
        stored = with_file(stored=html, stored_at=NOW, waits_for=None)

        assert f"{STORED.key} application/octet-stream file.bin" == self._content(uploads, clock, stored)

    def test_of_another_app_or_nothing(self, uploads: FakeUploads, clock: FakeClock) -> None:
        stored = with_file(stored=STORED, stored_at=NOW, waits_for=None)

        for messages, of in (([stored], "other"), ([], "mystore"), ([inbound_text()], "mystore")):
            with pytest.raises(NotFound, match="has no media with this id"):
                self._content(uploads, clock, *messages, of=of)

    def test_of_what_is_not_there_yet_or_never_will_be(self, uploads: FakeUploads, clock: FakeClock) -> None:
        with pytest.raises(Conflict, match="still being fetched"):
            self._content(uploads, clock, with_file())
        with pytest.raises(NotFound, match="There is no file: Not on WhatsApp"):
            self._content(uploads, clock, with_file(error=ERROR, waits_for=None))

    def test_of_an_upload(self, uploads: FakeUploads, clock: FakeClock) -> None:
        def content(media_id: str) -> str:
            inbound, links = FakeInbound(FakeMessages(clock), clock), FakeMediaLinks()
            return content_of_media(app(), media_id, inbound=inbound, uploads=uploads, links=links, now=clock)

        started = _start(uploads, clock, "a.pdf")
        with pytest.raises(Conflict, match="not uploaded yet"):
            content(started.media_id)
        uploads.upload(started.form, PDF)
        assert content(started.media_id).startswith(f"https://bucket.example.com/mystore/outbound/{started.media_id}.")
        refused = _start(uploads, clock)
        uploads.upload(refused.form, b"<html><script>")
        with pytest.raises(Conflict, match="HTML"):
            content(refused.media_id)
        for wrong in ("", "../other/inbound/x", "x"):
            with pytest.raises(NotFound):
                content(wrong)
