"""The functions as Lambda runs them: loaded once with an environment of their own, on moto, with the sample events."""

import hashlib
import importlib.util
import io
import json
import logging
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.dynamodb_endpoint_healths import DynamoDBEndpointHealths
from hkreach.adapters.dynamodb_inbound import DynamoDBInbound
from hkreach.adapters.dynamodb_leads import DynamoDBLeads
from hkreach.adapters.dynamodb_messages import DynamoDBMessages
from hkreach.adapters.dynamodb_numbers import DynamoDBNumbers
from hkreach.adapters.kms_secrets import KMSSecrets
from hkreach.adapters.ssm_meta_app import SSMMetaApp
from hkreach.domain.app import App, MetaAccount
from hkreach.ports import WebhookClient
from hkreach.usecases.send_message_admission import Admission
from tests.aws import (
    APPS_TABLE,
    BUS,
    DELIVERIES_TABLE,
    ENVIRONMENT,
    LEAD_DEAD_LETTERS_URL,
    LEAD_QUEUE_URL,
    LEADS_TABLE,
    MEDIA_BUCKET,
    MEDIA_DEAD_LETTERS_URL,
    MEDIA_QUEUE_URL,
    MESSAGES_TABLE,
    META_PARAMETERS,
    NUMBERS_TABLE,
    SEND_BULK_QUEUE_URL,
    SEND_DEAD_LETTERS_URL,
    SEND_NOW_QUEUE_URL,
    STATUS_DEAD_LETTERS_URL,
    STATUS_QUEUE_URL,
    WEBHOOK_DEAD_LETTERS_URL,
    WEBHOOK_QUEUE_URL,
    WEBHOOK_RETRY_QUEUE_URL,
    aws,
    environment,
    imitated,
)
from tests.builders import NOW, NUMBER, endpoint, hooks
from tests.fakes.clock import FakeClock
from tests.template import ROOT

API_KEY = "hkr_live_SampleKey1_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg4cenX6"
ACCESS_TOKEN = "EAAsampleAccessToken"
WEBHOOK_SECRET = "a-sample-webhook-secret"
META_APP_SECRET = "sample-meta-app-secret"
VERIFY_TOKEN = "sample-verify-token"
KEY_ALIAS = "alias/hkreach-test"
OF_THE_FUNCTIONS = ENVIRONMENT | {
    "STAGE": "local",
    "APP_CACHE_SECONDS": "0",
    "APPS_TABLE": APPS_TABLE,
    "MESSAGES_TABLE": MESSAGES_TABLE,
    "MEDIA_BUCKET": MEDIA_BUCKET,
    "NUMBERS_TABLE": NUMBERS_TABLE,
    "LEADS_TABLE": LEADS_TABLE,
    "LEAD_QUEUE_URL": LEAD_QUEUE_URL,
    "STATUS_QUEUE_URL": STATUS_QUEUE_URL,
    "STATUS_DEAD_LETTER_QUEUE_URL": STATUS_DEAD_LETTERS_URL,
    "LEAD_CACHE_SECONDS": "0",
    "DELIVERIES_TABLE": DELIVERIES_TABLE,
    "SEND_NOW_QUEUE_URL": SEND_NOW_QUEUE_URL,
    "SEND_BULK_QUEUE_URL": SEND_BULK_QUEUE_URL,
    "MEDIA_QUEUE_URL": MEDIA_QUEUE_URL,
    "LEAD_DEAD_LETTER_QUEUE_URL": LEAD_DEAD_LETTERS_URL,
    "MEDIA_DEAD_LETTER_QUEUE_URL": MEDIA_DEAD_LETTERS_URL,
    "WEBHOOK_QUEUE_URL": WEBHOOK_QUEUE_URL,
    "WEBHOOK_RETRY_QUEUE_URL": WEBHOOK_RETRY_QUEUE_URL,
    "SEND_DEAD_LETTER_QUEUE_URL": SEND_DEAD_LETTERS_URL,
    "WEBHOOK_DEAD_LETTER_QUEUE_URL": WEBHOOK_DEAD_LETTERS_URL,
    "EVENT_BUS_NAME": BUS,
    "GRAPH_URL": "https://graph.invalid",
    "GRAPH_VERSION": "v25.0",
    "SECRETS_KEY_ID": KEY_ALIAS,
    "META_APP_PARAMETERS": META_PARAMETERS,
    "LOCAL_TARGETS": "127.0.0.1:9000",
    "POWERTOOLS_LOG_LEVEL": "INFO",
}


def load(step: str) -> ModuleType:
    """A fresh copy of a function's module; all are called handler.py."""
    spec = importlib.util.spec_from_file_location(
        f"handler_of_{step}_{uuid.uuid4().hex}", ROOT / "functions" / step / "handler.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def clock() -> FakeClock:
    """The functions' clock: the samples are of a day that will be long ago."""
    return FakeClock(NOW)


@pytest.fixture(scope="session")
def functions(clock: FakeClock) -> Mapping[str, ModuleType]:
    """All functions by their step's name."""
    with environment(OF_THE_FUNCTIONS), pytest.MonkeyPatch.context() as patch:
        patch.setattr("hkreach.adapters.clock.now", clock)
        return {path.parent.name: load(path.parent.name) for path in sorted(ROOT.glob("functions/*/handler.py"))}


def sample(name: str) -> dict[str, Any]:
    """A sample event: `sample("send_message/queued")`."""
    event: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return event


class Context(SimpleNamespace):
    """What Lambda tells a function of its invocation."""

    def __init__(self, milliseconds_left: int = 60_000) -> None:
        super().__init__(
            function_name="function",
            memory_limit_in_mb=512,
            invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:function",
            aws_request_id="0b8f9c52-64a4-4d5f-b1b5-3f7f4c8e2a90",  # the gateway's own is another
            get_remaining_time_in_millis=lambda: milliseconds_left,
        )


class Stack:
    """AWS with one app in it, and a way to invoke each function."""

    def __init__(self, functions: Mapping[str, ModuleType], clock: FakeClock) -> None:
        self.functions = functions
        self.clock = clock
        aws("kms").create_alias(AliasName=KEY_ALIAS, TargetKeyId=aws("kms").create_key()["KeyMetadata"]["KeyId"])
        self.secrets = KMSSecrets(aws("kms"), KEY_ALIAS)
        self.apps = DynamoDBApps(aws("dynamodb"), APPS_TABLE, 0)
        self.messages = DynamoDBMessages(aws("dynamodb"), MESSAGES_TABLE, clock)
        self.leads = DynamoDBLeads(aws("dynamodb"), LEADS_TABLE)
        self.inbound = DynamoDBInbound(aws("dynamodb"), MESSAGES_TABLE, clock)

    def invoke(self, step: str, event: object, context: Context | None = None) -> Any:
        return self.functions[step].lambda_handler(event, context or Context())

    def add_app(self, app_name: str = "mystore", phone_number_id: str = NUMBER, api_key: str = API_KEY) -> App:
        app = App(
            app_name,
            "en",
            NOW,
            {api_key.split("_")[2]: hashlib.sha256(api_key.encode()).hexdigest()},
            MetaAccount(phone_number_id, "102290129340398", self.secrets.seal(app_name, "access_token", ACCESS_TOKEN)),
            hooks(endpoint(secret=self.secrets.seal(app_name, "webhook_secret", WEBHOOK_SECRET))),
        )
        self.apps.add(app)
        return app

    def webhooks_go_to(self, client: WebhookClient) -> None:
        """The integrators' servers, for this test."""
        deliverer: Any = self.functions["deliver_webhook"]
        attempt = replace(deliverer.deliver_webhook.attempt, client=client)
        deliverer.deliver_webhook = replace(deliverer.deliver_webhook, attempt=attempt)

    def set_meta_app(self) -> None:
        SSMMetaApp(aws("ssm"), META_PARAMETERS, KEY_ALIAS).rotate(META_APP_SECRET, VERIFY_TOKEN)


@pytest.fixture
def stack(functions: Mapping[str, ModuleType], clock: FakeClock, logs: io.StringIO) -> Iterator[Stack]:
    functions["receive_meta"].meta_app._cache.forget()
    sender: Any = functions["send_message"]
    numbers = DynamoDBNumbers(aws("dynamodb"), NUMBERS_TABLE)
    sender.send_message = replace(
        sender.send_message,
        admission=Admission(numbers, clock, sender.settings.limits),
        upload=replace(sender.send_message.upload, numbers=numbers),
        pause=lambda seconds: None,
    )
    fetcher: Any = functions["fetch_media"]
    fetcher.fetch_media = replace(fetcher.fetch_media, upload=replace(fetcher.fetch_media.upload, numbers=numbers))
    deliverer: Any = functions["deliver_webhook"]
    healths = DynamoDBEndpointHealths(aws("dynamodb"), DELIVERIES_TABLE)
    attempt = replace(deliverer.attempt, healths=healths)
    deliverer.deliver_webhook = replace(deliverer.deliver_webhook, attempt=attempt)
    clock.now = NOW
    with imitated():
        yield Stack(functions, clock)


@pytest.fixture
def logs(functions: Mapping[str, ModuleType]) -> Iterator[io.StringIO]:
    """What the functions log, in a buffer instead of the standard output."""
    (handler,) = (h for h in logging.getLogger("hkreach").handlers if isinstance(h, logging.StreamHandler))
    buffer = io.StringIO()
    before = handler.setStream(buffer)
    yield buffer
    handler.setStream(before or handler.stream)


def problem(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The problem in an answer, whose form is checked on the way."""
    read: dict[str, Any] = json.loads(answer["body"])
    assert "application/problem+json" == answer["multiValueHeaders"]["Content-Type"][0]
    assert answer["statusCode"] == read["status"]
    assert f"urn:hkreach:problem:{read['code']}" == read["type"]
    assert {"type", "title", "status", "detail", "code", "retryable", "requestId"} <= set(read)
    assert set(read) <= {"type", "title", "status", "detail", "code", "retryable", "requestId", "errors", "test"}
    return read


def fields(answer: Mapping[str, Any]) -> list[str]:
    """The fields that a problem names, sorted."""
    return sorted(fault["field"] for fault in problem(answer).get("errors", []))
