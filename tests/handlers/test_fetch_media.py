"""fetch_media as Lambda runs it, and the way that a message with an address goes through relay and waking."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from hkreach.domain.inbound_file import FileNotGiven
from hkreach.domain.media import MediaAddress
from hkreach.domain.media_fetch import MediaAnswered, MediaIncomplete
from hkreach.domain.message import Status
from hkreach.usecases.read_message import timeline
from tests.aws import MEDIA_BUCKET, MEDIA_DEAD_LETTERS_URL, MEDIA_QUEUE_URL, SEND_NOW_QUEUE_URL, aws, queued
from tests.builders import MESSAGE_ID, NOW, NUMBER, OTHER_ID, PDF, PNG, STORED, outbound, with_file
from tests.fakes.outside import FakeMediaFetcher, FakeMeta, FakeMetaFiles
from tests.handlers.conftest import ACCESS_TOKEN, API_KEY, Context, Stack, sample

URL = "https://files.example.com/invoice.pdf?signature=secret"
TIME = Context(150_000)


@pytest.fixture
def fetcher(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> FakeMediaFetcher:
    fetcher, module = FakeMediaFetcher(), stack.functions["fetch_media"]
    monkeypatch.setattr(module, "fetch_media", replace(module.fetch_media, fetcher=fetcher))
    stack.add_app()
    stack.messages.add(outbound(media_address=MediaAddress(URL)))
    return fetcher


def _record(receives: int = 1) -> dict[str, Any]:
    """The sample, with the handle of a record that is really there."""
    aws("sqs").send_message(QueueUrl=MEDIA_QUEUE_URL, MessageBody=json.dumps({"messageId": MESSAGE_ID}))
    event = sample("fetch_media/queued")
    (waiting,) = queued(MEDIA_QUEUE_URL)
    event["Records"][0]["receiptHandle"] = waiting["ReceiptHandle"]
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = str(receives)
    return event


def _stored() -> dict[str, bytes]:
    listed = aws("s3").list_objects_v2(Bucket=MEDIA_BUCKET).get("Contents", [])
    return {each["Key"]: aws("s3").get_object(Bucket=MEDIA_BUCKET, Key=each["Key"])["Body"].read() for each in listed}


def test_a_file_goes_from_its_address_to_the_bucket_and_its_message_to_the_senders(
    stack: Stack, fetcher: FakeMediaFetcher, logs: io.StringIO
) -> None:
    fetcher.files[URL] = ("invoice.pdf", [PDF])

    assert {"batchItemFailures": []} == stack.invoke("fetch_media", _record(), TIME)
    message = stack.messages.get(MESSAGE_ID)
    assert message is not None
    assert message.media is not None
    assert ({message.media.key: PDF}, "invoice.pdf") == (_stored(), message.media.filename)
    ((record),) = queued(SEND_NOW_QUEUE_URL)
    assert ({"messageId": MESSAGE_ID}, "mystore") == (record["Body"], record["Attributes"]["MessageGroupId"])
    assert "secret" not in logs.getvalue()


def test_a_failure_for_good_is_in_the_message_and_the_log_has_its_code_and_no_address(
    stack: Stack, fetcher: FakeMediaFetcher, logs: io.StringIO
) -> None:
    fetcher.failures[URL] = MediaAnswered(404)

    assert {"batchItemFailures": []} == stack.invoke("fetch_media", _record(), TIME)
    message = stack.messages.get(MESSAGE_ID)
    assert message is not None
    assert message.error is not None
    assert (Status.FAILED, "media_status") == (message.status, message.error.code)
    assert '"code":"media_status"' in logs.getvalue()
    assert "files.example.com" not in logs.getvalue()


def test_a_failure_that_may_pass_keeps_the_record(stack: Stack, fetcher: FakeMediaFetcher) -> None:
    fetcher.failures[URL] = MediaIncomplete()
    event = _record()

    assert [{"itemIdentifier": event["Records"][0]["messageId"]}] == stack.invoke("fetch_media", event, TIME)[
        "batchItemFailures"
    ]


def test_what_waits_in_the_table_says_so_and_comes_back_to_the_media_queue(
    stack: Stack, fetcher: FakeMediaFetcher
) -> None:
    fetcher.failures[URL] = MediaIncomplete()
    assert {"batchItemFailures": []} == stack.invoke("fetch_media", _record(receives=10), TIME)
    message = stack.messages.get(MESSAGE_ID)
    assert message is not None
    assert message.due_at is not None
    assert "at the last try (media_incomplete)" in timeline(message)["waiting"]["reason"]

    aws("sqs").purge_queue(QueueUrl=MEDIA_QUEUE_URL)
    stack.clock.now = message.due_at
    assert 1 == stack.invoke("wake_due", sample("wake_due/every_minute"))["woken"]
    assert ([{"messageId": MESSAGE_ID}], []) == (
        [record["Body"] for record in queued(MEDIA_QUEUE_URL)], queued(SEND_NOW_QUEUE_URL),
    )  # fmt: skip


def test_a_new_message_with_an_address_goes_to_the_media_queue_first(stack: Stack) -> None:
    event = sample("relay_outbox/new_message")
    event["Records"][0]["dynamodb"]["NewImage"]["mediaAddress"] = {"M": {"url": {"S": URL}}}

    assert {"batchItemFailures": []} == stack.invoke("relay_outbox", event)
    assert ([], [{"messageId": MESSAGE_ID}]) == (
        queued(SEND_NOW_QUEUE_URL), [record["Body"] for record in queued(MEDIA_QUEUE_URL)],
    )  # fmt: skip


def test_a_sender_that_finds_no_file_gives_the_message_to_the_media_queue(
    stack: Stack, fetcher: FakeMediaFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, meta = stack.functions["send_message"], FakeMeta()
    monkeypatch.setattr(module, "send_message", replace(module.send_message, meta=meta))

    assert {"batchItemFailures": []} == stack.invoke("send_message", sample("send_message/queued"))
    assert ([], [{"messageId": MESSAGE_ID}]) == (meta.sent, [record["Body"] for record in queued(MEDIA_QUEUE_URL)])


def _request(stack: Stack, body: dict[str, Any], key: str) -> dict[str, Any]:
    event = sample("accept_message/send_template")
    event["headers"] = {"X-App-Name": "mystore", "X-API-Key": API_KEY, "Content-Type": "application/json"}
    event["headers"]["Idempotency-Key"] = key
    event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
    event["body"] = json.dumps({"to": "919999999999", "templateName": "invoice"} | body)
    answer: dict[str, Any] = stack.invoke("accept_message", event)
    return answer


@pytest.mark.parametrize("url", [URL, "http://127.0.0.1:9000/files/a.pdf"])
def test_an_address_is_accepted_and_kept_with_the_message(stack: Stack, url: str) -> None:
    stack.add_app()
    answer = _request(stack, {"headerMediaUrl": url, "headerMediaFilename": "Invoice März.pdf"}, "k")

    assert 202 == answer["statusCode"]
    message = stack.messages.get(json.loads(answer["body"])["messageId"])
    assert message is not None
    assert (MediaAddress(url, "Invoice März.pdf"), None) == (message.media_address, message.media)
    assert "Its file is to be fetched from its address." == timeline(message)["waiting"]["reason"]
    assert NOW == message.facts[Status.QUEUED]


def test_another_address_is_another_request(stack: Stack) -> None:
    stack.add_app()
    answers = [_request(stack, {"headerMediaUrl": url}, "k")["statusCode"] for url in (URL, URL, f"{URL}2")]

    assert [202, 202, 409] == answers


@pytest.fixture
def meta_files(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> FakeMetaFiles:
    files, module = FakeMetaFiles(), stack.functions["fetch_media"]
    received = replace(module.fetch_media.received, files=files)
    monkeypatch.setattr(module, "fetch_media", replace(module.fetch_media, received=received))
    stack.add_app()
    stack.inbound.add(with_file())
    return files


def _received(receives: int = 1) -> dict[str, Any]:
    event = sample("fetch_media/received")
    aws("sqs").send_message(QueueUrl=MEDIA_QUEUE_URL, MessageBody=event["Records"][0]["body"])
    (waiting,) = queued(MEDIA_QUEUE_URL)
    event["Records"][0]["receiptHandle"] = waiting["ReceiptHandle"]
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = str(receives)
    return event


def test_what_a_customer_sent_goes_from_meta_to_the_bucket(
    stack: Stack, meta_files: FakeMetaFiles, logs: io.StringIO
) -> None:
    meta_files.files["1003383421387256"] = [PNG]

    assert {"batchItemFailures": []} == stack.invoke("fetch_media", _received(), TIME)
    message = stack.inbound.get(OTHER_ID)
    assert message is not None
    assert (STORED, True) == (message.stored, message.is_complete)
    assert {f"mystore/inbound/{OTHER_ID}": PNG} == _stored()
    assert [("1003383421387256", NUMBER, ACCESS_TOKEN)] == meta_files.asked
    assert ACCESS_TOKEN not in logs.getvalue()
    assert [] == queued(SEND_NOW_QUEUE_URL)


def test_a_customers_file_that_waits_comes_back_and_what_no_queue_holds_too(
    stack: Stack, meta_files: FakeMetaFiles
) -> None:
    meta_files.failures["1003383421387256"] = [FileNotGiven("meta_190", "no", retryable=True)]
    meta_files.files["1003383421387256"] = [PNG]
    assert {"batchItemFailures": []} == stack.invoke("fetch_media", _received(receives=10), TIME)
    stack.clock.advance(600_000)
    aws("sqs").purge_queue(QueueUrl=MEDIA_QUEUE_URL)
    stack.invoke("wake_due", sample("wake_due/every_minute"))
    ((record),) = queued(MEDIA_QUEUE_URL)
    assert {"messageId": OTHER_ID} == record["Body"]


def test_recover_finds_a_customers_message_that_no_queue_holds(stack: Stack, meta_files: FakeMetaFiles) -> None:
    stack.clock.advance(2 * 86_400_000)
    answers = [stack.invoke("administer", sample("administer/recover")) for _ in range(2)]
    assert [(1, 1), (0, 0)] == [(answer["found"], answer["putBack"]) for answer in answers]
    stack.invoke("wake_due", sample("wake_due/every_minute"))
    ((record),) = queued(MEDIA_QUEUE_URL)
    assert {"messageId": OTHER_ID} == record["Body"]


def test_dead_letters_of_customers_files_go_back_to_the_media_queue(stack: Stack, meta_files: FakeMetaFiles) -> None:
    letter = sample("fetch_media/received")["Records"][0]["body"]
    aws("sqs").send_message(QueueUrl=MEDIA_DEAD_LETTERS_URL, MessageBody=letter)
    assert 1 == stack.invoke("administer", {"action": "redrive", "queue": "media"})["moved"]
    ((record),) = queued(MEDIA_QUEUE_URL)
    assert {"messageId": OTHER_ID} == record["Body"]
