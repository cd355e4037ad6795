"""fetch_media: a file comes from its address once, and its message goes on to a sender or says why not."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest

from hkreach.domain.app import MetaAccount
from hkreach.domain.media import Media, MediaAddress
from hkreach.domain.media_fetch import MediaAnswered, MediaIncomplete
from hkreach.domain.message import DueMessage, OutboundMessage, Status
from hkreach.domain.meta_outcome import Halted, NotSent, Outcome, Refused, Uncertain
from hkreach.domain.progress import Progress
from hkreach.usecases.fetch_media import FetchMedia, FetchWaits
from hkreach.usecases.fetch_media_received import FetchReceived, ReceivedWaits
from hkreach.usecases.send_message_upload import UploadMedia
from tests.builders import ERROR, MEDIA, MESSAGE_ID, NOW, NUMBER, PDF, app, outbound
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.inbound import FakeInbound
from tests.fakes.messages import FakeMessages
from tests.fakes.numbers import FakeNumbers
from tests.fakes.outside import FakeMediaFetcher, FakeMeta, FakeMetaFiles
from tests.fakes.secrets import FakeSealedSecrets
from tests.fakes.stores import FakeMediaSpool, FakeMediaStore, FakeSendQueue
from tests.usecases.crowd import Crowd

URL = "https://files.example.com/invoice.pdf?signature=secret"
PLENTY: Callable[[], int] = lambda: 150_000  # noqa: E731 - a name for an argument
WAITS = FetchWaits(fetch=65_000, retry_base=2, retry_longest=900, give_up=3_600, halted=300)
HOUR = 3_600_000
LARGE = PDF + b"x" * 5_000_000


@dataclass
class House:
    messages: FakeMessages
    fetcher: FakeMediaFetcher
    media: FakeMediaStore
    spool: FakeMediaSpool
    meta: FakeMeta
    apps: FakeApps
    queue: FakeSendQueue
    clock: FakeClock
    step: FetchMedia

    def message(self) -> OutboundMessage:
        return self.messages.rows[MESSAGE_ID].message

    def fetch(self, receives: int = 1) -> Progress:
        return self.step(MESSAGE_ID, PLENTY, receives)

    def error(self) -> tuple[str, str, bool] | None:
        error = self.message().error
        return (error.code, error.details, error.retryable) if error else None

    def queued(self) -> list[str]:
        assert all(isinstance(message, DueMessage) for message in self.queue.queued)
        return [message.lane for message in self.queue.queued]


@pytest.fixture
def house(messages: FakeMessages, clock: FakeClock) -> House:
    fetcher, media, meta, queue, secrets = (
        FakeMediaFetcher(), FakeMediaStore(), FakeMeta(), FakeSendQueue(), FakeSealedSecrets(),
    )  # fmt: skip
    fetcher.files[URL] = ("from the server.pdf", [PDF[:4], PDF[4:]])
    account = MetaAccount(NUMBER, "w", secrets.seal("mystore", "access_token", "EAAtoken"))
    apps, spool = FakeApps(app(meta=account)), FakeMediaSpool(media)
    upload = UploadMedia(FakeNumbers(), media, meta, clock, 65_000)
    received = FetchReceived(
        FakeInbound(messages, clock), apps, secrets, FakeMetaFiles(), spool, clock, ReceivedWaits(65_000, 2, 600)
    )
    step = FetchMedia(messages, apps, secrets, fetcher, spool, upload, queue, clock, WAITS, received)
    messages.add(outbound(media_address=MediaAddress(URL)))
    return House(messages, fetcher, media, spool, meta, apps, queue, clock, step)


def _large(house: House) -> None:
    house.fetcher.files[URL] = ("large.pdf", [LARGE])


# ---------------------------------------------------------------- what can be fetched


def test_a_file_is_fetched_kept_and_its_message_goes_to_its_lane(house: House) -> None:
    assert "media" == house.message().lane
    assert "done" == house.fetch()

    media = house.message().media
    assert media is not None
    assert (PDF, len(PDF), "application/pdf") == (house.media.files[media.key], media.size, media.mime_type)
    assert ("now", ["now"], 0) == (house.message().lane, house.queued(), house.spool.spooled)
    assert [] == house.meta.uploads, "that is the sender's"


@pytest.mark.parametrize(
    ("wanted", "told", "name"),
    [
        ("Mine.pdf", "theirs.pdf", "Mine.pdf"),
        (None, "theirs.pdf", "theirs.pdf"),
        (None, None, "file.pdf"),
        ("Mine", "theirs.pdf", "Mine"),
        (None, "download", "download.pdf"),
        (None, "scan.jpg", "scan.jpg.pdf"),
    ],
)
def test_the_name_is_the_callers_or_the_servers(house: House, wanted: str | None, told: str | None, name: str) -> None:
    house.fetcher.files[URL] = (told, [PDF])
    house.messages.rows.clear()
    house.messages.add(outbound(media_address=MediaAddress(URL, wanted)))
    house.fetch()

    media = house.message().media
    assert media is not None
    assert name == media.filename


def test_the_same_file_at_two_addresses_is_one_object(house: House) -> None:
    house.fetch()
    house.fetcher.files["https://b.example.com/"] = (None, [PDF])
    house.messages.add(outbound("other", media_address=MediaAddress("https://b.example.com/")))
    house.step("other", PLENTY)

    assert 1 == len(house.media.files)


def test_marketing_goes_to_its_own_lane(house: House) -> None:
    house.messages.rows[MESSAGE_ID].message = replace(house.message(), purpose="marketing")
    house.fetch()

    assert ["bulk"] == house.queued()


def test_who_dies_before_the_queue_has_it_loses_nothing(house: House) -> None:
    house.queue.fails("put", OSError("queue"))
    with pytest.raises(OSError, match="queue"):
        house.fetch()

    (due,) = house.messages.due(NOW + 60_000, 10)
    assert (MESSAGE_ID, "now") == (due.message_id, due.lane), "wake_due brings it to a sender"
    assert "done" == house.fetch(receives=2)
    assert ([URL], ["now"]) == (house.fetcher.fetched, house.queued())


def test_a_queue_that_refuses_it_is_asked_again(house: House) -> None:
    house.queue.refuses = frozenset({MESSAGE_ID})

    assert "later" == house.fetch()


def test_of_two_at_once_the_first_write_decides(house: House) -> None:
    other = Media("mystore/outbound/other", "application/pdf", 7, "other.pdf")

    def meanwhile() -> None:
        house.messages.record_fetched(MESSAGE_ID, other, NOW)

    house.fetcher.files[URL] = (None, _then(PDF, meanwhile))

    assert "done" == house.fetch()
    assert (other, []) == (house.message().media, house.queued())


def test_a_message_that_is_settled_meanwhile_stays_as_it_is(house: House) -> None:
    house.fetcher.files[URL] = (None, _then(PDF, lambda: house.messages.record_failed(MESSAGE_ID, NOW, ERROR)))

    assert "done" == house.fetch()
    assert (Status.FAILED, None, []) == (house.message().status, house.message().media, house.queued())


def _then(content: bytes, do: Callable[[], object]) -> Any:
    """The blocks of a file, with something that happens before the last."""

    def blocks() -> Any:
        yield content[:3]
        do()
        yield content[3:]

    return blocks()


def test_what_is_settled_claimed_or_gone_is_left_alone(house: House) -> None:
    assert "done" == house.step("gone", PLENTY)
    house.messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
    assert "done" == house.fetch()
    assert ([], []) == (house.fetcher.fetched, house.queued())


def test_nothing_is_begun_that_cannot_be_ended(house: House) -> None:
    assert 1 == house.step(MESSAGE_ID, lambda: WAITS.fetch - 1)
    assert [] == house.fetcher.fetched


# ---------------------------------------------------------------- what cannot


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"GIF89a....", "the file is a GIF image, which WhatsApp does not take in a header"),
        (b"\xff\xd8\xff" + b"x" * 5_000_000, "WhatsApp takes at most 5,000,000 of this kind: make it smaller."),
    ],
)
def test_a_file_that_whatsapp_does_not_take_fails_its_message(house: House, content: bytes, words: str) -> None:
    house.fetcher.files[URL] = (None, [content])

    assert "done" == house.fetch()
    code, details, retryable = house.error() or ("", "", True)
    assert ("media_unsupported", False) == (code, retryable)
    assert words in details
    assert ({}, 0, []) == (house.media.files, house.spool.spooled, house.queued())


def test_a_file_above_the_limit_is_cut_and_told(house: House) -> None:
    block = b"x" * 10_000_000
    house.fetcher.files[URL] = (None, [b"%PDF-" + block, *[block] * 10])
    house.fetch()

    found = "at most 100,000,000 bytes are taken from an address, and it has more bytes than that: make it smaller."
    assert ("media_too_large", found, False) == house.error()


def test_an_answer_for_good_fails_the_message_with_its_code(house: House) -> None:
    house.fetcher.files.clear()
    house.fetcher.failures[URL] = MediaAnswered(404)
    house.fetch()

    assert ("media_status", "the address answered with HTTP 404 instead of the file.", False) == house.error()


def test_a_failure_that_may_pass_waits_in_the_queue_at_first(house: House) -> None:
    house.fetcher.failures[URL] = MediaIncomplete()

    for receives in range(1, 6):
        waits = house.fetch(receives)
        assert isinstance(waits, int)
        assert 1 <= waits <= 2 * 2 ** (receives - 1)
    assert (None, Status.QUEUED) == (house.message().due_at, house.message().status)


def test_then_in_the_table_from_where_it_comes_back_to_the_media_queue(house: House) -> None:
    house.fetcher.failures[URL] = MediaIncomplete()

    assert "done" == house.fetch(receives=10)
    assert "media:media_incomplete" == house.message().waits_for
    (due,) = house.messages.due(NOW + HOUR, 10)
    assert "media" == due.lane


def test_its_waits_there_grow_with_the_time_since_it_was_accepted(
    house: House, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hkreach.domain.backoff.random.uniform", lambda least, most: most)
    house.fetcher.failures[URL] = MediaIncomplete()
    house.fetch(receives=10)
    times = []
    while house.error() is None:
        clock.now = house.message().due_at or 0
        times.append((clock.now - NOW) // 1_000)
        house.fetch()

    assert 3_600 <= times[-1] <= 3_600 + 900
    assert len(times) <= 8


def test_an_address_that_keeps_failing_is_given_up_after_an_hour(house: House, clock: FakeClock) -> None:
    house.fetcher.failures[URL] = MediaIncomplete()
    house.fetch(receives=10)
    clock.advance(HOUR)
    house.fetch()

    words = "the file broke off before its end: compare its Content-Length."
    assert ("media_incomplete", words, True) == house.error()


def test_never_at_its_first_try_however_late_that_was(house: House, clock: FakeClock) -> None:
    house.fetcher.failures[URL] = MediaIncomplete()
    clock.advance(2 * HOUR)

    assert house.fetch() in {1, 2}
    assert house.error() is None


def test_no_wait_goes_past_the_deadline_and_there_it_expires(house: House, clock: FakeClock) -> None:
    deadline = NOW + 600_000
    house.messages.rows[MESSAGE_ID].message = replace(house.message(), deadline=deadline)
    house.fetcher.failures[URL] = MediaIncomplete()
    clock.advance(599_000)

    assert 1 == house.fetch(receives=9)
    clock.advance(1_000)
    assert "done" == house.fetch(receives=10)
    assert ("expired", True) == ((house.error() or ("",))[0], (house.error() or ("", "", False))[2])


# ---------------------------------------------------------------- what is large goes to Meta from here


def test_a_large_file_is_given_to_meta_before_a_sender_gets_its_message(house: House) -> None:
    _large(house)

    assert "done" == house.fetch()
    assert [len(LARGE)] == [len(content) for _, _, content, _, _ in house.meta.uploads]
    assert (["now"], {MESSAGE_ID: 2}) == (house.queued(), house.queue.delays)
    assert "media" == house.message().lane, "where a sender sends it that finds no id"


def test_it_is_uploaded_once(house: House) -> None:
    _large(house)
    for _ in range(3):
        house.fetch()

    assert (1, [URL]) == (len(house.meta.uploads), house.fetcher.fetched)


@pytest.mark.parametrize("outcome", [NotSent("131016"), Uncertain("ReadTimeout")])
def test_an_upload_that_did_not_succeed_is_made_again(house: House, outcome: Outcome) -> None:
    _large(house)
    house.meta.upload_answers = [outcome]

    assert house.fetch() in {1, 2}
    assert "done" == house.fetch(receives=2)
    assert (2, [URL], ["now"]) == (len(house.meta.uploads), house.fetcher.fetched, house.queued())


def test_an_account_that_meta_refuses_waits_in_the_table(house: House) -> None:
    _large(house)
    house.meta.upload_answers = [Halted("190")]

    assert "done" == house.fetch()
    assert ("media:190", NOW + 300_000) == (house.message().waits_for, house.message().due_at)


def test_a_file_that_meta_refuses_fails_its_message(house: House) -> None:
    _large(house)
    house.meta.upload_answers = [Refused(ERROR)]
    house.fetch()

    assert (ERROR, []) == (house.message().error, house.queued())


def test_without_an_account_the_sender_finds_out(house: House) -> None:
    _large(house)
    before = house.apps.get_fresh("mystore")
    assert before is not None
    house.apps.replace(before, replace(before, meta=None))
    house.fetch()

    assert ([], ["now"]) == (house.meta.uploads, house.queued())


def test_a_large_file_is_not_begun_without_the_time_for_it(house: House) -> None:
    house.messages.rows[MESSAGE_ID].message = replace(house.message(), media=replace(MEDIA, size=6_000_000))

    assert 1 == house.step(MESSAGE_ID, lambda: 64_999)
    assert [] == house.meta.uploads


def test_many_messages_with_one_large_file_are_one_upload_whichever_workers_have_them(house: House) -> None:
    workers, names = 10, [f"message-{each}" for each in range(200)]
    meta = Crowd(workers - 1)
    step = replace(house.step, upload=replace(house.step.upload, meta=meta))
    house.media.files[MEDIA.key] = LARGE
    for name in names:
        house.messages.add(outbound(name, media=replace(MEDIA, size=len(LARGE))))
    ready = threading.Barrier(workers)

    def work(own: list[str]) -> None:
        ready.wait(20)
        while own:
            progress = step(own[0], PLENTY)
            if progress == "done":
                own.pop(0)
            else:
                assert isinstance(progress, int)
                meta.came_back()

    with ThreadPoolExecutor(workers) as threads:
        list(threads.map(work, [names[worker::workers] for worker in range(workers)]))

    assert (1, sorted(names)) == (len(meta.uploads), sorted(due.message_id for due in house.queue.queued))


def test_an_unknown_message_does_not_fail_for_a_refused_upload(house: House) -> None:
    house.media.files[MEDIA.key] = LARGE
    house.messages.rows[MESSAGE_ID].message = replace(
        house.message(), media=replace(MEDIA, size=len(LARGE)), facts={Status.QUEUED: NOW, Status.UNKNOWN: NOW}
    )
    house.meta.upload_answers = [Refused(ERROR)]
    house.fetch()

    assert (Status.UNKNOWN, None) == (house.message().status, house.message().error)


def test_the_sender_gives_both_kinds_to_the_media_queue(paced: Any) -> None:
    for parts in ({"media_address": MediaAddress(URL)}, {"media": replace(MEDIA, size=5_000_001)}):
        message_id = paced.add(**parts)
        assert "done" == paced.send(message_id)
        assert (message_id, "media") == (paced.step.queue.queued[-1].message_id, paced.step.queue.queued[-1].lane)
    assert ([], []) == (paced.meta.sent, paced.meta.uploads)


def test_a_sender_sends_a_large_file_that_meta_has(paced: Any) -> None:
    large = replace(MEDIA, size=5_000_001)
    paced.numbers.media(NUMBER, large.key, lambda state: (state.uploaded("media-9", NOW), None))
    paced.send(media=large)

    assert ([], 1) == (paced.step.queue.queued, len(paced.meta.sent))
