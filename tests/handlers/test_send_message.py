"""send_message as Lambda runs it: a batch in which each record has a fate of its own."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from hkreach.adapters.sqs_queue import SQSVisibility
from hkreach.domain.message import Status
from hkreach.domain.meta_outcome import NotSent, Refused, Uncertain
from tests.aws import MEDIA_BUCKET, SEND_NOW_QUEUE_URL, aws, queued
from tests.builders import ERROR, MEDIA, MESSAGE_ID, NUMBER, OTHER_ID, PDF, outbound
from tests.fakes.outside import FakeMeta
from tests.handlers.conftest import ACCESS_TOKEN, Context, Stack, sample

THIRD = "0b7b4a34-51d7-4a0e-8d5c-7d2f6f1f2d11"


@pytest.fixture
def meta(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> FakeMeta:
    meta = FakeMeta()
    module = stack.functions["send_message"]
    step = module.send_message
    monkeypatch.setattr(module, "send_message", replace(step, meta=meta, upload=replace(step.upload, meta=meta)))
    stack.add_app()
    stack.messages.add(outbound())
    return meta


def _records(*message_ids: str, tries: int = 1) -> dict[str, Any]:
    """Records that really wait in the queue, with their handles, as Lambda's poller has them."""
    for message_id in message_ids:
        aws("sqs").send_message(QueueUrl=SEND_NOW_QUEUE_URL, MessageBody=json.dumps({"messageId": message_id}))
    (pattern,) = sample("send_message/queued")["Records"]
    return {
        "Records": [
            pattern | {
                "messageId": f"record-{record['Body']['messageId']}",
                "receiptHandle": record["ReceiptHandle"],
                "body": json.dumps(record["Body"]),
                "attributes": pattern["attributes"] | {"ApproximateReceiveCount": str(tries)},
            }
            for record in queued()
        ]
    }  # fmt: skip


def _status(stack: Stack, message_id: str = MESSAGE_ID) -> Status:
    message = stack.messages.get(message_id)
    assert message is not None
    return message.status


def test_a_queued_message_is_sent(stack: Stack, meta: FakeMeta) -> None:
    answer = stack.invoke("send_message", sample("send_message/queued"))

    assert ({"batchItemFailures": []}, Status.ACCEPTED) == (answer, _status(stack))
    ((number, token, body),) = meta.sent
    assert (NUMBER, ACCESS_TOKEN, MESSAGE_ID) == (number, token, body["biz_opaque_callback_data"])


def test_a_file_goes_from_the_bucket_to_meta(stack: Stack, meta: FakeMeta) -> None:
    aws("s3").put_object(Bucket=MEDIA_BUCKET, Key=MEDIA.key, Body=PDF)
    stack.messages.add(outbound(OTHER_ID, media=MEDIA))

    assert {"batchItemFailures": []} == stack.invoke("send_message", _records(OTHER_ID))
    assert [(NUMBER, ACCESS_TOKEN, PDF, "application/pdf", "invoice.pdf")] == meta.uploads


def test_each_record_has_its_own_fate(stack: Stack, meta: FakeMeta, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {MESSAGE_ID: NotSent("131016"), OTHER_ID: Refused(ERROR), THIRD: Uncertain("torn")}
    for message_id in (OTHER_ID, THIRD):
        stack.messages.add(outbound(message_id))
    monkeypatch.setattr(meta, "send", lambda _, __, body: answers[body["biz_opaque_callback_data"]])
    answer = stack.invoke("send_message", _records(*answers))

    assert {"batchItemFailures": [{"itemIdentifier": f"record-{MESSAGE_ID}"}]} == answer
    assert [Status.QUEUED, Status.FAILED, Status.UNKNOWN] == [_status(stack, message_id) for message_id in answers]


def test_a_batch_of_failures_is_told_record_by_record(stack: Stack, meta: FakeMeta) -> None:
    """Not raised: a raised batch would come back whole, with the queue's visibility instead of ours."""
    stack.messages.add(outbound(OTHER_ID))
    meta.send_answers = [NotSent("131016"), NotSent("131016")]

    assert 2 == len(stack.invoke("send_message", _records(MESSAGE_ID, OTHER_ID))["batchItemFailures"])


@pytest.mark.parametrize(("tries", "longest"), [(1, 2), (3, 8), (10, 60), (1_000, 60)])
def test_what_comes_later_is_hidden_for_its_back_off(
    stack: Stack, meta: FakeMeta, monkeypatch: pytest.MonkeyPatch, tries: int, longest: int
) -> None:
    meta.send_answers = [NotSent("131016")]
    hidden: list[int] = []
    monkeypatch.setattr(SQSVisibility, "hide", lambda _, handle, seconds: hidden.append(seconds))
    stack.invoke("send_message", _records(MESSAGE_ID, tries=tries))

    assert 1 == len(hidden)
    assert 1 <= hidden[0] <= longest


def test_a_hidden_record_is_out_of_sight_in_the_queue(stack: Stack, meta: FakeMeta) -> None:
    meta.send_answers = [NotSent("131016")]
    stack.invoke("send_message", _records(MESSAGE_ID))

    assert [] == queued()


def test_without_time_for_a_call_nothing_is_called(stack: Stack, meta: FakeMeta) -> None:
    answer = stack.invoke("send_message", _records(MESSAGE_ID), Context(milliseconds_left=10_000))

    assert (1, []) == (len(answer["batchItemFailures"]), meta.sent)


@pytest.mark.parametrize("body", ["no json", "{}", "[]"])
def test_a_record_that_cannot_be_read_is_kept_for_the_dead_letters_and_logged(
    stack: Stack, meta: FakeMeta, logs: io.StringIO, body: str
) -> None:
    event = sample("send_message/queued")
    event["Records"][0]["body"] = body
    answer = stack.invoke("send_message", event)

    assert [{"itemIdentifier": event["Records"][0]["messageId"]}] == answer["batchItemFailures"]
    assert "queue record failed" in logs.getvalue()


def test_a_message_that_is_gone_is_acknowledged(stack: Stack, meta: FakeMeta) -> None:
    assert {"batchItemFailures": []} == stack.invoke("send_message", _records(OTHER_ID))
    assert [] == meta.sent
