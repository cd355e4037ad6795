"""What goes wrong behind the API: always a problem, one and the same for all wrong credentials, and without a leak."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from hkreach.domain.api_key import issue
from tests.aws import MESSAGES_TABLE, items
from tests.builders import OTHER_NUMBER
from tests.handlers.conftest import API_KEY, Stack, fields, problem, sample

SEND, READ = "accept_message/send_template", "read_message/status"
OTHER_KEY = issue().text


@pytest.fixture(autouse=True)
def apps(stack: Stack) -> None:
    stack.add_app()
    stack.add_app("other", OTHER_NUMBER, OTHER_KEY)


def _call(stack: Stack, name: str, **headers: str | None) -> dict[str, Any]:
    event = sample(name)
    event["headers"] = {key: value for key, value in (event["headers"] | headers).items() if value is not None}
    answer: dict[str, Any] = stack.invoke(name.partition("/")[0], event)
    return answer


WRONG: list[dict[str, str | None]] = [
    {"X-App-Name": None},
    {"X-App-Name": ""},
    {"X-App-Name": "nobody"},
    {"X-App-Name": "MyStore"},
    {"X-App-Name": "other"},
    {"X-App-Name": "x" * 5_000},
    {"X-App-Name": "mystore\0"},
    {"X-API-Key": None},
    {"X-API-Key": ""},
    {"X-API-Key": "secret"},
    {"X-API-Key": API_KEY[:-1] + "7"},
    {"X-API-Key": issue().text},
    {"X-API-Key": OTHER_KEY},
    {"X-API-Key": f"Bearer {API_KEY}"},
    {"X-App-Name": None, "X-API-Key": None},
]


@pytest.mark.parametrize("name", [SEND, READ])
def test_whatever_part_is_wrong_the_answer_is_one_and_the_same(stack: Stack, name: str) -> None:
    answers = [_call(stack, name, **headers) for headers in WRONG]

    assert {401} == {answer["statusCode"] for answer in answers}
    assert 1 == len({json.dumps(problem(answer) | {"requestId": ""}) for answer in answers})
    assert 1 == len({json.dumps(answer["multiValueHeaders"]) for answer in answers})
    assert [] == items(MESSAGES_TABLE)


def test_credentials_come_before_everything_else(stack: Stack) -> None:
    """A stranger does not learn what a valid request looks like, and costs no parsing."""
    event = sample(SEND) | {"body": "{"}
    event["headers"] = {"Content-Type": "text/plain"}

    assert 401 == stack.invoke("accept_message", event)["statusCode"]


def test_a_revoked_key_is_refused_and_a_new_one_works_at_once(stack: Stack) -> None:
    new = stack.invoke("administer", sample("administer/issue_key"))["apiKey"]
    assert 202 == _call(stack, SEND, **{"X-API-Key": new})["statusCode"]

    stack.invoke("administer", sample("administer/revoke_key"))
    assert 401 == _call(stack, SEND)["statusCode"]
    assert 202 == _call(stack, SEND, **{"X-API-Key": new})["statusCode"]


def test_each_problem_carries_the_requests_id(stack: Stack) -> None:
    answer = _call(stack, SEND, **{"X-API-Key": None})

    assert sample(SEND)["requestContext"]["requestId"] == problem(answer)["requestId"]


@pytest.mark.parametrize("headers", [None, {}])
def test_no_headers_at_all(stack: Stack, headers: object) -> None:
    event = sample(SEND) | {"headers": headers, "multiValueHeaders": headers}

    assert 401 == stack.invoke("accept_message", event)["statusCode"]


def test_all_faults_are_in_one_answer(stack: Stack) -> None:
    event = sample(SEND) | {"body": json.dumps({"to": "1", "colour": "red"})}
    answer = stack.invoke("accept_message", event)

    assert (422, ["colour", "templateName", "to"]) == (answer["statusCode"], fields(answer))
    assert (False, "invalid") == (problem(answer)["retryable"], problem(answer)["code"])
    assert [] == items(MESSAGES_TABLE)


THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": "table apps"}}, "GetItem")


@pytest.mark.parametrize("name", [SEND, READ])
@pytest.mark.parametrize("error", [THROTTLED, EndpointConnectionError(endpoint_url="https://dynamodb")])
def test_when_aws_fails_it_is_503_with_a_time_to_wait(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, name: str, error: Exception
) -> None:
    def failing(*_: object) -> None:
        raise error

    step = name.partition("/")[0]
    monkeypatch.setattr(stack.functions[step].messages, "add" if name == SEND else "get", failing)
    answer = _call(stack, name)

    assert (503, ["5"]) == (answer["statusCode"], answer["multiValueHeaders"]["Retry-After"])
    assert ("unavailable", True) == (problem(answer)["code"], problem(answer)["retryable"])
    assert "apps" not in answer["body"]
    assert "dynamodb" not in answer["body"]


@pytest.mark.parametrize("name", [SEND, READ])
def test_a_fault_of_ours_is_500_without_a_trace_and_in_the_log(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, logs: io.StringIO, name: str
) -> None:
    def failing(*_: object) -> None:
        raise ZeroDivisionError("inner workings")

    step = name.partition("/")[0]
    monkeypatch.setattr(stack.functions[step].messages, "add" if name == SEND else "get", failing)
    answer = _call(stack, name)

    assert (500, "internal", True) == (answer["statusCode"], problem(answer)["code"], problem(answer)["retryable"])
    for leak in ("inner workings", "ZeroDivisionError", "Traceback", ".py", API_KEY):
        assert leak not in json.dumps(answer)
    assert "ZeroDivisionError" in logs.getvalue()
