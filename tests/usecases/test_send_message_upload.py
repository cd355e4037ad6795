"""Uploads: one for each number and file, whoever sends, and another when it failed or Meta forgot the first."""

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from hkreach.domain.app import App, MetaAccount
from hkreach.domain.message import MessageError, OutboundMessage, Status
from hkreach.domain.meta_media import MetaMedia
from hkreach.domain.meta_outcome import Accepted, Halted, NotSent, Outcome, Refused, Uncertain
from hkreach.domain.time import DAY, SECOND
from hkreach.ports import Clock
from hkreach.usecases.send_message import SendMessage
from hkreach.usecases.send_message_admission import Admission
from hkreach.usecases.send_message_upload import UploadMedia
from tests.builders import ERROR, LIMITS, MEDIA, NUMBER, OTHER_NUMBER, PDF, UPLOAD, WAITS, app, outbound
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.messages import FakeMessages
from tests.fakes.numbers import FakeNumbers
from tests.fakes.outside import FakeMeta
from tests.fakes.secrets import FakeSealedSecrets
from tests.fakes.stores import FakeMediaStore, FakeSendQueue
from tests.usecases.crowd import Crowd

PLENTY: Callable[[], int] = lambda: 60_000  # noqa: E731 - a name for an argument
FORGOTTEN = Refused(MessageError("131053", "Media upload error", "unknown id"), lost_media=True)
ACCOUNT = MetaAccount(NUMBER, "w", b"sealed")


class House:
    """Processes that share the tables, a clock that stands still, and Meta."""

    def __init__(self, messages: FakeMessages, now: Clock) -> None:
        self.messages, self.now, self.meta, self.numbers = messages, now, FakeMeta(), FakeNumbers()
        self.secrets, self.media = FakeSealedSecrets(), FakeMediaStore()
        self.media.files[MEDIA.key] = PDF
        self.queue = FakeSendQueue()
        self.apps = FakeApps(self._app("mystore", NUMBER), self._app("other", OTHER_NUMBER))
        self.upload = UploadMedia(self.numbers, self.media, self.meta, now, UPLOAD)

    def _app(self, name: str, number: str) -> App:
        return app(name, meta=MetaAccount(number, "w", self.secrets.seal(name, "access_token", "EAAtoken")))

    def process(self) -> SendMessage:
        admission = Admission(self.numbers, self.now, replace(LIMITS, patience=3_600_000))
        return SendMessage(
            self.messages, self.apps, self.secrets, self.upload, self.meta, self.now, WAITS, admission, lambda _: None,
            queue=self.queue,
        )  # fmt: skip

    def add(self, *names: str, **parts: Any) -> None:
        for place, name in enumerate(names):
            self.messages.add(outbound(name, to=f"9199{place:08}", media=MEDIA, **parts))

    def message(self, message_id: str) -> OutboundMessage:
        return self.messages.rows[message_id].message

    def file(self) -> MetaMedia:
        return self.numbers.media(NUMBER, MEDIA.key, lambda state: (state, state))

    def named(self) -> list[str]:
        """The media ids of the messages that Meta got."""
        return [
            body["template"]["components"][0]["parameters"][0]["document"]["id"]  # type: ignore[index]
            for _, _, body in self.meta.sent
        ]


@pytest.fixture
def house(messages: FakeMessages, clock: FakeClock) -> House:
    return House(messages, clock)


def test_a_file_is_uploaded_once_for_each_number(house: House) -> None:
    house.add("a", "b")
    house.add("c", "d", app_name="other", phone_number_id=OTHER_NUMBER)
    for name in "abcd":
        assert "done" == house.process()(name, PLENTY)

    assert [NUMBER, OTHER_NUMBER] == [number for number, *_ in house.meta.uploads]
    assert ["media-1", "media-1", "media-2", "media-2"] == house.named()


def test_the_same_file_uploaded_twice_and_sent_itself_is_one_upload(house: House) -> None:
    content = f"mystore/outbound/{hashlib.sha256(PDF).hexdigest()}"
    for name, key, digest in (
        ("a", "mystore/outbound/one.1", content[-64:]),
        ("b", "mystore/outbound/two.1", content[-64:]),
        ("c", content, None),
    ):
        house.media.files[key] = PDF
        house.messages.add(outbound(name, to=f"9199{name}", media=replace(MEDIA, key=key, sha256=digest)))
        assert "done" == house.process()(name, PLENTY)

    assert (1, ["media-1"] * 3) == (len(house.meta.uploads), house.named())


def test_a_file_that_is_gone_fails_its_message_with_what_to_do(house: House) -> None:
    house.media.files.clear()
    house.add("a")

    assert "done" == house.process()("a", PLENTY)
    error = house.message("a").error
    assert error is not None
    assert (Status.FAILED, "media_gone", False) == (house.message("a").status, error.code, error.retryable)
    assert "POST /api/external/media" in error.details
    assert not house.file().is_claimed(house.now())


def test_another_file_is_another_upload(house: House) -> None:
    house.media.files["mystore/outbound/other"] = b"other"
    house.add("a")
    house.messages.add(outbound("b", media=replace(MEDIA, key="mystore/outbound/other")))
    for name in "ab":
        house.process()(name, PLENTY)

    assert [PDF, b"other"] == [content for _, _, content, *_ in house.meta.uploads]


@pytest.mark.parametrize(("later", "uploads"), [(29 * DAY - 1, 1), (29 * DAY, 2)])
def test_an_id_is_used_for_29_days(house: House, clock: FakeClock, later: int, uploads: int) -> None:
    house.add("a", "b", deadline=clock() + 40 * DAY)
    house.process()("a", PLENTY)
    clock.advance(later)
    house.process()("b", PLENTY)

    assert uploads == len(house.meta.uploads)


def test_a_thousand_messages_with_one_file_from_ten_senders_at_once_are_one_upload(house: House) -> None:
    senders = 10
    house.meta = meta = Crowd(senders - 1)
    house.upload = replace(house.upload, meta=meta)
    names = [f"message-{each}" for each in range(1_000)]
    house.add(*names)
    ready, waits = threading.Barrier(senders), list[int]()

    def send(own: list[str]) -> None:
        process = house.process()
        ready.wait(20)
        while own:
            progress = process(own[0], PLENTY, batch=len(own))
            if progress == "done":
                own.pop(0)
            else:
                assert isinstance(progress, int)
                waits.append(progress)
                meta.came_back()

    with ThreadPoolExecutor(senders) as threads:
        list(threads.map(send, [names[sender::senders] for sender in range(senders)]))

    assert (1, 1_000) == (len(meta.uploads), len(meta.sent))
    assert ["media-1"] * 1_000 == house.named()
    assert {Status.ACCEPTED} == {house.message(name).status for name in names}
    assert {2, 3, 4, 5} >= set(waits)
    assert senders - 1 <= len(waits)


class Overtaken(FakeMeta):
    """While a file is uploaded another process takes a message with it."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self.house, self.progress, self.calls = house, list[object](), list[str]()

    def upload(self, *args: Any) -> Outcome:
        outcome, before = super().upload(*args), len(self.house.numbers.calls)
        self.progress.append(self.house.process()("b", PLENTY))
        self.calls += self.house.numbers.calls[before:]
        return outcome


def test_who_comes_while_it_is_uploaded_comes_back_and_takes_nobodys_time(house: House) -> None:
    house.meta = meta = Overtaken(house)
    house.upload = replace(house.upload, meta=meta)
    house.add("a", "b")
    house.process()("a", PLENTY, batch=10)

    (seconds,) = meta.progress
    assert isinstance(seconds, int)
    assert 2 <= seconds <= 5
    assert (["media"], 0) == (meta.calls, house.message("b").tries)
    assert "done" == house.process()("b", PLENTY, receives=2)
    assert (1, ["media-1"] * 2) == (len(meta.uploads), house.named())


def test_what_the_queue_gave_too_often_waits_in_the_table_and_says_for_what(house: House) -> None:
    house.add("a")
    house.numbers.media(NUMBER, MEDIA.key, lambda file: (file.claimed(house.now() + UPLOAD), None))

    assert "done" == house.process()("a", PLENTY, receives=10)
    message = house.message("a")
    assert "upload" == message.waits_for
    assert message.due_at is not None
    assert 2 * SECOND <= message.due_at - house.now() <= 5 * SECOND


def test_a_claim_that_ran_out_is_taken_by_the_next(house: House, clock: FakeClock) -> None:
    """Its owner was killed."""
    house.add("a")
    house.numbers.media(NUMBER, MEDIA.key, lambda file: (file.claimed(house.now() + 1), None))
    assert 1 == house.process()("a", PLENTY), "no longer than the claim"
    clock.advance(1)

    assert "done" == house.process()("a", PLENTY)
    assert 1 == len(house.meta.uploads)


@pytest.mark.parametrize("outcome", [NotSent("131016"), Uncertain("torn"), Halted("190"), Refused(ERROR)])
def test_an_upload_that_failed_is_given_up(house: House, outcome: Outcome) -> None:
    house.meta.upload_answers.append(outcome)

    assert outcome == house.upload(MEDIA, ACCOUNT, "t")
    assert Accepted("media-2") == house.upload(MEDIA, ACCOUNT, "t")
    assert "media-2" == house.upload(MEDIA, ACCOUNT, "t")


def test_so_is_one_whose_file_cannot_be_read(house: House) -> None:
    house.media.fails("open", OSError("S3"))

    with pytest.raises(OSError, match="S3"):
        house.upload(MEDIA, ACCOUNT, "t")
    assert Accepted("media-1") == house.upload(MEDIA, ACCOUNT, "t")


def test_a_crowd_of_writers_means_a_little_later(house: House) -> None:
    house.numbers.contended = 1
    seconds = house.upload(MEDIA, ACCOUNT, "t")

    assert isinstance(seconds, int)
    assert ([], True) == (house.meta.uploads, 2 <= seconds <= 5)


def test_an_id_that_cannot_be_written_is_used_for_its_message(house: House) -> None:
    class Unwritable(FakeMeta):
        def upload(self, *args: Any) -> Outcome:
            house.numbers.fails("media", OSError("table"))
            return super().upload(*args)

    house.meta = Unwritable()
    house.upload = replace(house.upload, meta=house.meta)
    house.add("a")

    assert "done" == house.process()("a", PLENTY)
    assert ["media-1"] == house.named()
    assert house.file().is_claimed(house.now()), "the others wait for its end"


class TestForgottenByMeta:
    @pytest.fixture(autouse=True)
    def uploaded(self, house: House) -> None:
        house.numbers.media(NUMBER, MEDIA.key, lambda file: (file.uploaded("media-0", house.now()), None))
        house.add("a", "b")

    def test_it_is_uploaded_again_and_the_message_goes(self, house: House) -> None:
        house.meta.send_answers.append(FORGOTTEN)

        assert isinstance(house.process()("a", PLENTY), int)
        assert (Status.QUEUED, None) == (house.message("a").status, house.message("a").claim)
        assert "done" == house.process()("a", PLENTY, receives=2)
        assert (Status.ACCEPTED, ["media-0", "media-1"]) == (house.message("a").status, house.named())
        assert "media-1" == house.file().media_id

    def test_once(self, house: House) -> None:
        house.meta.send_answers += [FORGOTTEN, FORGOTTEN]
        house.process()("a", PLENTY)

        assert "done" == house.process()("a", PLENTY, receives=2)
        assert (Status.FAILED, FORGOTTEN.error) == (house.message("a").status, house.message("a").error)
        assert None is house.file().media_id, "the next message may have more luck"

    def test_not_even_once_more_if_another_message_had_it_uploaded_meanwhile(self, house: House) -> None:
        house.meta.send_answers += [FORGOTTEN, Accepted("wamid.b"), FORGOTTEN]
        house.process()("a", PLENTY)
        house.process()("b", PLENTY)

        assert "done" == house.process()("a", PLENTY, receives=2)
        assert (1, Status.FAILED) == (len(house.meta.uploads), house.message("a").status)

    def test_what_another_uploaded_meanwhile_is_kept(self, house: House) -> None:
        def another(*_: object) -> None:
            house.numbers.media(NUMBER, MEDIA.key, lambda file: (file.uploaded("media-9", house.now()), None))

        house.meta.while_sending, house.meta.send_answers = another, [FORGOTTEN]
        house.process()("a", PLENTY)
        house.process()("a", PLENTY, receives=2)

        assert ([], ["media-0", "media-9"]) == (house.meta.uploads, house.named())

    def test_another_refusal_says_nothing_of_the_file(self, house: House) -> None:
        house.meta.send_answers.append(Refused(ERROR))

        assert "done" == house.process()("a", PLENTY)
        assert (Status.FAILED, "media-0") == (house.message("a").status, house.file().media_id)
