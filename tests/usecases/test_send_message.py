"""send_message: never twice, and never without writing down what became of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from hkreach.domain.app import App, MetaAccount
from hkreach.domain.message import OutboundMessage, Status
from hkreach.domain.meta_outcome import Accepted, Halted, NotSent, Outcome, Refused, Uncertain
from hkreach.usecases.send_message import SendMessage
from hkreach.usecases.send_message_admission import Admission
from hkreach.usecases.send_message_upload import UploadMedia
from tests.builders import (
    ERROR,
    LIMITS,
    MEDIA,
    MESSAGE_ID,
    NUMBER,
    OTHER_NUMBER,
    PDF,
    UPLOAD,
    WAITS,
    app,
    callback,
    outbound,
)
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.messages import FakeMessages
from tests.fakes.numbers import FakeNumbers
from tests.fakes.outside import FakeMeta
from tests.fakes.secrets import FakeSealedSecrets
from tests.fakes.stores import FakeMediaStore, FakeSendQueue

CALL_SECONDS = 20
PLENTY: Callable[[], int] = lambda: 60_000  # noqa: E731 - a name for an argument


@dataclass
class House:
    messages: FakeMessages
    apps: FakeApps
    meta: FakeMeta
    media: FakeMediaStore
    numbers: FakeNumbers
    clock: FakeClock
    step: SendMessage

    def message(self) -> OutboundMessage:
        return self.messages.rows[MESSAGE_ID].message


@pytest.fixture
def house(messages: FakeMessages, clock: FakeClock) -> House:
    secrets, media, meta = FakeSealedSecrets(), FakeMediaStore(), FakeMeta()
    account = MetaAccount(NUMBER, "w", secrets.seal("mystore", "access_token", "EAAtoken"))
    apps = FakeApps(app(meta=account))
    messages.add(outbound())
    numbers = FakeNumbers()
    admission, upload = Admission(numbers, clock, LIMITS), UploadMedia(numbers, media, meta, clock, UPLOAD)
    pause: Callable[[float], None] = lambda s: clock.advance(round(s * 1_000))  # noqa: E731
    queue = FakeSendQueue()
    step = SendMessage(messages, apps, secrets, upload, meta, clock, WAITS, admission, pause, queue=queue)
    return House(messages, apps, meta, media, numbers, clock, step)


def test_it_is_claimed_sent_and_recorded(house: House) -> None:
    assert "done" == house.step(MESSAGE_ID, PLENTY)

    ((number, token, body),) = house.meta.sent
    assert (NUMBER, "EAAtoken", MESSAGE_ID) == (number, token, body["biz_opaque_callback_data"])
    message = house.message()
    assert (Status.ACCEPTED, "wamid.1", None) == (message.status, message.wamid, message.claim)
    assert ["claim", "record_accepted"] == [call for call in house.messages.calls if call not in {"add", "get"}]


def test_the_claim_is_there_before_the_call_and_outlives_it(house: House) -> None:
    claims = []
    house.meta.while_sending = lambda: claims.append(house.message().claim)
    house.step(MESSAGE_ID, PLENTY)

    assert claims[0] is not None
    assert claims[0].until > house.clock() + (CALL_SECONDS + 3) * 1000, "connecting comes on top of the call"


@pytest.mark.parametrize(
    ("outcome", "status", "progress"),
    [
        (Refused(ERROR), Status.FAILED, "done"),
        (Uncertain("ReadTimeout"), Status.UNKNOWN, "done"),
        (NotSent("131016"), Status.QUEUED, "seconds"),
        (Halted("368"), Status.QUEUED, "done"),
    ],
)
def test_each_outcome_is_written_down(house: House, outcome: Outcome, status: Status, progress: str) -> None:
    house.meta.send_answers.append(outcome)
    seen = house.step(MESSAGE_ID, PLENTY)

    assert progress == ("seconds" if isinstance(seen, int) and 1 <= seen <= 60 else seen)
    assert (status, None) == (house.message().status, house.message().claim)


def test_what_was_not_sent_is_sent_the_next_time(house: House) -> None:
    house.meta.send_answers += [NotSent("131016"), NotSent("no_connection")]

    waits = [house.step(MESSAGE_ID, PLENTY) for _ in range(4)]
    assert [True, True, False, False] == [isinstance(wait, int) for wait in waits]
    assert (Status.ACCEPTED, 3) == (house.message().status, house.message().tries)
    assert [(1, "131016"), (2, "no_connection")] == [(a.number, a.code) for a in house.message().attempts]


def test_a_wait_of_more_than_a_minute_is_the_tables(house: House) -> None:
    step = replace(house.step, waits=replace(WAITS, retry_base=1_000_000, retry_longest=1_000_000))
    house.meta.send_answers.append(NotSent("131016"))

    assert "done" == step(MESSAGE_ID, PLENTY)
    due_at = house.message().due_at
    assert due_at is not None
    assert house.clock() + 60_000 < due_at <= house.message().deadline
    assert "done" == step(MESSAGE_ID, PLENTY)
    assert (Status.ACCEPTED, None) == (house.message().status, house.message().due_at)


def test_an_account_that_meta_refuses_keeps_its_messages_waiting(house: House) -> None:
    house.meta.send_answers.append(Halted("190"))

    assert "done" == house.step(MESSAGE_ID, PLENTY)
    assert (Status.QUEUED, house.clock() + 300_000) == (house.message().status, house.message().due_at)


def test_past_its_deadline_it_fails_and_is_not_sent(house: House) -> None:
    house.clock.now = house.message().deadline

    assert "done" == house.step(MESSAGE_ID, PLENTY)
    error = house.message().error
    assert error is not None
    assert ([], Status.FAILED, "expired", True) == (
        house.meta.sent,
        house.message().status,
        error.code,
        error.retryable,
    )


def test_no_wait_goes_past_the_deadline(house: House) -> None:
    house.clock.now = house.message().deadline - 61_500
    house.meta.send_answers.append(Halted("190"))
    house.step(MESSAGE_ID, PLENTY)

    assert house.message().deadline == house.message().due_at


@pytest.mark.parametrize("outcome", [Accepted("wamid.1"), Refused(ERROR), Uncertain("torn")])
def test_a_settled_message_is_never_sent_again(house: House, outcome: Outcome) -> None:
    house.meta.send_answers.append(outcome)

    assert ["done"] * 3 == [house.step(MESSAGE_ID, PLENTY) for _ in range(3)]
    assert 1 == len(house.meta.sent)


@pytest.mark.parametrize(
    ("outcome", "write"),
    [
        (Accepted("wamid.1"), "record_accepted"),
        (Refused(ERROR), "record_failed"),
        (Uncertain("torn"), "record_unknown"),
        (NotSent("131016"), "release"),
    ],
)
def test_a_table_that_fails_after_metas_answer_ends_in_unknown_and_never_in_a_second_send(
    house: House, outcome: Outcome, write: str
) -> None:
    house.meta.send_answers.append(outcome)
    house.messages.fails(write, OSError("table"))
    with pytest.raises(OSError, match="table"):
        house.step(MESSAGE_ID, PLENTY)

    wait = house.step(MESSAGE_ID, PLENTY)
    assert isinstance(wait, int), "the claim is still live"
    house.clock.advance(wait * 1000)
    assert "done" == house.step(MESSAGE_ID, PLENTY)

    assert (Status.UNKNOWN, None) == (house.message().status, house.message().claim)
    assert 1 == len(house.meta.sent)


def test_an_echo_settles_what_was_unknown(house: House) -> None:
    house.meta.send_answers.append(Uncertain("ReadTimeout"))
    house.step(MESSAGE_ID, PLENTY)
    house.messages.record_status(callback(Status.SENT))

    assert (Status.SENT, "done") == (house.message().status, house.step(MESSAGE_ID, PLENTY))


def test_a_table_that_fails_before_the_call_means_no_call(house: House) -> None:
    house.messages.fails("claim", OSError("table"))
    with pytest.raises(OSError, match="table"):
        house.step(MESSAGE_ID, PLENTY)
    assert [] == house.meta.sent

    assert "done" == house.step(MESSAGE_ID, PLENTY)
    assert 1 == len(house.meta.sent)


def test_of_two_workers_at_once_one_sends(house: House) -> None:
    """The second reads the message before the first has claimed it, and claims after."""
    claim = house.messages.claim
    answers: list[object] = []

    def overtaken(message_id: str, now: int, until: int) -> object:
        house.messages.claim = claim  # type: ignore[method-assign]
        answers.append(house.step(MESSAGE_ID, PLENTY))
        return claim(message_id, now, until)

    house.messages.claim = overtaken  # type: ignore[method-assign, assignment]

    assert 1 == house.step(MESSAGE_ID, PLENTY)
    assert (["done"], 1) == (answers, len(house.meta.sent))
    assert "done" == house.step(MESSAGE_ID, PLENTY)
    assert 1 == len(house.meta.sent)


def test_a_live_claim_is_waited_for(house: House) -> None:
    house.messages.claim(MESSAGE_ID, house.clock(), house.clock() + 4_500)

    assert 5 == house.step(MESSAGE_ID, PLENTY)
    assert ([], Status.QUEUED) == (house.meta.sent, house.message().status)


def test_a_claim_that_ran_out_is_unknown_and_not_sent(house: House) -> None:
    house.messages.claim(MESSAGE_ID, house.clock(), house.clock() + 4_500)
    house.clock.advance(4_500)

    assert "done" == house.step(MESSAGE_ID, PLENTY)
    assert ([], Status.UNKNOWN) == (house.meta.sent, house.message().status)


def test_the_late_answer_of_a_lapsed_claim_still_counts(house: House) -> None:
    """A call that took longer than its claim: another delivery wrote `unknown`, then Meta did answer."""

    def overslept() -> None:
        house.clock.advance(60_000)
        house.step(MESSAGE_ID, PLENTY)

    house.meta.while_sending = overslept
    house.meta.send_answers.append(Refused(ERROR))
    house.step(MESSAGE_ID, PLENTY)

    assert (Status.FAILED, 1) == (house.message().status, len(house.meta.sent))


def test_without_time_for_a_call_it_is_left(house: House) -> None:
    assert 1 == house.step(MESSAGE_ID, lambda: (CALL_SECONDS + 3) * 1000)
    assert ([], None) == (house.meta.sent, house.message().claim)


def test_a_message_that_is_gone_is_done(house: House) -> None:
    house.messages.rows.clear()

    assert "done" == house.step(MESSAGE_ID, PLENTY)
    assert [] == house.meta.sent


@pytest.mark.parametrize("change", ["app removed", "account removed", "another number"])
def test_without_its_number_it_fails_for_good(house: House, change: str) -> None:
    if change == "app removed":
        house.apps.apps.clear()
    else:
        meta = None if change == "account removed" else MetaAccount(OTHER_NUMBER, "w", b"")
        house.apps.apps["mystore"] = app(meta=meta)

    assert "done" == house.step(MESSAGE_ID, PLENTY)
    error = house.message().error
    assert error is not None
    assert ([], Status.FAILED, "no_meta_account") == (house.meta.sent, house.message().status, error.code)


class TestWithAFile:
    @pytest.fixture(autouse=True)
    def stored(self, house: House) -> None:
        house.media.files[MEDIA.key] = PDF
        house.messages.rows[MESSAGE_ID].message = replace(outbound(), media=MEDIA)

    def test_it_is_uploaded_and_named_in_the_message(self, house: House) -> None:
        assert "done" == house.step(MESSAGE_ID, PLENTY)

        assert [(NUMBER, "EAAtoken", PDF, "application/pdf", "invoice.pdf")] == house.meta.uploads
        assert "'id': 'media-1'" in str(house.meta.sent[0][2])

    @pytest.mark.parametrize("outcome", [NotSent("131016"), Uncertain("ReadTimeout")])
    def test_an_upload_may_be_repeated(self, house: House, outcome: Outcome) -> None:
        house.meta.upload_answers.append(outcome)

        assert isinstance(house.step(MESSAGE_ID, PLENTY), int)
        assert ([], None, Status.QUEUED) == (house.meta.sent, house.message().claim, house.message().status)
        assert (1, outcome) == (house.message().tries, type(outcome)(house.message().attempts[0].code))
        assert "done" == house.step(MESSAGE_ID, PLENTY)
        assert (2, 1) == (len(house.meta.uploads), len(house.meta.sent))

    def test_a_refused_upload_fails_the_message(self, house: House) -> None:
        house.meta.upload_answers.append(Refused(ERROR))

        assert "done" == house.step(MESSAGE_ID, PLENTY)
        assert ([], Status.FAILED, ERROR) == (house.meta.sent, house.message().status, house.message().error)

    def test_a_file_that_cannot_be_read_is_raised_before_anything_happens(self, house: House) -> None:
        house.media.fails("open", OSError("S3"))

        with pytest.raises(OSError, match="S3"):
            house.step(MESSAGE_ID, PLENTY)
        assert ([], None) == (house.meta.sent, house.message().claim)


class OldMemory(FakeApps):
    """An apps table whose `get` still remembers an app as it was."""

    def __init__(self, remembered: App, *now: App) -> None:
        super().__init__(*now)
        self.remembered: App | None = remembered

    def get(self, app_name: str) -> App | None:
        return self.remembered

    def get_fresh(self, app_name: str) -> App | None:
        self.remembered = super().get_fresh(app_name)
        return self.remembered


def _with_old_memory(house: House, was: MetaAccount, now: MetaAccount | None) -> SendMessage:
    return replace(house.step, apps=OldMemory(app(meta=was), app(meta=now)))


def _account(house: House, number: str, token: str) -> MetaAccount:
    return MetaAccount(number, "w", house.step.secrets.seal("mystore", "access_token", token))


def test_a_remembered_number_that_is_not_the_messages_is_looked_up_before_the_message_fails(house: House) -> None:
    was, now = _account(house, OTHER_NUMBER, "EAAold"), _account(house, NUMBER, "EAAnew")

    assert "done" == _with_old_memory(house, was, now)(MESSAGE_ID, PLENTY)
    assert (Status.ACCEPTED, "EAAnew") == (house.message().status, house.meta.sent[0][1])


def test_a_token_that_was_replaced_meanwhile_is_used_at_the_next_try(house: House) -> None:
    step = _with_old_memory(house, _account(house, NUMBER, "EAAold"), _account(house, NUMBER, "EAAnew"))
    house.meta.send_answers.append(Halted("190"))

    assert ["done", "done"] == [step(MESSAGE_ID, PLENTY) for _ in range(2)]
    assert (Status.ACCEPTED, "EAAnew") == (house.message().status, house.meta.sent[1][1])
