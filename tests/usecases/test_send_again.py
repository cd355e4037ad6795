"""send_message, for a second time: an unknown message is sent again by policy or by order, and else never."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from hkreach.domain.app import App, MetaAccount
from hkreach.domain.message import Claim, OutboundMessage, Status
from hkreach.domain.meta_media import MetaMedia
from hkreach.domain.meta_outcome import Accepted, Halted, NotSent, Outcome, Refused, Uncertain
from hkreach.usecases.send_message import SendMessage
from hkreach.usecases.send_message_admission import Admission
from hkreach.usecases.send_message_upload import UploadMedia
from hkreach.usecases.wake_due import wake_due
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
from tests.fakes.unsettled import FakeUnsettled

PLENTY: Callable[[], int] = lambda: 60_000  # noqa: E731 - a name for an argument
MINUTE, HOUR = 60_000, 3_600_000


@dataclass
class House:
    messages: FakeMessages
    apps: FakeApps
    meta: FakeMeta
    clock: FakeClock
    step: SendMessage

    def message(self) -> OutboundMessage:
        return self.messages.rows[MESSAGE_ID].message

    def change_app(self, **parts: object) -> None:
        self.apps.apps["mystore"] = replace(self.apps.apps["mystore"], **parts)  # type: ignore[arg-type]

    def wake_and_send(self) -> int:
        """One minute's work: wake what is due, send what was woken; how many were woken."""
        queue = FakeSendQueue()
        woken = wake_due(messages=self.messages, queue=queue, now=self.clock, time_left=PLENTY)
        for message in queue.queued:
            assert "done" == self.step(message.message_id, PLENTY), "what is sent again never waits in the queue"
        return woken


def _app(secrets: FakeSealedSecrets) -> App:
    account = MetaAccount(NUMBER, "w", secrets.seal("mystore", "access_token", "EAAtoken"))
    return app(meta=account, unknown_policy="resend", resend_after_seconds=3_600)


@pytest.fixture
def house(messages: FakeMessages, clock: FakeClock) -> House:
    secrets, media, meta = FakeSealedSecrets(), FakeMediaStore(), FakeMeta()
    media.files[MEDIA.key] = PDF
    messages.add(outbound())
    apps, numbers = FakeApps(_app(secrets)), FakeNumbers()
    return House(
        messages,
        apps,
        meta,
        clock,
        SendMessage(
            messages,
            apps,
            secrets,
            UploadMedia(numbers, media, meta, clock, UPLOAD),
            meta,
            clock,
            WAITS,
            Admission(numbers, clock, LIMITS),
            lambda s: clock.advance(round(s * 1_000)),
            queue=FakeSendQueue(),
        ),
    )


@pytest.fixture
def unknown(house: House) -> House:
    """The first answer got lost."""
    house.meta.send_answers.append(Uncertain("ReadTimeout"))
    assert "done" == house.step(MESSAGE_ID, PLENTY)
    assert Status.UNKNOWN == house.message().status
    return house


def test_by_policy_it_is_sent_again_when_its_time_has_come(unknown: House) -> None:
    unknown.clock.advance(HOUR - MINUTE - 1)
    assert (0, 1) == (unknown.wake_and_send(), len(unknown.meta.sent))

    unknown.clock.advance(MINUTE + 1)
    assert (1, 2) == (unknown.wake_and_send(), len(unknown.meta.sent))
    message = unknown.message()
    assert (Status.ACCEPTED, 2, [(1, "unknown")]) == (
        message.status, message.tries, [(a.number, a.code) for a in message.attempts],
    )  # fmt: skip
    unknown.clock.advance(HOUR)
    assert 0 == unknown.wake_and_send()


def test_no_other_write_is_made_than_without_a_policy(unknown: House) -> None:
    assert ["claim", "record_unknown"] == [call for call in unknown.messages.calls if call not in {"add", "get"}]


def test_a_queue_record_that_comes_before_its_time_sends_nothing(unknown: House) -> None:
    assert ["done"] * 3 == [unknown.step(MESSAGE_ID, PLENTY) for _ in range(3)]
    assert 1 == len(unknown.meta.sent)
    unknown.clock.advance(HOUR)
    assert 1 == unknown.wake_and_send(), "it waits on"


def test_parked_it_is_never_sent_again(house: House) -> None:
    house.change_app(unknown_policy="park")
    house.meta.send_answers.append(Uncertain("ReadTimeout"))
    house.step(MESSAGE_ID, PLENTY)
    for _ in range(100):
        house.clock.advance(HOUR)
        assert 0 == house.wake_and_send()
        assert "done" == house.step(MESSAGE_ID, PLENTY)

    assert (Status.UNKNOWN, 1) == (house.message().status, len(house.meta.sent))


def test_a_policy_that_was_changed_to_park_meanwhile_counts(unknown: House) -> None:
    unknown.change_app(unknown_policy="park")
    unknown.clock.advance(HOUR)

    assert (1, 1) == (unknown.wake_and_send(), len(unknown.meta.sent))
    unknown.clock.advance(HOUR)
    assert (0, Status.UNKNOWN) == (unknown.wake_and_send(), unknown.message().status)


PARKED = "outcome is unknown and parked"


def test_what_is_parked_is_told_to_the_operator_once(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.change_app(unknown_policy="park")
    house.meta.send_answers.append(Uncertain("ReadTimeout"))
    for _ in range(2):
        house.step(MESSAGE_ID, PLENTY)

    assert 1 == [record.message for record in caplog.records].count(PARKED)


@pytest.mark.parametrize("after", ["the policy", "its deadline"])
def test_what_waits_to_be_sent_again_is_told_when_that_ends(
    unknown: House, caplog: pytest.LogCaptureFixture, after: str
) -> None:
    assert PARKED not in [record.message for record in caplog.records], "the policy settles it"
    if after == "the policy":
        unknown.change_app(unknown_policy="park")
    unknown.clock.now = unknown.message().deadline if after == "its deadline" else unknown.clock() + HOUR
    unknown.wake_and_send()

    assert 1 == [record.message for record in caplog.records].count(PARKED)


def test_an_outcome_that_meta_told_meanwhile_is_not_parked(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.change_app(unknown_policy="park")
    house.meta.send_answers.append(Uncertain("ReadTimeout"))
    house.meta.while_sending = lambda: house.messages.record_status(callback(Status.SENT))
    house.step(MESSAGE_ID, PLENTY)

    assert (Status.SENT, False) == (house.message().status, PARKED in [record.message for record in caplog.records])


@pytest.mark.parametrize("status", [Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED])
def test_an_echo_in_time_settles_it(unknown: House, status: Status) -> None:
    unknown.messages.record_status(callback(status))
    unknown.clock.advance(HOUR)

    assert (0, "done", 1) == (unknown.wake_and_send(), unknown.step(MESSAGE_ID, PLENTY), len(unknown.meta.sent))


def test_an_echo_between_reading_and_claiming_settles_it(unknown: House) -> None:
    claim_again = unknown.messages.claim_again

    def overtaken(message_id: str, now: int, until: int) -> Claim | None:
        unknown.messages.record_status(callback(Status.SENT))
        return claim_again(message_id, now, until)

    unknown.messages.claim_again = overtaken  # type: ignore[method-assign]
    unknown.clock.advance(HOUR)

    assert [1, "done"] == [unknown.step(MESSAGE_ID, PLENTY) for _ in range(2)]
    assert 1 == len(unknown.meta.sent)


def test_past_its_deadline_it_is_left_unknown(unknown: House) -> None:
    unknown.clock.now = unknown.message().deadline

    assert (1, 1, Status.UNKNOWN) == (unknown.wake_and_send(), len(unknown.meta.sent), unknown.message().status)
    unknown.clock.advance(HOUR)
    assert 0 == unknown.wake_and_send()


def test_a_time_that_would_come_after_the_deadline_is_not_waited_for(house: House) -> None:
    house.clock.now = house.message().deadline - HOUR
    house.meta.send_answers.append(Uncertain("ReadTimeout"))
    house.step(MESSAGE_ID, PLENTY)

    assert (Status.UNKNOWN, None) == (house.message().status, house.message().due_at)


def test_unknown_again_waits_again(unknown: House) -> None:
    unknown.meta.send_answers.append(Uncertain("torn"))
    unknown.clock.advance(HOUR)
    unknown.wake_and_send()

    assert (Status.UNKNOWN, unknown.clock() + HOUR) == (unknown.message().status, unknown.message().due_at)
    assert [(1, "unknown"), (2, "unknown")] == [(a.number, a.code) for a in unknown.message().attempts]
    unknown.clock.advance(HOUR)
    assert (1, Status.ACCEPTED) == (unknown.wake_and_send(), unknown.message().status)


@pytest.mark.parametrize("outcome", [NotSent("131016"), Halted("190")])
def test_what_did_not_send_the_second_time_is_tried_until_it_does(unknown: House, outcome: Outcome) -> None:
    unknown.meta.send_answers.append(outcome)
    unknown.clock.advance(HOUR)
    unknown.wake_and_send()
    assert (Status.UNKNOWN, None) == (unknown.message().status, unknown.message().claim)

    unknown.clock.advance(300_000)
    assert (1, Status.ACCEPTED, 3) == (unknown.wake_and_send(), unknown.message().status, len(unknown.meta.sent))


def test_refused_the_second_time_it_fails_with_metas_code(unknown: House) -> None:
    unknown.meta.send_answers.append(Refused(ERROR))
    unknown.clock.advance(HOUR)
    unknown.wake_and_send()

    assert (Status.FAILED, ERROR) == (unknown.message().status, unknown.message().error)


@pytest.mark.parametrize("change", ["app removed", "account removed", "another number"])
def test_without_its_number_it_is_left_unknown(unknown: House, change: str) -> None:
    if change == "app removed":
        unknown.apps.apps.clear()
    else:
        unknown.change_app(meta=None if change == "account removed" else MetaAccount(OTHER_NUMBER, "w", b""))
    unknown.clock.advance(HOUR)

    assert (1, 1, Status.UNKNOWN) == (unknown.wake_and_send(), len(unknown.meta.sent), unknown.message().status)
    unknown.clock.advance(HOUR)
    assert 0 == unknown.wake_and_send()


def test_who_dies_during_the_second_call_leaves_it_unknown_and_waiting(unknown: House) -> None:
    unknown.messages.fails("record_accepted", OSError("killed"))
    unknown.clock.advance(HOUR)
    with pytest.raises(OSError, match="killed"):
        unknown.step(MESSAGE_ID, PLENTY)

    wait = unknown.step(MESSAGE_ID, PLENTY)
    assert isinstance(wait, int), "the queue keeps the record as long as the claim is live"
    unknown.clock.advance(wait * 1_000)
    assert "done" == unknown.step(MESSAGE_ID, PLENTY)
    assert (2, unknown.clock() + HOUR, None) == (
        len(unknown.meta.sent), unknown.message().due_at, unknown.message().claim,
    )  # fmt: skip


def test_of_two_workers_at_once_one_sends_again(unknown: House) -> None:
    claim_again = unknown.messages.claim_again
    answers: list[object] = []

    def overtaken(message_id: str, now: int, until: int) -> Claim | None:
        unknown.messages.claim_again = claim_again  # type: ignore[method-assign]
        answers.append(unknown.step(MESSAGE_ID, PLENTY))
        return claim_again(message_id, now, until)

    unknown.messages.claim_again = overtaken  # type: ignore[method-assign]
    unknown.clock.advance(HOUR)

    assert [1, "done"] == [unknown.step(MESSAGE_ID, PLENTY) for _ in range(2)]
    assert (["done"], 2) == (answers, len(unknown.meta.sent))


@pytest.mark.parametrize("method", ["claim_again", "get"])
def test_a_table_that_fails_before_the_second_call_means_no_call(unknown: House, method: str) -> None:
    unknown.clock.advance(HOUR)
    unknown.messages.fails(method, OSError("table"))
    with pytest.raises(OSError, match="table"):
        unknown.step(MESSAGE_ID, PLENTY)

    assert 1 == len(unknown.meta.sent)
    assert (1, 2) == (unknown.wake_and_send(), len(unknown.meta.sent))


@pytest.mark.parametrize("policy", ["park", "resend"])
def test_by_the_operators_order_it_is_sent_once_whatever_the_policy(unknown: House, policy: str) -> None:
    unknown.change_app(unknown_policy=policy)
    FakeUnsettled(unknown.messages).resend(MESSAGE_ID, "mystore", unknown.clock())

    assert (1, Status.ACCEPTED, 2) == (unknown.wake_and_send(), unknown.message().status, len(unknown.meta.sent))


def test_an_order_is_used_up_by_an_answer_that_got_lost(unknown: House) -> None:
    unknown.change_app(unknown_policy="park")
    FakeUnsettled(unknown.messages).resend(MESSAGE_ID, "mystore", unknown.clock())
    unknown.meta.send_answers.append(Uncertain("torn"))
    unknown.wake_and_send()
    unknown.clock.advance(HOUR)

    assert (0, Status.UNKNOWN, 2) == (unknown.wake_and_send(), unknown.message().status, len(unknown.meta.sent))


@pytest.mark.parametrize(
    ("outcome", "status", "calls"),
    [
        (Accepted("media-1"), Status.ACCEPTED, 2),
        (Uncertain("torn"), Status.ACCEPTED, 2),
        (NotSent("131016"), Status.ACCEPTED, 2),
        (Refused(ERROR), Status.UNKNOWN, 1),
    ],
)
def test_an_upload_for_the_second_time(house: House, outcome: Outcome, status: Status, calls: int) -> None:
    """Refused, it says nothing of the first call: the message stays unknown."""
    house.messages.rows[MESSAGE_ID].message = outbound(media=MEDIA)
    house.meta.send_answers.append(Uncertain("ReadTimeout"))
    house.step(MESSAGE_ID, PLENTY)
    house.step.upload.numbers.media(NUMBER, MEDIA.key, lambda _: (MetaMedia(), None))
    house.meta.upload_answers.append(outcome)
    for _ in range(3):
        house.clock.advance(HOUR)
        house.wake_and_send()

    assert (status, calls) == (house.message().status, len(house.meta.sent))
    assert 0 == house.wake_and_send()
