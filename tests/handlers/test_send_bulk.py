"""send_message with a batch of the bulk lane: fifty records of some apps, told by the queue that they came from."""

import json
from dataclasses import replace
from typing import Any

import pytest

from hkreach.adapters.dynamodb_items import from_item
from hkreach.adapters.dynamodb_numbers import DynamoDBNumbers
from hkreach.domain.message import Status
from hkreach.domain.meta_outcome import NotSent
from hkreach.domain.number import NumberState
from hkreach.domain.pace import Pace
from hkreach.domain.time import HOUR
from tests.aws import NUMBERS_TABLE, SEND_BULK_QUEUE_URL, SEND_NOW_QUEUE_URL, aws, items
from tests.builders import NOW, NUMBER, OTHER_NUMBER, outbound
from tests.fakes.outside import FakeMeta
from tests.handlers.conftest import Stack, sample

OTHER_KEY = "hkr_live_SampleKey2_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg4cenX6"
BATCH = 50


@pytest.fixture
def meta(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> FakeMeta:
    meta = FakeMeta()
    module = stack.functions["send_message"]
    monkeypatch.setattr(module, "send_message", replace(module.send_message, meta=meta))
    stack.add_app()
    stack.add_app("other", OTHER_NUMBER, OTHER_KEY)
    return meta


def _id(number: int) -> str:
    return f"{number:08}-5717-4562-b3fc-2c963f66afa6"


def _campaign(stack: Stack, others: int = 0) -> dict[str, Any]:
    """A batch of marketing, the first `others` of it another app's, as it waits in the bulk queue."""
    (pattern,) = sample("send_message/queued")["Records"]
    records = []
    for number in range(BATCH):
        name, phone = ("other", OTHER_NUMBER) if number < others else ("mystore", NUMBER)
        to = f"9199{number:08}"
        stack.messages.add(
            outbound(_id(number), app_name=name, phone_number_id=phone, to=to, purpose="marketing")
        )  # fmt: skip
        records.append(
            pattern
            | {
                "messageId": f"record-{number}",
                "receiptHandle": f"handle-{number}",
                "body": json.dumps({"messageId": _id(number)}),
                "attributes": pattern["attributes"] | {"MessageGroupId": name},
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:send-bulk",
            }
        )
    return {"Records": records}


def _states() -> dict[str, Any]:
    return {item["pk"]: item for item in map(from_item, items(NUMBERS_TABLE))}


def test_a_campaigns_batch_goes_with_one_write_of_the_numbers(stack: Stack, meta: FakeMeta) -> None:
    assert {"batchItemFailures": []} == stack.invoke("send_message", _campaign(stack))

    assert BATCH == len({str(body["to"]) for _, _, body in meta.sent})
    assert [(f"number#{NUMBER}", 1)] == [(pk, item["version"]) for pk, item in _states().items()]


def test_each_app_leases_for_its_own_messages_only(stack: Stack, meta: FakeMeta) -> None:
    """Or a batch of ten apps would use up ten times of what each number may send."""
    assert {"batchItemFailures": []} == stack.invoke("send_message", _campaign(stack, others=5))

    used = {pk: item["state"]["pace"]["live_at"] - NOW for pk, item in _states().items()}
    assert {f"number#{NUMBER}": 593, f"number#{OTHER_NUMBER}": 66} == used, "45 and 5 of 76 a second"


def test_what_comes_later_is_hidden_on_the_bulk_queue(
    stack: Stack, meta: FakeMeta, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden: list[str] = []
    sqs = stack.functions["send_message"].sqs
    monkeypatch.setattr(sqs, "change_message_visibility", lambda **call: hidden.append(call["QueueUrl"]))
    meta.send_answers = [NotSent("17")]
    answer = stack.invoke("send_message", _campaign(stack))

    assert 1 == len(answer["batchItemFailures"])
    assert [SEND_BULK_QUEUE_URL] == hidden != [SEND_NOW_QUEUE_URL]


def test_a_code_of_the_same_number_does_not_stand_behind_a_campaign(stack: Stack, meta: FakeMeta) -> None:
    waiting = NumberState(Pace(live_at=NOW, booked_at=NOW + HOUR))
    DynamoDBNumbers(aws("dynamodb"), NUMBERS_TABLE).number(NUMBER, lambda _: (waiting, None))
    stack.invoke("send_message", _campaign(stack))
    assert [] == meta.sent
    code = _id(99)
    stack.messages.add(outbound(code, purpose="authentication"))
    event = sample("send_message/queued")
    event["Records"][0]["body"] = json.dumps({"messageId": code})
    stack.invoke("send_message", event)

    assert [code] == [body["biz_opaque_callback_data"] for _, _, body in meta.sent]
    message = stack.messages.get(_id(0))
    assert message is not None
    assert (Status.QUEUED, "number_rate") == (message.status, message.waits_for)
