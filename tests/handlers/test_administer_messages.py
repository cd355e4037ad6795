"""administer on stuck messages, as the operator invokes it: on the table and the queues that the other steps use."""

import io
import json
from typing import Any

import pytest

from hkreach.adapters.dynamodb_numbers import DynamoDBNumbers
from hkreach.domain.breaker import Breaker
from hkreach.domain.message import OutboundMessage, SendPurpose, Status
from hkreach.domain.number import NumberState
from hkreach.domain.time import DAY, HOUR, MINUTE, to_rfc3339
from tests.aws import (
    APPS_TABLE,
    LEAD_DEAD_LETTERS_URL,
    LEAD_QUEUE_URL,
    MEDIA_DEAD_LETTERS_URL,
    MEDIA_QUEUE_URL,
    NUMBERS_TABLE,
    SEND_BULK_QUEUE_URL,
    SEND_DEAD_LETTERS_URL,
    SEND_NOW_QUEUE_URL,
    STATUS_DEAD_LETTERS_URL,
    STATUS_QUEUE_URL,
    WEBHOOK_DEAD_LETTERS_URL,
    WEBHOOK_QUEUE_URL,
    aws,
    items,
    queued,
)
from tests.builders import MESSAGE_ID, NOW, NUMBER, OTHER_ID, RECIPIENT, callback, outbound
from tests.handlers.conftest import Context, Stack, sample


def _read(stack: Stack, message_id: str = MESSAGE_ID) -> OutboundMessage:
    message = stack.messages.get(message_id)
    assert message is not None
    return message


def _call(stack: Stack, name: str, context: Context | None = None, **values: Any) -> dict[str, Any]:
    answer: dict[str, Any] = stack.invoke("administer", sample(name) | values, context)
    json.dumps(answer)
    return answer


def _woken(stack: Stack) -> list[str]:
    stack.invoke("wake_due", sample("wake_due/every_minute"))
    return sorted(record["Body"]["messageId"] for record in queued())


@pytest.fixture(autouse=True)
def stuck(stack: Stack) -> None:
    """An app with an unknown message and a queued one, on no queue."""
    stack.add_app()
    for message_id in (MESSAGE_ID, OTHER_ID):
        stack.messages.add(outbound(message_id))
    claim = stack.messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
    assert claim is not None
    stack.messages.record_unknown(MESSAGE_ID, claim, NOW)


def test_the_policy_is_kept_with_the_app(stack: Stack) -> None:
    answer = _call(stack, "administer/set_unknown_policy", resendAfterSeconds=600)
    shown = stack.invoke("administer", sample("administer/show_app"))

    assert ("resend", 600) == (answer["unknownPolicy"], answer["resendAfterSeconds"])
    assert answer == shown


def test_an_app_from_before_there_was_a_policy_parks(stack: Stack) -> None:
    for name in ("unknownPolicy", "resendAfterSeconds"):
        aws("dynamodb").update_item(
            TableName=APPS_TABLE, Key={"pk": {"S": "app#mystore"}}, UpdateExpression=f"REMOVE {name}"
        )
    assert not [item for item in items(APPS_TABLE) if "unknownPolicy" in item]

    shown = stack.invoke("administer", sample("administer/show_app"))
    assert ("park", 3_600) == (shown["unknownPolicy"], shown["resendAfterSeconds"])


def test_one_unknown_message_goes_back_to_the_queue(stack: Stack) -> None:
    assert {"messageId": MESSAGE_ID, "settled": 1} == _call(stack, "administer/settle_unknown")
    event = sample("read_message/timeline")
    shown = json.loads(stack.invoke("read_message", event)["body"])

    assert [{"number": 1, "at": "2026-11-22T09:00:00Z", "code": "unknown"}] == shown["attempts"]
    assert ("2026-11-22T09:00:00Z", True) == (
        shown["waiting"]["nextTryAt"], "is sent again" in shown["waiting"]["reason"],
    )  # fmt: skip
    assert [MESSAGE_ID] == _woken(stack)
    stack.messages.claim_again(MESSAGE_ID, NOW, NOW + 25_000)
    shown = json.loads(stack.invoke("read_message", event)["body"])
    assert {"reason": "It is being sent again: Meta's answer got lost."} == shown["waiting"]


def test_another_apps_operator_call_finds_nothing(stack: Stack) -> None:
    stack.add_app("other", "106540352242933")
    before = _read(stack)
    answers = [_call(stack, "administer/settle_unknown", appName="other", outcome=o) for o in ("resend", "failed")]

    assert ["not_found", "not_found"] == [answer["error"]["code"] for answer in answers]
    assert 0 == _call(stack, "administer/settle_all_unknown", appName="other")["unknownBefore"]
    assert before == _read(stack)


def test_what_meta_told_meanwhile_is_not_touched(stack: Stack) -> None:
    stack.messages.record_status(callback(Status.DELIVERED))
    before = _read(stack)

    assert "conflict" == _call(stack, "administer/settle_unknown")["error"]["code"]
    assert 0 == _call(stack, "administer/settle_all_unknown")["settled"]
    assert before == _read(stack)


def test_all_unknown_messages_fail_and_only_once(stack: Stack) -> None:
    counts = [_call(stack, "administer/settle_all_unknown") for _ in range(2)]
    error = _read(stack).error

    assert [(1, 1), (0, 0)] == [(answer["unknownBefore"], answer["settled"]) for answer in counts]
    assert error is not None
    assert (Status.FAILED, "unknown_outcome", Status.QUEUED) == (
        _read(stack).status, error.code, _read(stack, OTHER_ID).status,
    )  # fmt: skip


@pytest.mark.parametrize("app_name", ["mystore", None])
def test_unknown_messages_are_listed_without_what_is_in_them(stack: Stack, app_name: str | None) -> None:
    answer = _call(stack, "administer/list_unknown", appName=app_name)

    (item,) = answer["items"]
    assert (False, None, MESSAGE_ID, "mystore", to_rfc3339(NOW), None) == (
        answer["more"], answer["next"], item["messageId"], item["appName"], item["unknownSince"], item["resendAt"],
    )  # fmt: skip
    for secret in (RECIPIENT, "John Doe", "order_confirmation"):
        assert secret not in json.dumps(answer)


def test_what_no_queue_holds_is_put_back_and_woken(stack: Stack) -> None:
    stack.clock.advance(DAY + 1)
    answers = [_call(stack, "administer/recover") for _ in range(2)]

    rest = {"becameUnknown": 0, "more": False, "next": None}
    assert [{"found": 1, "putBack": 1} | rest, {"found": 0, "putBack": 0} | rest] == answers
    assert [OTHER_ID] == _woken(stack)


@pytest.mark.parametrize("name", ["administer/resume_number", "administer/set_meta_account"])
def test_what_waits_for_a_halted_account_is_woken_when_it_goes_on(stack: Stack, name: str) -> None:
    halted = NumberState(breaker=Breaker().held("131048", "token"))
    DynamoDBNumbers(aws("dynamodb"), NUMBERS_TABLE).number(NUMBER, lambda _: (halted, None))
    stack.messages.wait(outbound(OTHER_ID), NOW + HOUR, "halted:131048")
    answers = [_call(stack, name) for _ in range(2)]

    assert [(1, False), (0, False)] == [(answer["resumed"], answer["more"]) for answer in answers]
    stack.clock.advance(2 * MINUTE)
    assert [OTHER_ID] == _woken(stack)


@pytest.mark.parametrize("name", ["administer/recover", "administer/settle_all_unknown", "administer/list_unknown"])
def test_without_time_it_says_that_there_is_more(stack: Stack, name: str) -> None:
    stack.clock.advance(DAY + 1)
    answer = _call(stack, name, Context(milliseconds_left=5_000))

    assert (True, None) == (answer["more"], answer["next"])
    assert (Status.UNKNOWN, None) == (_read(stack).status, _read(stack, OTHER_ID).due_at)


def test_it_goes_on_behind_what_was_done(stack: Stack) -> None:
    """The table's order is its own: behind one of the two messages there is the other, or nothing."""
    claim = stack.messages.claim(OTHER_ID, NOW, NOW + 25_000)
    assert claim is not None
    stack.messages.record_unknown(OTHER_ID, claim, NOW)
    answers = [_call(stack, "administer/settle_all_unknown", after=after) for after in (MESSAGE_ID, OTHER_ID)]

    assert [0, 1] == sorted(answer["settled"] for answer in answers)
    assert {False} == {answer["more"] for answer in answers}


@pytest.mark.parametrize(
    ("queue", "dead", "url"),
    [
        ("send", SEND_DEAD_LETTERS_URL, SEND_NOW_QUEUE_URL),
        ("media", MEDIA_DEAD_LETTERS_URL, MEDIA_QUEUE_URL),
        ("webhooks", WEBHOOK_DEAD_LETTERS_URL, WEBHOOK_QUEUE_URL),
        ("leads", LEAD_DEAD_LETTERS_URL, LEAD_QUEUE_URL),
        ("statuses", STATUS_DEAD_LETTERS_URL, STATUS_QUEUE_URL),
    ],
)
def test_dead_letters_go_back_to_their_own_queue(stack: Stack, queue: str, dead: str, url: str) -> None:
    for number in range(3):
        aws("sqs").send_message(QueueUrl=dead, MessageBody=json.dumps({"n": number}), MessageGroupId="mystore")
    answer = _call(stack, "administer/redrive", queue=queue)

    assert {"queue": queue, "before": 3, "moved": 3, "after": 0, "more": False} == answer
    assert [0, 1, 2] == sorted(record["Body"]["n"] for record in queued(url))


def test_dead_letters_of_senders_go_back_to_the_lanes_of_their_messages(stack: Stack) -> None:
    purposes: list[SendPurpose] = ["marketing", "authentication", "utility"]
    lanes = dict(zip((f"{number:08}-5717-4562-b3fc-2c963f66afa6" for number in range(3)), purposes, strict=True))
    for message_id, purpose in lanes.items():
        stack.messages.add(outbound(message_id, purpose=purpose))
    for message_id in (*lanes, "00000009-5717-4562-b3fc-2c963f66afa6"):
        body = json.dumps({"messageId": message_id})
        aws("sqs").send_message(QueueUrl=SEND_DEAD_LETTERS_URL, MessageBody=body, MessageGroupId="mystore")

    answer = _call(stack, "administer/redrive", queue="send")
    assert (4, 4, 0) == (answer["before"], answer["moved"], answer["after"])
    marketing, *others = (*lanes, "00000009-5717-4562-b3fc-2c963f66afa6")
    assert [marketing] == [record["Body"]["messageId"] for record in queued(SEND_BULK_QUEUE_URL)]
    assert others == sorted(record["Body"]["messageId"] for record in queued(SEND_NOW_QUEUE_URL)), "the last is gone"


def test_the_log_names_the_call_and_no_recipient(stack: Stack, logs: io.StringIO) -> None:
    _call(stack, "administer/settle_all_unknown")

    assert "settle_all_unknown" in logs.getvalue()
    assert outbound().to not in logs.getvalue()
