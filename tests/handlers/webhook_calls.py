"""Calls to manage_app as API Gateway makes them, and the integrators' servers that it is to reach."""

import json
from typing import Any

import pytest

from hkreach.domain.api_key import issue
from tests.builders import OTHER_NUMBER
from tests.fakes.outside import FakeWebhookClient
from tests.handlers.conftest import Stack, sample

CALLS = ["change", "create", "delete", "list", "pause", "resume", "rotate", "show", "test"]
OTHER_KEY = issue().text
AS_OTHER = {"X-App-Name": "other", "X-API-Key": OTHER_KEY}


def furnished(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> FakeWebhookClient:
    """Two apps, each with the operator's endpoint; what manage_app posts is kept, and answered by script."""
    client = FakeWebhookClient()
    monkeypatch.setattr(stack.functions["manage_app"].manage_app.client, "post", client.post)
    stack.add_app()
    stack.add_app("other", OTHER_NUMBER, OTHER_KEY)
    return client


def call(stack: Stack, name: str, body: object = ..., headers: dict[str, str] | None = None, **query: str) -> Any:
    """What a call answers, with its sample's parts where no other is given; its body is read if it is no problem."""
    event = sample(f"manage_app/{name}")
    event["headers"] |= {"Content-Type": "application/json"} | (headers or {})
    if query:
        event["queryStringParameters"] = query
        event["multiValueQueryStringParameters"] = {key: [value] for key, value in query.items()}
    if body is not ...:
        event["body"] = body if isinstance(body, str) else json.dumps(body)
    answer = stack.invoke("manage_app", event)
    return answer if answer["statusCode"] >= 400 else json.loads(answer["body"])
