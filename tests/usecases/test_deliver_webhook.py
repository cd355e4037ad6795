"""deliver_webhook: each active endpoint that takes an event gets it, signed; what was not taken comes later."""

import json

import pytest

from hkreach.domain.delivery import Delivery
from hkreach.domain.endpoint import EVENT_NAMES, Endpoint, EndpointState
from hkreach.domain.event import Event, received_event, status_event
from hkreach.domain.message import Status
from hkreach.domain.signature import sign
from hkreach.domain.webhook_answer import Answer
from hkreach.domain.webhook_signature import standard_key, standard_signature
from tests.builders import NOW, app, endpoint, hooks, inbound, outbound
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.delivering import Delivering
from tests.fakes.outside import FakeWebhookClient
from tests.fakes.secrets import FakeSealedSecrets

URL = "https://shop.example.com/whatsapp/events"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
OWN_SECRET = "a-secret-of-the-operators-own"
EVENT = received_event(inbound())
_SECRETS = FakeSealedSecrets()


def _sealed(secret: str, app_name: str = "mystore") -> bytes:
    return _SECRETS.seal(app_name, "webhook_secret", secret)


def _deliver(client: FakeWebhookClient, *endpoints: Endpoint, event: Event = EVENT, at: int = NOW) -> list[Delivery]:
    """What it leaves in the deliveries table."""
    delivering = Delivering(FakeApps(app(endpoints=hooks(*endpoints))), _SECRETS, client, FakeClock(at))
    delivering.deliver(event)
    return delivering.rows


def test_the_event_is_posted_and_signed_over_the_very_bytes() -> None:
    client = FakeWebhookClient()
    assert [] == _deliver(client, endpoint(secret=_sealed(SECRET)))

    ((url, body, headers),) = client.posted
    assert (URL, EVENT) == (url, json.loads(body))
    assert "☕".encode() in body
    assert {
        "Content-Type": "application/json",
        "User-Agent": "HK-Reach-Webhooks/1",
        "X-HKReach-Signature": sign(SECRET, body),
        "webhook-id": EVENT["id"],
        "webhook-timestamp": str(NOW // 1000),
        "webhook-signature": headers["webhook-signature"],
    } == headers


def test_an_event_repeated_is_the_same_bytes_and_id_and_a_time_of_its_own() -> None:
    client = FakeWebhookClient()
    event = status_event(outbound(facts={Status.SENT: NOW}), Status.SENT)
    for at in (NOW, NOW + 5_000):
        _deliver(client, endpoint(secret=_sealed(SECRET)), event=json.loads(json.dumps(event)), at=at)

    (_, first, before), (_, second, after) = client.posted
    assert (first, before["webhook-id"]) == (second, after["webhook-id"])
    assert before["X-HKReach-Signature"] == after["X-HKReach-Signature"]
    assert 5 == int(after["webhook-timestamp"]) - int(before["webhook-timestamp"])
    assert before["webhook-signature"] != after["webhook-signature"]


def test_in_rotation_both_secrets_sign_and_after_it_the_new_one_alone() -> None:
    client = FakeWebhookClient()
    rotating = endpoint(secret=_sealed(SECRET), old_secret=_sealed(OLD_SECRET), old_secret_until=NOW + 1)
    for at in (NOW, NOW + 1):
        _deliver(client, rotating, at=at)

    (_, body, during), (_, _, after) = client.posted
    assert (2, 1) == (len(during["webhook-signature"].split()), len(after["webhook-signature"].split()))
    assert (sign(OLD_SECRET, body), sign(SECRET, body)) == (during["X-HKReach-Signature"], after["X-HKReach-Signature"])
    for secret, headers in ((SECRET, during), (OLD_SECRET, during), (SECRET, after)):
        signature = headers["webhook-signature"].split()
        key = standard_key(secret)
        assert key is not None
        assert standard_signature(key, EVENT["id"], NOW // 1000, body) in signature


def test_a_secret_of_another_form_signs_only_as_promised() -> None:
    client = FakeWebhookClient()
    _deliver(client, endpoint(secret=_sealed(OWN_SECRET)))

    ((_, body, headers),) = client.posted
    assert sign(OWN_SECRET, body) == headers["X-HKReach-Signature"]
    assert not any(name.startswith("webhook-") for name in headers)


def test_without_a_secret_there_is_no_signature() -> None:
    client = FakeWebhookClient()
    _deliver(client, endpoint(secret=None))

    assert {"Content-Type", "User-Agent"} == set(client.posted[0][2])


@pytest.mark.parametrize("answer", [Answer(500), Answer(302), Answer(None)])
def test_what_was_not_taken_comes_later(answer: Answer) -> None:
    ((row),) = _deliver(FakeWebhookClient(answer), endpoint(secret=None))

    assert ("waiting", 1, EVENT["id"]) == (row.state, row.tries, row.key.event_id)


def test_every_endpoint_gets_it_though_another_fails() -> None:
    client = FakeWebhookClient(Answer(500), Answer(200), Answer(200))
    endpoints = [endpoint(f"we_{n}", url=f"https://{n}.example.com/", created_at=n, secret=None) for n in (3, 1, 2)]

    rows = _deliver(client, *endpoints)
    assert ["we_1"] == [row.key.endpoint.endpoint_id for row in rows]
    assert [f"https://{n}.example.com/" for n in (1, 2, 3)] == [url for url, _, _ in client.posted]


@pytest.mark.parametrize("state", ["unverified", "paused"])
def test_only_active_endpoints_get_events(state: EndpointState) -> None:
    client = FakeWebhookClient()

    rows = _deliver(client, endpoint(state=state), endpoint("we_2", events=frozenset({"leads.status"})))
    assert [] == client.posted
    assert ["paused"] * (state == "paused") == [row.why for row in rows], "what a paused one takes is kept for it"


@pytest.mark.parametrize("name", sorted(EVENT_NAMES - {"messages.status"}))
def test_an_endpoint_gets_what_it_asked_for(name: str) -> None:
    client = FakeWebhookClient()
    event = EVENT | {"event": name}
    if name.startswith("messages.status."):
        status = Status(name.removeprefix("messages.status."))
        event = status_event(outbound(facts={status: NOW}), status)
    for events in (frozenset({name}), EVENT_NAMES - {name}):
        _deliver(client, endpoint(events=events, secret=None), event=event)

    assert [event] == [json.loads(body) for _, body, _ in client.posted]


@pytest.mark.parametrize("status", [Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED])
def test_messages_status_is_the_promised_ones(status: Status) -> None:
    client = FakeWebhookClient()
    event = status_event(outbound(facts={status: NOW}), status)
    for events in (frozenset({"messages.status"}), EVENT_NAMES - {"messages.status"}):
        _deliver(client, endpoint(events=events, secret=None), event=event)

    assert [event] == [json.loads(body) for _, body, _ in client.posted]


def test_an_app_that_is_gone_gets_none() -> None:
    client = FakeWebhookClient()

    delivering = Delivering(FakeApps(), _SECRETS, client, FakeClock(NOW))
    delivering.deliver(EVENT)
    assert [] == client.posted
    assert [] == delivering.rows


def test_a_secret_of_another_app_signs_nothing() -> None:
    client = FakeWebhookClient()

    ((row),) = _deliver(client, endpoint(secret=_sealed(SECRET, "other")))
    assert [] == client.posted
    assert ("waiting", 0) == (row.state, row.tries), "a fault of ours, and not the endpoint's"
