"""Deliveries on the deployed stack: tried again, held and resumed, disabled with a warning, sent again, in the log."""

from typing import Any

from hkreach.domain.time import SECOND
from tests.builders import NOW
from tests.stack.test_webhooks import Shop, _hook, shop
from tests.stack.world import World, eventually

__all__ = ["shop"]
DELIVERIES = "/deliveries"
A_SECONDS_BACKLOG = 5


def _script(world: World, hook: str, *answers: dict[str, int]) -> None:
    script = {"appName": hook, "answers": list(answers)}
    assert world.http.post(f"{world.stack.inbox_url}/_control/script", json=script, timeout=90).ok


def _wake(world: World) -> None:
    """The schedule fires."""
    name = world.stack.outputs["WakeDueFunctionName"]
    answer = world.stack.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()


def _log(shop: Shop, **query: str) -> dict[str, dict[str, Any]]:
    """The deliveries by event id."""
    answer = shop.call("GET", DELIVERIES, **query)
    assert 200 == answer.status_code, answer.text
    return {row["eventId"]: row for row in answer.json()["deliveries"]}


def _statuses(row: dict[str, Any]) -> list[int]:
    return [attempt["status"] for attempt in row["attempts"]]


def test_what_is_refused_is_tried_again_and_the_log_shows_it(shop: Shop) -> None:
    hook = _hook()
    endpoint = shop.create(hook)
    _script(shop.world, hook, {"status": 500, "times": 2})
    event_id = shop.move()
    row = eventually(lambda: _log(shop).get(event_id, {}), lambda row: row.get("state") == "delivered")

    assert (3, [500, 500, 200]) == (row["tries"], _statuses(row))
    assert ("leads.status", endpoint["endpointId"]) == (row["event"], row["endpointId"])
    got = shop.received(hook, event_id)
    assert [500, 500, 200] == [one["answeredStatus"] for one in got]
    assert 1 == len({one["raw"] for one in got})
    assert {event_id} == set(_log(shop, endpointId=endpoint["endpointId"], state="delivered"))
    assert {} == _log(shop, state="failed")


def test_a_first_try_that_is_taken_has_no_delivery_and_a_failed_one_can_be_sent_again(shop: Shop) -> None:
    hook = _hook()
    shop.create(hook)
    taken = shop.move()
    eventually(lambda: shop.received(hook, taken), len)
    assert {} == _log(shop)

    _script(shop.world, hook, {"status": 500, "times": 1})
    refused = shop.move()
    row = eventually(lambda: _log(shop).get(refused, {}), lambda row: row.get("state") == "delivered")
    answer = shop.call("POST", f"{DELIVERIES}/resend", {"deliveryId": row["deliveryId"]})
    assert (202, 1) == (answer.status_code, answer.json()["resent"])
    _wake(shop.world)
    eventually(lambda: shop.received(hook, refused), lambda got: len(got) == 3)
    assert [refused] == list(_log(shop))


def test_what_comes_for_a_paused_endpoint_is_kept_and_comes_in_order_when_it_is_resumed(shop: Shop) -> None:
    hook = _hook()
    endpoint_id = shop.create(hook)["endpointId"]
    assert 200 == shop.call("POST", "/pause", endpointId=endpoint_id).status_code
    # Processes remember the app for some seconds: until the first event is held.
    eventually(lambda: (shop.move(), _log(shop, state="waiting"))[1], len)
    before = len(shop.received(hook))
    order = [shop.move(at=NOW + (59 - number) * SECOND) for number in range(15)][::-1]
    waiting = eventually(lambda: _log(shop, state="waiting"), lambda rows: set(order) <= set(rows))
    assert {("paused", 0)} == {(row["waitsFor"], row["tries"]) for row in waiting.values()}
    assert before == len(shop.received(hook))

    assert 200 == shop.call("POST", "/resume", endpointId=endpoint_id).status_code

    def look() -> list[str]:
        _wake(shop.world)
        return [one["eventId"] for one in shop.received(hook)]

    seen = [event_id for event_id in eventually(look, lambda seen: set(waiting) <= set(seen)) if event_id in order]
    # The last were the first to be published. Those of one second come in their turn, and seconds hardly overlap.
    moved = [abs(seen.index(event_id) - place) for place, event_id in enumerate(order)]
    assert max(moved) <= A_SECONDS_BACKLOG, seen
    eventually(lambda: _log(shop), lambda rows: {row["state"] for row in rows.values()} == {"delivered"})
    assert {"state": "healthy"} == shop.call("GET", endpointId=endpoint_id).json()["health"]


def test_410_disables_and_the_other_endpoint_is_warned(shop: Shop) -> None:
    hook, others = _hook(), _hook()
    endpoint_id = shop.create(hook)["endpointId"]
    shop.create(others, events=["webhooks.warning"])
    _script(shop.world, hook, {"status": 410, "times": 1})
    event_id = shop.move()

    def warnings() -> list[dict[str, Any]]:
        return [one["body"] for one in shop.received(others) if one["event"] == "webhooks.warning"]

    ((warning),) = eventually(warnings, len)
    assert (endpoint_id, "disabled", "410") == tuple(
        warning["data"][name] for name in ("endpointId", "state", "reason")
    )  # fmt: skip
    row = eventually(lambda: _log(shop).get(event_id, {}), len)
    assert ("waiting", "disabled", [410]) == (row["state"], row["waitsFor"], _statuses(row))
    health = shop.call("GET", endpointId=endpoint_id).json()["health"]
    assert ("disabled", "410") == (health["state"], health["reason"])
    assert 409 == shop.call("POST", f"{DELIVERIES}/resend", {"deliveryId": row["deliveryId"]}).status_code

    assert 200 == shop.call("POST", "/resume", endpointId=endpoint_id).status_code

    def look() -> str:
        _wake(shop.world)
        return str(_log(shop)[event_id]["state"])

    eventually(look, lambda state: state == "delivered")
