"""manage_app: endpoints of an app's own, active once their server took a test event; secrets told once."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from hkreach.domain.app import App
from hkreach.domain.endpoint import DEFAULT_EVENTS, MAX_ENDPOINTS, OLD_SECRET_LIVES, OPERATORS, EndpointState
from hkreach.domain.errors import ChangedMeanwhile, Conflict, NotFound, ReachError
from hkreach.domain.signature import sign
from hkreach.domain.time import SECOND
from hkreach.domain.webhook_answer import Answer
from hkreach.usecases.manage_app import EndpointChange, ManageApp, NewEndpoint
from tests.builders import NOW, app, endpoint, hooks
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.outside import FakeWebhookClient
from tests.fakes.secrets import FakeSealedSecrets

NEW = NewEndpoint("https://crm.example.com/hooks", frozenset({"leads.status"}), "Our CRM")
OTHER_URL = "https://erp.example.com/hooks"
REFUSED = Answer(401, body=b"who are you?")


@dataclass
class House:
    apps: FakeApps
    clock: FakeClock
    client: FakeWebhookClient = field(default_factory=FakeWebhookClient)
    secrets: FakeSealedSecrets = field(default_factory=FakeSealedSecrets)

    @property
    def calls(self) -> ManageApp:
        return ManageApp(self.apps, self.secrets, self.client, self.clock)

    def create(self, answer: Answer | None = None) -> str:
        """The id of an endpoint whose server says so to the test event."""
        self.client.answers = [answer or Answer(200)]
        return self.calls.create("mystore", NEW)[0].endpoint_id

    def opened(self, sealed: bytes | None) -> str:
        assert sealed is not None
        return self.secrets.open("mystore", "webhook_secret", sealed)

    def strike(self, change: Callable[[App], App], times: int = 1) -> None:
        """Somebody else changes the app, before each of so many writes to come."""
        replace_app = self.apps.replace

        def meanwhile(before: App, after: App) -> None:
            nonlocal times
            if times:
                times -= 1
                now = self.apps.apps["mystore"]
                self.apps.apps["mystore"] = replace(change(now), version=now.version + 1)
            replace_app(before, after)

        self.apps.replace = meanwhile  # type: ignore[method-assign]


@pytest.fixture
def house(clock: FakeClock) -> House:
    return House(FakeApps(app(endpoints={}), app("other", meta=None)), clock)


def test_a_new_endpoint_whose_server_takes_the_test_is_active(house: House) -> None:
    made, secret, test = house.calls.create("mystore", NEW)

    assert [made] == house.calls.endpoints("mystore")
    assert (NEW.url, NEW.events, NEW.description, "active", NOW) == (
        made.url, made.events, made.description, made.state, made.created_at,
    )  # fmt: skip
    assert secret == house.opened(made.secret)
    ((url, body, headers),) = house.client.posted
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
def test_one_whose_server_does_not_is_unverified_until_it_does(house: House, answer: Answer) -> None:
    house.client.answers = [answer, answer, Answer(204)]
    made, _, test = house.calls.create("mystore", NEW)

    assert ("unverified", answer) == (made.state, test.answer)
    assert ("unverified", answer) == _state_and_answer(house, made.endpoint_id)
    assert ("active", Answer(204)) == _state_and_answer(house, made.endpoint_id)
    assert "active" == house.calls.endpoint("mystore", made.endpoint_id).state


def _state_and_answer(house: House, endpoint_id: str) -> tuple[EndpointState, Answer]:
    tested, test = house.calls.test("mystore", endpoint_id)
    return tested.state, test.answer


def test_how_long_the_server_took_is_told_but_not_of_one_that_was_not_reached(house: House) -> None:
    class Slow(FakeWebhookClient):
        def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
            house.clock.advance(1_234)
            return super().post(url, body, headers)

    house.client = Slow(Answer(200), Answer(None))
    times = [house.calls.create("mystore", NEW)[2].milliseconds for _ in range(2)]

    assert [1_234, None] == times


def test_there_are_at_most_five_and_no_test_is_sent_for_a_sixth(house: House) -> None:
    for _ in range(MAX_ENDPOINTS):
        house.create()
    house.client.posted.clear()

    with pytest.raises(Conflict, match=r"5 webhook endpoints.*DELETE"):
        house.create()
    assert [] == house.client.posted
    house.calls.delete("mystore", house.calls.endpoints("mystore")[0].endpoint_id)
    house.create()


def test_nor_do_two_calls_at_once_make_a_sixth(house: House) -> None:
    for _ in range(MAX_ENDPOINTS - 1):
        house.create()
    house.strike(lambda one: replace(one, endpoints={**one.endpoints, "we_5": endpoint("we_5")}))

    with pytest.raises(Conflict):
        house.create()
    assert MAX_ENDPOINTS == len(house.calls.endpoints("mystore"))


def test_a_change_keeps_what_it_does_not_name(house: House) -> None:
    before = house.calls.endpoint("mystore", house.create())
    house.client.posted.clear()

    changed, test = house.calls.change("mystore", before.endpoint_id, EndpointChange(events=DEFAULT_EVENTS))
    assert (replace(before, events=DEFAULT_EVENTS), None) == (changed, test)
    changed, _ = house.calls.change("mystore", before.endpoint_id, EndpointChange(NEW.url, description="CRM"))
    assert replace(before, events=DEFAULT_EVENTS, description="CRM") == changed
    assert [] == house.client.posted, "the address is as it was"
    assert [changed] == house.calls.endpoints("mystore")


@pytest.mark.parametrize(
    ("state", "answer", "after"),
    [
        ("active", Answer(200), "active"),
        ("active", REFUSED, "unverified"),
        ("paused", Answer(200), "paused"),
        ("paused", REFUSED, "unverified"),
        ("unverified", Answer(200), "active"),
        ("unverified", REFUSED, "unverified"),
    ],
)
def test_a_new_address_must_take_a_test_event(
    house: House, state: EndpointState, answer: Answer, after: EndpointState
) -> None:
    endpoint_id = house.create(REFUSED if state == "unverified" else None)
    if state == "paused":
        house.calls.pause("mystore", endpoint_id)
    house.client.answers = [answer]

    changed, test = house.calls.change("mystore", endpoint_id, EndpointChange(OTHER_URL))
    assert (OTHER_URL, after) == (changed.url, changed.state)
    assert test is not None
    assert (OTHER_URL, answer) == (house.client.posted[-1][0], test.answer)
    assert [changed] == house.calls.endpoints("mystore")


def test_an_address_that_is_another_by_now_is_not_put_back_untested(house: House) -> None:
    endpoint_id = house.create()
    moved = replace(house.calls.endpoint("mystore", endpoint_id), url=OTHER_URL, state="unverified")
    house.strike(lambda one: replace(one, endpoints=hooks(moved)))

    with pytest.raises(ChangedMeanwhile):
        house.calls.change("mystore", endpoint_id, EndpointChange(NEW.url, description="CRM"))
    assert [moved] == house.calls.endpoints("mystore")


def test_a_test_does_not_verify_an_address_that_came_meanwhile(house: House) -> None:
    endpoint_id = house.create(REFUSED)
    moved = replace(house.calls.endpoint("mystore", endpoint_id), url=OTHER_URL)
    house.strike(lambda one: replace(one, endpoints=hooks(moved)))

    tested, _ = house.calls.test("mystore", endpoint_id)
    assert (OTHER_URL, "unverified") == (tested.url, tested.state)


def test_a_rotation_tells_a_new_secret_and_keeps_the_old_one_for_a_day(house: House) -> None:
    endpoint_id = house.create()
    before = house.calls.endpoint("mystore", endpoint_id)
    after, secret = house.calls.rotate("mystore", endpoint_id, OLD_SECRET_LIVES)

    assert secret == house.opened(after.secret) != house.opened(before.secret)
    assert (before.secret, NOW + OLD_SECRET_LIVES) == (after.old_secret, after.old_secret_until)
    assert [after] == house.calls.endpoints("mystore")
    house.calls.test("mystore", endpoint_id)
    house.clock.advance(OLD_SECRET_LIVES)
    house.calls.test("mystore", endpoint_id)
    during, later = (len(headers["webhook-signature"].split()) for _, _, headers in house.client.posted[-2:])
    assert (2, 1) == (during, later)


def test_paused_and_resumed(house: House) -> None:
    endpoint_id = house.create()
    states = [
        call("mystore", endpoint_id).state
        for call in (house.calls.pause, house.calls.pause, house.calls.resume, house.calls.resume)
    ]

    assert ["paused", "paused", "active", "active"] == states
    assert "active" == house.calls.endpoint("mystore", endpoint_id).state


def test_a_paused_one_takes_tests_and_stays_paused(house: House) -> None:
    endpoint_id = house.create()
    house.calls.pause("mystore", endpoint_id)

    assert ("paused", Answer(200)) == _state_and_answer(house, endpoint_id)


def test_pausing_is_no_way_round_the_test(house: House) -> None:
    endpoint_id = house.create(REFUSED)

    for call in (house.calls.pause, house.calls.resume):
        with pytest.raises(Conflict, match="webhooks/test"):
            call("mystore", endpoint_id)
    assert "unverified" == house.calls.endpoint("mystore", endpoint_id).state


def test_the_operators_endpoint_is_one_of_them(house: House, clock: FakeClock) -> None:
    house.apps = FakeApps(app(endpoints=hooks(endpoint(secret=house.secrets.seal("mystore", "webhook_secret", "own")))))
    clock.advance(SECOND)
    made = house.create()

    assert [OPERATORS, made] == [one.endpoint_id for one in house.calls.endpoints("mystore")]
    rotated, secret = house.calls.rotate("mystore", OPERATORS, OLD_SECRET_LIVES)
    assert (secret, "own") == (house.opened(rotated.secret), house.opened(rotated.old_secret))
    house.calls.delete("mystore", OPERATORS)
    assert [made] == [one.endpoint_id for one in house.calls.endpoints("mystore")]


CALLS: list[Callable[[ManageApp, str, str], object]] = [
    lambda calls, name, which: calls.endpoint(name, which),
    lambda calls, name, which: calls.change(name, which, EndpointChange(OTHER_URL)),
    lambda calls, name, which: calls.delete(name, which),
    lambda calls, name, which: calls.rotate(name, which, 0),
    lambda calls, name, which: calls.test(name, which),
    lambda calls, name, which: calls.pause(name, which),
    lambda calls, name, which: calls.resume(name, which),
]
IDS = ["show", "change", "delete", "rotate", "test", "pause", "resume"]


@pytest.mark.parametrize("call", CALLS, ids=IDS)
def test_what_is_not_the_apps_is_not_there(house: House, call: Callable[[ManageApp, str, str], object]) -> None:
    endpoint_id = house.create()
    house.client.posted.clear()
    before = dict(house.apps.apps)

    refusals = set()
    for name, which in (("other", endpoint_id), ("mystore", OPERATORS), ("mystore", ""), ("nobody", endpoint_id)):
        with pytest.raises(NotFound) as refused:
            call(house.calls, name, which)
        refusals.add(refused.value.detail)
    assert (1, [], before) == (len(refusals), house.client.posted, house.apps.apps)


@pytest.mark.parametrize("call", CALLS[1:], ids=IDS[1:])
def test_a_change_by_somebody_else_meanwhile_is_kept(
    house: House, call: Callable[[ManageApp, str, str], object]
) -> None:
    endpoint_id = house.create(REFUSED if call is CALLS[4] else None)
    if call is CALLS[6]:
        house.calls.pause("mystore", endpoint_id)
    house.strike(lambda one: replace(one, language_code=one.language_code + "x"), times=4)
    house.calls.endpoint("mystore", endpoint_id)

    call(house.calls, "mystore", endpoint_id)
    assert "enxxxx" == house.apps.apps["mystore"].language_code


@pytest.mark.parametrize("call", CALLS[1:], ids=IDS[1:])
def test_who_meets_too_many_changes_is_told_to_try_again(
    house: House, call: Callable[[ManageApp, str, str], object]
) -> None:
    endpoint_id = house.create(REFUSED if call is CALLS[4] else None)
    if call is CALLS[6]:
        house.calls.pause("mystore", endpoint_id)
    before = house.apps.apps["mystore"].endpoints
    house.strike(lambda one: one, times=5)

    with pytest.raises(ChangedMeanwhile, match="try again"):
        call(house.calls, "mystore", endpoint_id)
    assert before == house.apps.apps["mystore"].endpoints


def test_an_endpoint_that_was_deleted_during_its_test_stays_deleted(house: House) -> None:
    endpoint_id = house.create(REFUSED)
    house.strike(lambda one: replace(one, endpoints={}))

    with pytest.raises(NotFound):
        house.calls.test("mystore", endpoint_id)
    assert [] == house.calls.endpoints("mystore")


def test_all_errors_are_ones_that_are_answered() -> None:
    assert issubclass(ChangedMeanwhile, ReachError)
    assert ChangedMeanwhile.retryable
