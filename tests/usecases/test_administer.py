"""administer: what an operator does, and that a key or secret is shown once and stored only sealed or hashed."""

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest

from hkreach.domain import api_key
from hkreach.domain.delivery import EndpointKey
from hkreach.domain.endpoint import OPERATORS
from hkreach.domain.endpoint_health import EndpointHealth, EndpointLimits
from hkreach.domain.errors import Conflict, Invalid, NotFound, ReachError
from hkreach.domain.webhook_answer import Answer
from hkreach.usecases.administer import Administer, NewMetaAccount, NewWebhook
from hkreach.usecases.administer_resume import ResumeWaiting
from tests.builders import NOW, NUMBER, OTHER_NUMBER, app, endpoint, hooks
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.deliveries import FakeEndpointHealths
from tests.fakes.messages import FakeMessages
from tests.fakes.numbers import FakeNumbers
from tests.fakes.secrets import FakeMetaApp, FakeSealedSecrets
from tests.fakes.stopped import FakeStopped

ACCOUNT = NewMetaAccount(NUMBER, "102290129340398", "EAAtoken")
WEBHOOK = NewWebhook("https://shop.example.com/hook")


@pytest.fixture
def house(clock: FakeClock) -> Administer:
    messages, numbers = FakeMessages(clock), FakeNumbers()
    return Administer(
        FakeApps(), numbers, FakeSealedSecrets(), FakeMetaApp(), clock, FakeEndpointHealths(),
        frozenset({"127.0.0.1:9000"}),
        resume_waiting=ResumeWaiting(messages, FakeStopped(messages), numbers, clock),
    )  # fmt: skip


def test_a_new_app_has_a_key_that_opens_it(house: Administer) -> None:
    shown = house.create_app("mystore", "en", ACCOUNT, WEBHOOK)
    app = house.apps.get_fresh("mystore")

    assert app is not None
    key = api_key.parse(shown["apiKey"])
    assert key is not None
    assert key.matches(app.keys[shown["keyId"]])
    assert ("mystore", "en", NUMBER, "102290129340398", WEBHOOK.url) == (
        shown["appName"], shown["languageCode"], shown["phoneNumberId"], shown["wabaId"], shown["webhookUrl"],
    )  # fmt: skip
    assert "2026-11-22T09:00:00Z" == shown["createdAt"]


def test_a_new_apps_secrets_are_sealed_for_it(house: Administer) -> None:
    shown = house.create_app("mystore", "en", ACCOUNT, WEBHOOK)
    app = house.apps.get_fresh("mystore")

    assert app is not None
    assert app.meta is not None
    sealed = app.endpoints[OPERATORS].secret
    assert sealed is not None
    assert "EAAtoken" == house.secrets.open("mystore", "access_token", app.meta.access_token)
    assert shown["webhookSecret"] == house.secrets.open("mystore", "webhook_secret", sealed)
    assert 32 == len(base64.b64decode(shown["webhookSecret"].removeprefix("whsec_"), validate=True))


def test_a_bare_app_has_neither(house: Administer) -> None:
    shown = house.create_app("mystore", "en")

    assert (None, None, None, None) == (
        shown["phoneNumberId"], shown["wabaId"], shown["webhookUrl"], shown["webhookSecret"],
    )  # fmt: skip


def test_what_is_shown_later_holds_no_secret(house: Administer) -> None:
    created = house.create_app("mystore", "en", ACCOUNT, WEBHOOK)
    shown = str(house.show_app("mystore"))

    for secret in (created["apiKey"], created["webhookSecret"], "EAAtoken"):
        assert secret not in shown


@pytest.mark.parametrize("name", ["", "a", "-store", "my store", "my#store", "x" * 65, "störe", "a\n"])
def test_a_name_that_would_not_do(house: Administer, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        house.create_app(name, "en")
    assert ["appName"] == [fault.field for fault in refused.value.faults]


@pytest.mark.parametrize("name", ["ab", "My_Store-2", "0" * 64])
def test_names_that_do(house: Administer, name: str) -> None:
    assert name == house.create_app(name, "en")["appName"]


def test_a_taken_name_or_number_is_a_conflict(house: Administer) -> None:
    house.create_app("mystore", "en", ACCOUNT)

    with pytest.raises(Conflict):
        house.create_app("mystore", "en")
    with pytest.raises(Conflict):
        house.create_app("other", "en", ACCOUNT)
    house.create_app("other", "en")
    with pytest.raises(Conflict):
        house.set_meta_account("other", ACCOUNT)


def test_the_account_can_be_changed(house: Administer) -> None:
    house.create_app("mystore", "en", ACCOUNT)
    shown = house.set_meta_account("mystore", replace(ACCOUNT, phone_number_id=OTHER_NUMBER, access_token="EAAnew"))
    app = house.apps.get_fresh("mystore")

    assert app is not None
    assert app.meta is not None
    assert (OTHER_NUMBER, "EAAnew") == (
        shown["phoneNumberId"], house.secrets.open("mystore", "access_token", app.meta.access_token),
    )  # fmt: skip


def test_a_webhook_can_be_changed_with_a_secret_of_ones_own_and_ended(house: Administer) -> None:
    house.create_app("mystore", "en", webhook=WEBHOOK)

    shown = house.set_webhook("mystore", NewWebhook("http://127.0.0.1:9000/", "a-secret-of-my-own"))
    assert ("http://127.0.0.1:9000/", "a-secret-of-my-own") == (shown["webhookUrl"], shown["webhookSecret"])
    assert house.set_webhook("mystore", None)["webhookUrl"] is None


def test_a_new_webhook_gets_events_whatever_the_one_before_did(house: Administer) -> None:
    key = EndpointKey("mystore", OPERATORS)
    house.create_app("mystore", "en", webhook=WEBHOOK)
    for again in (
        lambda: house.set_webhook("mystore", NewWebhook("https://new.example.com/")),
        lambda: house.activate_webhook("mystore", OPERATORS),
    ):
        house.healths.change(key, lambda health: (health.failed(NOW, Answer(410), EndpointLimits()), None))
        again()
        assert EndpointHealth().drained(NOW) == house.healths.look(key)


def test_a_new_address_is_the_same_endpoint_and_one_after_its_end_is_another(
    house: Administer, clock: FakeClock
) -> None:
    def created_at() -> int:
        app = house.apps.get_fresh("mystore")
        assert app is not None
        return app.endpoints[OPERATORS].created_at

    house.create_app("mystore", "en", webhook=WEBHOOK)
    clock.advance(5)
    house.set_webhook("mystore", NewWebhook("https://new.example.com/"))
    assert NOW == created_at()
    house.set_webhook("mystore", None)
    house.set_webhook("mystore", WEBHOOK)
    assert NOW + 5 == created_at()


def test_what_waits_for_one_that_is_ended_is_looked_through(house: Administer) -> None:
    key = EndpointKey("mystore", OPERATORS)
    house.create_app("mystore", "en", webhook=WEBHOOK)
    house.healths.change(key, lambda health: (health.failed(NOW, Answer(410), EndpointLimits()), None))

    house.set_webhook("mystore", None)
    assert EndpointHealth().drained(NOW) == house.healths.look(key)


def test_who_cannot_begin_it_anew_is_told_to_call_again(house: Administer) -> None:
    house.create_app("mystore", "en")
    house.healths.contended = 1  # type: ignore[attr-defined]

    with pytest.raises(Conflict, match="make the same call again"):
        house.set_webhook("mystore", WEBHOOK)


def test_setting_the_webhook_leaves_the_apps_own_endpoints_and_its_filter(house: Administer) -> None:
    own = endpoint("we_" + "a" * 22)
    before = endpoint(events=frozenset({"leads.status"}), description="CRM", state="paused")
    house.apps.add(app(meta=None, endpoints=hooks(own, before)))

    house.set_webhook("mystore", WEBHOOK)
    after = house.apps.get_fresh("mystore")
    assert after is not None
    assert own == after.endpoints[own.endpoint_id]
    kept = after.endpoints[OPERATORS]
    assert (WEBHOOK.url, before.events, "CRM", "active") == (kept.url, kept.events, kept.description, kept.state)
    house.set_webhook("mystore", None)
    ended = house.apps.get_fresh("mystore")
    assert ended is not None
    assert hooks(own) == ended.endpoints


def test_the_operators_is_not_one_too_many(house: Administer) -> None:
    own = [endpoint(f"we_{n}") for n in range(5)]
    house.apps.add(app(meta=None, endpoints=hooks(*own)))

    with pytest.raises(Conflict, match="5 endpoints"):
        house.set_webhook("mystore", WEBHOOK)


def test_an_endpoint_is_let_in_without_a_test(house: Administer) -> None:
    own = endpoint("we_" + "a" * 22, state="unverified")
    house.apps.add(app(meta=None, endpoints=hooks(own)))

    assert "active" == house.activate_webhook("mystore", own.endpoint_id)["state"]
    after = house.apps.get_fresh("mystore")
    assert after is not None
    assert replace(own, state="active") == after.endpoints[own.endpoint_id]
    with pytest.raises(NotFound, match=own.endpoint_id):
        house.activate_webhook("mystore", OPERATORS)


@pytest.mark.parametrize("url", ["http://shop.example.com/", "https://127.0.0.1/", "http://127.0.0.1:9001/", "x"])
def test_an_address_that_is_never_called_is_not_set(house: Administer, url: str) -> None:
    with pytest.raises(Invalid) as refused:
        house.create_app("mystore", "en", webhook=NewWebhook(url))

    assert ["webhookUrl"] == [fault.field for fault in refused.value.faults]
    assert house.apps.get_fresh("mystore") is None


def test_the_policy_for_unknown_outcomes(house: Administer) -> None:
    created = house.create_app("mystore", "en")
    assert ("park", 3_600) == (created["unknownPolicy"], created["resendAfterSeconds"])

    house.set_unknown_policy("mystore", "resend", 300)
    shown = house.show_app("mystore")
    assert ("resend", 300) == (shown["unknownPolicy"], shown["resendAfterSeconds"])
    assert "park" == house.set_unknown_policy("mystore", "park")["unknownPolicy"]


def test_two_keys_live_at_once_and_no_third(house: Administer) -> None:
    first = house.create_app("mystore", "en")["keyId"]
    second = house.issue_key("mystore")["keyId"]
    with pytest.raises(Conflict):
        house.issue_key("mystore")

    assert [second] == house.revoke_key("mystore", first)["keyIds"]
    third = house.issue_key("mystore")
    assert [second, third["keyId"]] == third["keyIds"]
    assert api_key.parse(third["apiKey"]) is not None


def test_a_key_that_is_not_there_cannot_be_revoked(house: Administer) -> None:
    house.create_app("mystore", "en")

    with pytest.raises(NotFound):
        house.revoke_key("mystore", "nosuchkey1")


def test_the_stacks_meta_app(house: Administer) -> None:
    assert {"appSecrets": 1} == house.set_meta_app("secret-1", "token")
    assert {"appSecrets": 2} == house.set_meta_app("secret-2", "token-2")
    assert (("secret-2", "secret-1"), "token-2") == (house.meta_app.app_secrets(), house.meta_app.verify_token())


@pytest.mark.parametrize(
    "call",
    [
        lambda house: house.show_app("nobody"),
        lambda house: house.set_meta_account("nobody", ACCOUNT),
        lambda house: house.set_webhook("nobody", WEBHOOK),
        lambda house: house.issue_key("nobody"),
        lambda house: house.set_unknown_policy("nobody", "park"),
        lambda house: house.revoke_key("nobody", "k"),
    ],
)
def test_an_app_that_is_not_there(house: Administer, call: Callable[[Administer], ReachError]) -> None:
    with pytest.raises(NotFound):
        call(house)
