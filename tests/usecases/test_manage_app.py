"""manage_app: endpoints of an app's own, active once their server took a test event; secrets told once."""

import json
from dataclasses import replace

import pytest

from hkreach.domain.endpoint import DEFAULT_EVENTS, MAX_ENDPOINTS, OLD_SECRET_LIVES, OPERATORS, EndpointState
from hkreach.domain.errors import Conflict
from hkreach.domain.signature import sign
from hkreach.domain.time import SECOND
from hkreach.domain.webhook_answer import Answer
from hkreach.usecases.manage_app import EndpointChange, NotTaken
from tests.builders import NOW, app, endpoint, hooks
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.outside import FakeWebhookClient
from tests.usecases.app_house import NEW, OTHER_URL, REFUSED, AppHouse


def test_a_new_endpoint_whose_server_takes_the_test_is_active(shop: AppHouse) -> None:
    made, secret, test = shop.calls.create("mystore", NEW)

    assert [made] == shop.calls.endpoints("mystore")
    assert (NEW.url, NEW.events, NEW.description, "active", NOW) == (
        made.url, made.events, made.description, made.state, made.created_at,
    )  # fmt: skip
    assert secret == shop.opened(made.secret)
    ((url, body, headers),) = shop.client.posted
    assert (NEW.url, sign(secret, body)) == (url, headers["X-HKReach-Signature"])
    assert {
        "id": test.event_id,
        "event": "webhooks.test",
        "createdAt": "2026-11-22T09:00:00Z",
        "appName": "mystore",
        "data": {"endpointId": made.endpoint_id},
    } == json.loads(body)
    assert headers["webhook-id"] == test.event_id
    assert (Answer(200), 0) == (test.answer, test.milliseconds)


@pytest.mark.parametrize("answer", [REFUSED, Answer(302), Answer(None)])
def test_one_whose_server_does_not_is_unverified_until_it_does(shop: AppHouse, answer: Answer) -> None:
    shop.client.answers = [answer, answer, Answer(204)]
    made, _, test = shop.calls.create("mystore", NEW)

    assert ("unverified", answer) == (made.state, test.answer)
    assert ("unverified", answer) == _state_and_answer(shop, made.endpoint_id)
    assert ("active", Answer(204)) == _state_and_answer(shop, made.endpoint_id)
    assert "active" == shop.calls.endpoint("mystore", made.endpoint_id).state


def _state_and_answer(shop: AppHouse, endpoint_id: str) -> tuple[EndpointState, Answer]:
    tested, test = shop.calls.test("mystore", endpoint_id)
    return tested.state, test.answer


def test_how_long_the_server_took_is_told_but_not_of_one_that_was_not_reached(shop: AppHouse) -> None:
    class Slow(FakeWebhookClient):
        def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
            shop.clock.advance(1_234)
            return super().post(url, body, headers)

    shop.client = Slow(Answer(200), Answer(None))
    times = [shop.calls.create("mystore", NEW)[2].milliseconds for _ in range(2)]

    assert [1_234, None] == times


def test_there_are_at_most_five_and_no_test_is_sent_for_a_sixth(shop: AppHouse) -> None:
    for _ in range(MAX_ENDPOINTS):
        shop.create()
    shop.client.posted.clear()

    with pytest.raises(Conflict, match=r"5 webhook endpoints.*DELETE"):
        shop.create()
    assert [] == shop.client.posted
    shop.calls.delete("mystore", shop.calls.endpoints("mystore")[0].endpoint_id)
    shop.create()


def test_a_change_keeps_what_it_does_not_name(shop: AppHouse) -> None:
    before = shop.calls.endpoint("mystore", shop.create())
    shop.client.posted.clear()

    changed, test = shop.calls.change("mystore", before.endpoint_id, EndpointChange(events=DEFAULT_EVENTS))
    assert (replace(before, events=DEFAULT_EVENTS), None) == (changed, test)
    changed, _ = shop.calls.change("mystore", before.endpoint_id, EndpointChange(NEW.url, description="CRM"))
    assert replace(before, events=DEFAULT_EVENTS, description="CRM") == changed
    assert [] == shop.client.posted, "the address is as it was"
    assert [changed] == shop.calls.endpoints("mystore")


@pytest.mark.parametrize(
    ("state", "answer", "after"),
    [
        ("active", Answer(200), "active"),
        ("paused", Answer(200), "paused"),
        ("unverified", Answer(200), "active"),
        ("unverified", REFUSED, "unverified"),
    ],
)
def test_a_new_address_must_take_a_test_event(
    shop: AppHouse, state: EndpointState, answer: Answer, after: EndpointState
) -> None:
    endpoint_id = shop.create(REFUSED if state == "unverified" else None)
    if state == "paused":
        shop.calls.pause("mystore", endpoint_id)
    shop.client.answers = [answer]

    changed, test = shop.calls.change("mystore", endpoint_id, EndpointChange(OTHER_URL))
    assert (OTHER_URL, after) == (changed.url, changed.state)
    assert test is not None
    assert (OTHER_URL, answer) == (shop.client.posted[-1][0], test.answer)
    assert [changed] == shop.calls.endpoints("mystore")


@pytest.mark.parametrize("state", ["active", "paused"])
@pytest.mark.parametrize("answer", [REFUSED, Answer(None)])
def test_one_that_does_not_take_it_is_refused_and_the_endpoint_stays_as_it_was(
    shop: AppHouse, state: EndpointState, answer: Answer
) -> None:
    endpoint_id = shop.create()
    if state == "paused":
        shop.calls.pause("mystore", endpoint_id)
    before = shop.apps.apps["mystore"]
    shop.client.answers = [answer]

    with pytest.raises(NotTaken) as refused:
        shop.calls.change("mystore", endpoint_id, EndpointChange(OTHER_URL, description="CRM"))
    assert (OTHER_URL, answer) == (shop.client.posted[-1][0], refused.value.test.answer)
    assert (before, state) == (shop.apps.apps["mystore"], before.endpoints[endpoint_id].state)


def test_a_rotation_tells_a_new_secret_and_keeps_the_old_one_for_a_day(shop: AppHouse) -> None:
    endpoint_id = shop.create()
    before = shop.calls.endpoint("mystore", endpoint_id)
    after, secret = shop.calls.rotate("mystore", endpoint_id, OLD_SECRET_LIVES)

    assert secret == shop.opened(after.secret) != shop.opened(before.secret)
    assert (before.secret, NOW + OLD_SECRET_LIVES) == (after.old_secret, after.old_secret_until)
    assert [after] == shop.calls.endpoints("mystore")
    shop.calls.test("mystore", endpoint_id)
    shop.clock.advance(OLD_SECRET_LIVES)
    shop.calls.test("mystore", endpoint_id)
    during, later = (len(headers["webhook-signature"].split()) for _, _, headers in shop.client.posted[-2:])
    assert (2, 1) == (during, later)


def test_paused_and_resumed(shop: AppHouse) -> None:
    endpoint_id = shop.create()
    states = [
        call("mystore", endpoint_id).state
        for call in (shop.calls.pause, shop.calls.pause, shop.calls.resume, shop.calls.resume)
    ]

    assert ["paused", "paused", "active", "active"] == states
    assert "active" == shop.calls.endpoint("mystore", endpoint_id).state


def test_a_paused_one_takes_tests_and_stays_paused(shop: AppHouse) -> None:
    endpoint_id = shop.create()
    shop.calls.pause("mystore", endpoint_id)

    assert ("paused", Answer(200)) == _state_and_answer(shop, endpoint_id)


def test_pausing_is_no_way_round_the_test(shop: AppHouse) -> None:
    endpoint_id = shop.create(REFUSED)

    for call in (shop.calls.pause, shop.calls.resume):
        with pytest.raises(Conflict, match="webhooks/test"):
            call("mystore", endpoint_id)
    assert "unverified" == shop.calls.endpoint("mystore", endpoint_id).state


def test_the_operators_endpoint_is_one_of_them(shop: AppHouse, clock: FakeClock) -> None:
    shop.apps = FakeApps(app(endpoints=hooks(endpoint(secret=shop.secrets.seal("mystore", "webhook_secret", "own")))))
    clock.advance(SECOND)
    made = shop.create()

    assert [OPERATORS, made] == [one.endpoint_id for one in shop.calls.endpoints("mystore")]
    rotated, secret = shop.calls.rotate("mystore", OPERATORS, OLD_SECRET_LIVES)
    assert (secret, "own") == (shop.opened(rotated.secret), shop.opened(rotated.old_secret))
    shop.calls.delete("mystore", OPERATORS)
    assert [made] == [one.endpoint_id for one in shop.calls.endpoints("mystore")]
