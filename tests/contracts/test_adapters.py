"""What only the real adapters have: memory for several threads, the clock, and AWS's errors, never swallowed."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from requests import Session
from requests.exceptions import ConnectTimeout

from hkreach.adapters.aws import client
from hkreach.adapters.clock import now
from hkreach.adapters.dynamodb_apps import DynamoDBApps, _item
from hkreach.adapters.dynamodb_items import from_item, to_item
from hkreach.adapters.dynamodb_messages import DynamoDBMessages
from hkreach.adapters.remembered import Remembered
from hkreach.adapters.requests_meta import RequestsMeta
from hkreach.domain.errors import Conflict
from hkreach.domain.meta_outcome import NotSent
from tests.aws import ENVIRONMENT, environment
from tests.builders import MESSAGE_ID, NOW, app, callback, claimed, outbound


@pytest.fixture
def dynamodb() -> Any:
    with environment(ENVIRONMENT):
        return client("dynamodb")


def test_what_is_remembered_is_forgotten_in_time() -> None:
    remembered: Remembered[str, int] = Remembered(10, 0.02)
    remembered.set("a", 1)
    assert 1 == remembered.get("a")

    time.sleep(0.03)
    assert remembered.get("a") is None


def test_no_time_is_no_memory() -> None:
    remembered: Remembered[str, int] = Remembered(10, 0)
    remembered.set("a", 1)

    assert remembered.get("a") is None


def test_the_oldest_makes_room_and_all_can_be_forgotten() -> None:
    remembered: Remembered[int, int] = Remembered(2, 60)
    for number in range(3):
        remembered.set(number, number)
    assert [None, 1, 2] == [remembered.get(number) for number in range(3)]

    remembered.forget()
    assert remembered.get(2) is None


def test_threads_and_expiry_never_break_it() -> None:
    remembered: Remembered[int, int] = Remembered(5, 0.0005)

    def work(start: int) -> None:
        for number in range(start, start + 3_000):
            remembered.set(number % 9, number)
            remembered.get((number + 1) % 9)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(work, range(6)))


def test_the_clock_tells_milliseconds() -> None:
    before = time.time()

    assert before * 1000 - 1 <= now() <= time.time() * 1000 + 1


@pytest.mark.parametrize("call", ["claim", "record_failed", "record_status", "add", "get"])
def test_an_error_of_the_table_that_is_no_condition_is_raised(dynamodb: Any, call: str) -> None:
    messages = DynamoDBMessages(dynamodb, "messages", lambda: NOW)
    calls: dict[str, Callable[[], object]] = {
        "claim": lambda: messages.claim(MESSAGE_ID, NOW, NOW + 1),
        "record_failed": lambda: messages.record_unknown(MESSAGE_ID, claimed(), NOW),
        "record_status": lambda: messages.record_status(callback()),
        "add": lambda: messages.add(outbound()),
        "get": lambda: messages.get(MESSAGE_ID),
    }
    operation = {"add": "put_item", "get": "get_item"}.get(call, "update_item")
    with Stubber(dynamodb) as stub:
        stub.add_client_error(operation, "ProvisionedThroughputExceededException")
        with pytest.raises(ClientError):
            calls[call]()


def _cancelled(stub: Stubber, *codes: str) -> None:
    reasons = {"CancellationReasons": [{"Code": code} for code in codes]}
    stub.add_client_error("transact_write_items", "TransactionCanceledException", modeled_fields=reasons)


def test_a_transaction_cancelled_for_another_reason_is_no_conflict(dynamodb: Any) -> None:
    with Stubber(dynamodb) as stub:
        _cancelled(stub, "None", "ThrottlingError")
        with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
            DynamoDBApps(dynamodb, "apps", 60).add(app())


@pytest.mark.parametrize("codes", [("TransactionConflict", "None"), ("None", "TransactionConflict")])
def test_a_transaction_that_met_another_is_a_conflict(dynamodb: Any, codes: tuple[str, ...]) -> None:
    with Stubber(dynamodb) as stub:
        _cancelled(stub, *codes)
        with pytest.raises(Conflict, match="already"):
            DynamoDBApps(dynamodb, "apps", 60).add(app())


@pytest.mark.parametrize("code", ["TransactionConflictException", "ConditionalCheckFailedException"])
def test_a_change_of_an_app_alone_is_one_conditional_put(dynamodb: Any, code: str) -> None:
    """Two transactions at once would cancel each other on AWS; a put meets at most one of another kind."""
    with Stubber(dynamodb) as stub:
        stub.add_client_error("put_item", code)
        stub.add_response("get_item", {"Item": _item(app())})
        with pytest.raises(Conflict, match="somebody else"):
            DynamoDBApps(dynamodb, "apps", 60).replace(app(), app(language_code="de"))


def test_a_change_whose_answer_got_lost_is_known_as_ones_own(dynamodb: Any) -> None:
    after = app(language_code="de", version=app().version + 1)
    with Stubber(dynamodb) as stub:
        stub.add_client_error("put_item", "ConditionalCheckFailedException")
        stub.add_response("get_item", {"Item": _item(after)})
        apps = DynamoDBApps(dynamodb, "apps", 60)
        apps.replace(app(), after)

        assert after == apps.get("mystore")


def test_a_connection_that_never_opened_is_certainly_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def timed_out(*_: object, **__: object) -> None:
        raise ConnectTimeout

    session = Session()
    monkeypatch.setattr(session, "post", timed_out)

    assert NotSent("no_connection") == RequestsMeta(session, "http://g", "v25.0", 1, 1).send("1", "t", {})


def test_values_survive_the_way_through_an_item() -> None:
    values = {
        "text": "Zoë ☕",
        "number": 7,
        "bytes": b"\0\xff",
        "list": ["a", 1, [2]],
        "map": {"a": {"b": None}},
        "yes": True,
    }

    assert values == from_item(to_item(values | {"nothing": None}))
