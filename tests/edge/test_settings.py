"""Each function's settings: what is missing or wrong fails the start, says which, and shows no value."""

import pytest
from pydantic import ValidationError

from hkreach import settings
from hkreach.settings_parts import FromEnvironment
from tests.aws import environment
from tests.handlers.conftest import OF_THE_FUNCTIONS, load

MODELS = {name: model for name, model in vars(settings).items() if name.endswith("Settings") and name[0] != "_"}
NEEDED = {
    "accept_message": {"APPS_TABLE", "MESSAGES_TABLE", "MEDIA_BUCKET", "STAGE"},
    "manage_media": {"APPS_TABLE", "MESSAGES_TABLE", "MEDIA_BUCKET"},
    "manage_app": {"APPS_TABLE", "STAGE", "SECRETS_KEY_ID", "DELIVERIES_TABLE", "MESSAGES_TABLE", "LEADS_TABLE"},
    "read_message": {"APPS_TABLE", "MESSAGES_TABLE"},
    "relay_outbox": {"SEND_NOW_QUEUE_URL", "SEND_BULK_QUEUE_URL", "MEDIA_QUEUE_URL"},
    "send_message": {
        *("APPS_TABLE", "MESSAGES_TABLE", "NUMBERS_TABLE", "MEDIA_BUCKET", "SEND_NOW_QUEUE_URL"),
        *("SEND_BULK_QUEUE_URL", "MEDIA_QUEUE_URL", "STAGE", "GRAPH_URL", "GRAPH_VERSION"),
    },
    "fetch_media": {
        *("APPS_TABLE", "MESSAGES_TABLE", "NUMBERS_TABLE", "MEDIA_BUCKET", "SEND_NOW_QUEUE_URL"),
        *("SEND_BULK_QUEUE_URL", "MEDIA_QUEUE_URL", "STAGE", "GRAPH_URL", "GRAPH_VERSION"),
    },
    "receive_meta": {"APPS_TABLE", "MESSAGES_TABLE", "NUMBERS_TABLE", "META_APP_PARAMETERS", "STATUS_QUEUE_URL"},
    "manage_leads": {"APPS_TABLE", "LEADS_TABLE", "STAGE"},
    "relay_events": {"EVENT_BUS_NAME", "MESSAGES_TABLE", "LEADS_TABLE", "LEAD_QUEUE_URL"},
    "wake_due": {
        *("MESSAGES_TABLE", "SEND_NOW_QUEUE_URL", "SEND_BULK_QUEUE_URL", "MEDIA_QUEUE_URL", "DELIVERIES_TABLE"),
        *("WEBHOOK_RETRY_QUEUE_URL", "APPS_TABLE", "LEADS_TABLE"),
    },
    "deliver_webhook": {
        *("APPS_TABLE", "STAGE", "DELIVERIES_TABLE", "MESSAGES_TABLE", "EVENT_BUS_NAME"),
        *("WEBHOOK_RETRY_QUEUE_URL", "LEADS_TABLE"),
    },
    "administer": {
        *("APPS_TABLE", "STAGE", "SECRETS_KEY_ID", "META_APP_PARAMETERS", "MESSAGES_TABLE", "SEND_NOW_QUEUE_URL"),
        *("NUMBERS_TABLE", "SEND_DEAD_LETTER_QUEUE_URL", "WEBHOOK_QUEUE_URL", "WEBHOOK_DEAD_LETTER_QUEUE_URL"),
        *("MEDIA_QUEUE_URL", "MEDIA_DEAD_LETTER_QUEUE_URL", "DELIVERIES_TABLE", "SEND_BULK_QUEUE_URL"),
        *("LEAD_QUEUE_URL", "LEAD_DEAD_LETTER_QUEUE_URL", "STATUS_QUEUE_URL", "STATUS_DEAD_LETTER_QUEUE_URL"),
    },
}


def _model(step: str) -> type[FromEnvironment]:
    model: type[FromEnvironment] = MODELS[step.title().replace("_", "") + "Settings"]
    return model


@pytest.mark.parametrize(("step", "needed"), NEEDED.items())
def test_what_is_missing_is_named(step: str, needed: set[str]) -> None:
    with environment({"PATH": "a-secret-of-the-environment"}), pytest.raises(ValidationError) as refused:
        _model(step).from_environment()

    assert needed == {str(fault["loc"][0]) for fault in refused.value.errors()}
    assert "a-secret-of-the-environment" not in str(refused.value)


@pytest.mark.parametrize(("step", "name"), [(step, name) for step, names in NEEDED.items() for name in sorted(names)])
def test_an_empty_one_is_as_bad(step: str, name: str) -> None:
    with environment(OF_THE_FUNCTIONS | {name: ""}), pytest.raises(ValidationError, match=name):
        _model(step).from_environment()


@pytest.mark.parametrize(
    ("step", "name", "value"),
    [
        ("accept_message", "APP_CACHE_SECONDS", "61"),
        ("accept_message", "APP_CACHE_SECONDS", "-1"),
        ("accept_message", "APP_CACHE_SECONDS", "soon"),
        ("send_message", "GRAPH_VERSION", "25"),
        ("send_message", "GRAPH_VERSION", "v25.0/../.."),
        ("send_message", "CALL_SECONDS", "0"),
        ("send_message", "CALL_SECONDS", "61"),
        ("send_message", "UPLOAD_SECONDS", "31"),
        ("send_message", "RETRY_BASE_SECONDS", "0"),
        ("fetch_media", "FETCH_SECONDS", "121"),
        ("deliver_webhook", "ANSWER_SECONDS", "31"),
        ("manage_app", "ANSWER_SECONDS", "0"),
        ("deliver_webhook", "BREAKER_FIRST_SECONDS", "-1"),
        ("deliver_webhook", "STAGE", "staging"),
        ("deliver_webhook", "RETRY_WAITS_SECONDS", "5,soon"),
        ("deliver_webhook", "RETRY_WAITS_SECONDS", "5,0"),
        ("deliver_webhook", "PATIENCE_SECONDS", "0"),
        ("deliver_webhook", "SUSPECT_SECONDS", "0"),
        ("deliver_webhook", "SLOW_SECONDS", "16"),
        ("deliver_webhook", "SLOW_FOR_SECONDS", "0"),
        ("wake_due", "BACKLOG_PER_SECOND", "0"),
    ],
)
def test_a_wrong_value_is_named(step: str, name: str, value: str) -> None:
    with environment(OF_THE_FUNCTIONS | {name: value}), pytest.raises(ValidationError, match=name):
        _model(step).from_environment()


@pytest.mark.parametrize("step", ["accept_message", "manage_app", "fetch_media", "deliver_webhook", "administer"])
@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_loopback_is_refused_anywhere_but_on_a_developers_machine(step: str, stage: str) -> None:
    with environment(OF_THE_FUNCTIONS | {"STAGE": stage}), pytest.raises(ValidationError, match="LOCAL_TARGETS"):
        _model(step).from_environment()
    with environment(OF_THE_FUNCTIONS | {"STAGE": stage, "LOCAL_TARGETS": ""}):
        assert frozenset() == _model(step).from_environment().local_targets  # type: ignore[attr-defined]


def test_the_values_as_they_are_read() -> None:
    with environment(OF_THE_FUNCTIONS | {"LOCAL_TARGETS": "127.0.0.1:1,localhost:2,", "GRAPH_URL": "https://g/"}):
        webhooks = settings.DeliverWebhookSettings.from_environment()
        send = settings.SendMessageSettings.from_environment()

    assert {"127.0.0.1:1", "localhost:2"} == webhooks.local_targets
    assert ("https://g/", "v25.0") == (send.graph_url, send.graph_version)
    assert (20, 30) == (send.call_seconds, send.upload_seconds)


@pytest.mark.parametrize("step", NEEDED)
def test_a_function_does_not_start_without_them(step: str) -> None:
    with environment({}), pytest.raises(ValidationError):
        load(step)
    with environment(OF_THE_FUNCTIONS):
        assert load(step).settings == _model(step).model_validate(OF_THE_FUNCTIONS)


@pytest.mark.parametrize(
    ("stage", "url", "taken"),
    [
        ("prod", "https://graph.facebook.com", True),
        ("prod", "http://graph.facebook.com", False),
        ("dev", "http://127.0.0.1:4570", False),
        ("local", "http://127.0.0.1:4570", True),
    ],
)
def test_access_tokens_go_to_meta_encrypted(stage: str, url: str, taken: bool) -> None:
    with environment(OF_THE_FUNCTIONS | {"STAGE": stage, "GRAPH_URL": url}):
        if taken:
            assert url == settings.SendMessageSettings.from_environment().graph_url
        else:
            with pytest.raises(ValidationError, match="GRAPH_URL must begin with https"):
                settings.SendMessageSettings.from_environment()
