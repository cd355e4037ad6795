"""deliver_webhook: the exact bytes signed are the bytes sent; what was not taken comes later."""

import hashlib
import hmac
import json

import pytest

from hkreach.domain.app import Webhook
from hkreach.domain.event import received_event, status_event
from hkreach.domain.message import Status
from hkreach.usecases.deliver_webhook import deliver_webhook
from tests.builders import NOW, app, inbound, outbound
from tests.fakes.apps import FakeApps
from tests.fakes.outside import FakeWebhookClient
from tests.fakes.secrets import FakeSealedSecrets, SealedElsewhere

URL = "https://shop.example.com/whatsapp/events"
SECRET = "whsec_c2VjcmV0"
EVENT = received_event(inbound())


@pytest.fixture
def secrets() -> FakeSealedSecrets:
    return FakeSealedSecrets()


@pytest.fixture
def apps(secrets: FakeSealedSecrets) -> FakeApps:
    return FakeApps(app(webhook=Webhook(URL, secrets.seal("mystore", "webhook_secret", SECRET))))


def test_the_event_is_posted_and_signed_over_the_very_bytes(apps: FakeApps, secrets: FakeSealedSecrets) -> None:
    client = FakeWebhookClient()
    assert "done" == deliver_webhook(EVENT, apps=apps, secrets=secrets, client=client)

    ((url, body, headers),) = client.posted
    assert (URL, EVENT) == (url, json.loads(body))
    assert hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest() == headers["X-HKReach-Signature"]
    assert "application/json" == headers["Content-Type"]
    assert "☕".encode() in body


def test_an_event_repeated_is_the_same_bytes(apps: FakeApps, secrets: FakeSealedSecrets) -> None:
    client = FakeWebhookClient()
    event = status_event(outbound(facts={Status.SENT: NOW}), Status.SENT)
    for _ in range(2):
        deliver_webhook(json.loads(json.dumps(event)), apps=apps, secrets=secrets, client=client)

    assert client.posted[0] == client.posted[1]


@pytest.mark.parametrize("failure", ["HTTP 500", "HTTP 302", "no answer"])
def test_what_was_not_taken_comes_later(apps: FakeApps, secrets: FakeSealedSecrets, failure: str) -> None:
    client = FakeWebhookClient(failure, None)

    assert ["later", "done"] == [deliver_webhook(EVENT, apps=apps, secrets=secrets, client=client) for _ in range(2)]


def test_without_a_secret_there_is_no_signature(secrets: FakeSealedSecrets) -> None:
    client = FakeWebhookClient()
    deliver_webhook(EVENT, apps=FakeApps(app(webhook=Webhook(URL, None))), secrets=secrets, client=client)

    assert not any("signature" in name.lower() for name in client.posted[0][2])
    assert [] == secrets.calls


@pytest.mark.parametrize("apps", [FakeApps(), FakeApps(app(webhook=None))], ids=["no app", "no webhook"])
def test_who_wants_no_events_gets_none(apps: FakeApps, secrets: FakeSealedSecrets) -> None:
    client = FakeWebhookClient()

    assert "done" == deliver_webhook(EVENT, apps=apps, secrets=secrets, client=client)
    assert [] == client.posted


def test_a_secret_of_another_app_signs_nothing(secrets: FakeSealedSecrets) -> None:
    moved = FakeApps(app(webhook=Webhook(URL, secrets.seal("other", "webhook_secret", SECRET))))
    client = FakeWebhookClient()

    with pytest.raises(SealedElsewhere):
        deliver_webhook(EVENT, apps=moved, secrets=secrets, client=client)
    assert [] == client.posted
