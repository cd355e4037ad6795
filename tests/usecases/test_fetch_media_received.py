"""fetch_media, on what customers send: the file comes from Meta once, and its message is complete, or says why not."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from hkreach.domain.app import MetaAccount
from hkreach.domain.event import received_event
from hkreach.domain.inbound import InboundMessage
from hkreach.domain.inbound_file import FileNotGiven
from hkreach.domain.message import DueMessage
from hkreach.domain.progress import Progress
from hkreach.domain.time import DAY, SECOND
from hkreach.usecases.fetch_media_received import FetchReceived, ReceivedWaits
from tests.builders import NUMBER, OTHER_ID, PNG, STORED, app, inbound, with_file
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.inbound import FakeInbound
from tests.fakes.messages import FakeMessages
from tests.fakes.outside import FakeMetaFiles
from tests.fakes.secrets import FakeSealedSecrets
from tests.fakes.stores import FakeMediaSpool, FakeMediaStore

META_ID = "1003383421387256"
PLENTY: Callable[[], int] = lambda: 150_000  # noqa: E731 - a name for an argument
GIVE_UP = 600
PASSING = FileNotGiven("media_status", "Meta's address answered with HTTP 404 instead of the file", retryable=True)


@dataclass
class House:
    inbound: FakeInbound
    messages: FakeMessages
    files: FakeMetaFiles
    store: FakeMediaStore
    spool: FakeMediaSpool
    apps: FakeApps
    clock: FakeClock
    step: FetchReceived

    def message(self) -> InboundMessage:
        return self.inbound.received[OTHER_ID]

    def fetch(self, receives: int = 1) -> Progress:
        return self.step(OTHER_ID, PLENTY, receives)

    def fails(self, *failures: FileNotGiven) -> None:
        self.files.failures[META_ID] = list(failures)


@pytest.fixture
def house(messages: FakeMessages, clock: FakeClock) -> House:
    inbound, files, store = FakeInbound(messages, clock), FakeMetaFiles(), FakeMediaStore()
    files.files[META_ID] = [PNG[:4], PNG[4:]]
    secrets, spool = FakeSealedSecrets(), FakeMediaSpool(store)
    apps = FakeApps(app(meta=MetaAccount(NUMBER, "w", secrets.seal("mystore", "access_token", "EAAtoken"))))
    waits = ReceivedWaits(fetch=65_000, retry_base=2, give_up=GIVE_UP)
    inbound.add(with_file())
    step = FetchReceived(inbound, apps, secrets, files, spool, clock, waits)
    return House(inbound, messages, files, store, spool, apps, clock, step)


def test_a_file_is_fetched_with_the_apps_token_and_kept_under_its_app_and_id(house: House) -> None:
    assert "done" == house.fetch()

    assert (STORED, None, True) == (house.message().stored, house.message().error, house.message().is_complete)
    assert {STORED.key: PNG} == house.store.files
    assert [(META_ID, NUMBER, "EAAtoken")] == house.files.asked
    assert 0 == house.spool.spooled


def test_the_file_of_an_edited_message_is_fetched_and_told(house: House) -> None:
    content = {"type": "edit", "edit": {"messageId": "x", "message": house.message().content}}
    house.inbound.received[OTHER_ID] = replace(house.message(), content=content)
    assert "done" == house.fetch()

    told = received_event(house.message())["data"]["edit"]["message"]
    assert (STORED.sha256, OTHER_ID) == (told[told["type"]]["sha256"], told[told["type"]]["mediaId"])


def test_a_file_is_fetched_once(house: House) -> None:
    assert ["done", "done"] == [house.fetch(), house.fetch()]
    assert 1 == len(house.files.asked)


@pytest.mark.parametrize("message", [None, inbound(OTHER_ID), with_file(waits_for=None)])
def test_what_lacks_no_file_is_done(house: House, message: InboundMessage | None) -> None:
    house.inbound.received.clear()
    if message:
        house.inbound.add(message)

    assert "done" == house.fetch()
    assert [] == house.files.asked


def test_with_too_little_time_nothing_is_begun(house: House) -> None:
    assert 1 == house.step(OTHER_ID, lambda: 64_999)
    assert [] == house.files.asked


def test_meta_did_not_say_what_the_file_is(house: House) -> None:
    message = house.message()
    assert message.file is not None
    house.inbound.received[OTHER_ID] = replace(message, file=replace(message.file, sha256=None, mime_type=None))
    house.fetch()

    assert STORED == house.message().stored


def test_a_file_is_what_its_content_says(house: House) -> None:
    message = house.message()
    assert message.file is not None
    lying = replace(message.file, mime_type="text/html", sha256=None)
    house.inbound.received[OTHER_ID] = replace(message, file=lying)
    house.fetch()

    assert "image/png" == house.store.types[STORED.key]


def test_another_file_than_meta_announced_is_not_kept(house: House) -> None:
    house.files.files[META_ID] = [PNG, b"more"]

    assert isinstance(house.fetch(), int)
    assert ({}, 0, None) == (house.store.files, house.spool.spooled, house.message().stored)


def test_a_file_above_the_limit_of_its_kind_is_given_up(house: House) -> None:
    house.files.files[META_ID] = [b"x" * 25_000_001]
    house.fetch()

    error = house.message().error
    assert error is not None
    assert ("media_too_large", False) == (error.code, error.retryable)


def test_what_meta_does_not_have_is_given_up_at_once(house: House) -> None:
    house.fails(FileNotGiven("media_gone", "Meta does not give the file: gone", retryable=False))

    assert "done" == house.fetch()
    error = house.message().error
    assert error is not None
    assert ("media_gone", "Meta does not give the file: gone.") == (error.code, error.details)
    assert house.message().is_complete


def test_a_failure_that_may_pass_waits_in_the_queue(house: House) -> None:
    house.fails(PASSING)

    progress = house.fetch()
    assert isinstance(progress, int)
    assert 1 <= progress <= 2
    assert not house.message().is_complete
    assert "done" == house.fetch(2)
    assert STORED == house.message().stored


def test_after_ten_receives_it_waits_in_the_table_for_the_media_queue(house: House) -> None:
    house.fails(PASSING)

    assert "done" == house.fetch(10)
    (due,) = house.messages.due(house.clock() + GIVE_UP * SECOND, 10)
    assert (OTHER_ID, "media", "media:media_status") == (due.message_id, due.lane, due.waits_for)
    house.clock.now = due.due_at
    assert "done" == house.fetch()
    assert replace(STORED, kept_until=house.clock() + 30 * DAY) == house.message().stored
    assert [] == list(house.messages.due(house.clock() + DAY, 10)), "what is complete waits no more"


def test_after_the_give_up_time_the_message_goes_without_its_file(house: House) -> None:
    house.fails(PASSING, PASSING, PASSING)
    house.fetch(10)
    (due,) = house.messages.due(house.clock() + GIVE_UP * SECOND, 10)
    assert due.due_at <= house.message().recorded_at + GIVE_UP * SECOND + 1_000
    house.clock.now = house.message().recorded_at + GIVE_UP * SECOND - 1
    house.fetch()
    assert not house.message().is_complete
    house.clock.advance(1)
    house.fetch(2)

    error = house.message().error
    assert error is not None
    assert ("media_status", True) == (error.code, house.message().is_complete)


def test_a_message_that_comes_late_is_tried_twice_at_least(house: House) -> None:
    house.fails(PASSING)
    house.clock.advance(GIVE_UP * SECOND * 100)

    assert 1 == house.fetch()
    assert "done" == house.fetch(2)
    assert replace(STORED, kept_until=house.clock() + 30 * DAY) == house.message().stored


def test_an_app_may_keep_its_files_for_fewer_days(house: House) -> None:
    before = house.apps.apps["mystore"]
    house.apps.replace(before, replace(before, media_days=8, version=2))
    house.fetch()

    assert replace(STORED, kept_until=house.clock() + 8 * DAY) == house.message().stored


def test_a_number_that_is_not_the_apps_any_more(house: House) -> None:
    house.apps.replace(house.apps.apps["mystore"], app(meta=None, version=2))

    assert isinstance(house.fetch(), int)
    house.clock.advance(GIVE_UP * SECOND + 1_000)
    house.fetch(2)
    error = house.message().error
    assert error is not None
    assert "no_account" == error.code


@pytest.mark.parametrize("method", ["get", "record_stored", "wait", "record_not_given"])
def test_a_table_that_fails_is_raised_and_the_next_try_goes_on(house: House, method: str) -> None:
    if method == "wait":
        house.fails(PASSING)
    if method == "record_not_given":
        house.files.files.clear()
    house.inbound.fails(method, OSError("table"))

    with pytest.raises(OSError, match="table"):
        house.fetch(10)
    assert "done" == house.fetch(10)
    assert house.message().is_complete
    assert 0 == house.spool.spooled


def test_a_bucket_that_fails_is_raised(house: House) -> None:
    house.spool.fails("spool", OSError("bucket"))

    with pytest.raises(OSError, match="bucket"):
        house.fetch()
    assert not house.message().is_complete


def test_another_worker_was_quicker(house: House) -> None:
    opened = house.files.open

    def overtaken(*arguments: str | int) -> object:
        house.inbound.record_stored(OTHER_ID, STORED, house.clock())
        return opened(*arguments)  # type: ignore[arg-type]

    house.files.open = overtaken  # type: ignore[assignment, method-assign]
    assert "done" == house.fetch()
    assert STORED == house.message().stored


def test_what_waits_is_woken_like_all_else(house: House) -> None:
    house.inbound.wait(house.message(), house.clock() + 5, "media:media_status")
    (due,) = house.messages.due(house.clock() + 5, 10)
    house.messages.wait_again(due, house.clock() + 300_000)

    assert [DueMessage(OTHER_ID, "mystore", house.clock() + 300_000, waits_for="media:media_status")] == list(
        house.messages.due(house.clock() + DAY, 10)
    )
