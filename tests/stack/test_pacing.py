"""Small, on the deployed stack, what `make replay` shows at volume: Meta never has to say that we are too fast."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from hkreach.domain.pair_pace import BURST
from tests.stack.world import World, eventually, number

PROCESSES = 4
"""The local stack's two lanes of two; each may send a pair's first message without a word."""
CAMPAIGN, A_SECOND = 100, 5


def _refusals(world: World) -> dict[str, int]:
    codes: dict[str, int] = world.meta("GET", "answers/counts")["codes"]
    return {code: times for code, times in codes.items() if code in {"130429", "131056"}}


def test_a_burst_to_one_recipient_is_spread_before_meta_refuses_it(world: World) -> None:
    to, before = number(), _refusals(world)
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda index: world.send_template(world.app, to=to), range(BURST + PROCESSES + 4)))

    late = eventually(lambda: [i for i in ids if "dueAt" in world.item(i)], len)
    assert "six seconds to the same recipient" in world.timeline(world.app, late[0])["waiting"]["reason"]
    world.until_all_read(dict.fromkeys(ids, world.app), seconds=150)
    assert dict.fromkeys(ids, 1) == {i: world.times_taken()[i] for i in ids}
    assert before == _refusals(world)


@pytest.fixture
def slow_number(world: World) -> Iterator[World]:
    """The app's number may send few messages a second."""
    pace = {"action": "set_pace", "appName": world.app.app_name}
    world.stack.administer(pace | {"messagesPerSecond": A_SECOND})
    time.sleep(5)  # the senders remember an app for so long
    yield world
    world.stack.administer(pace | {"messagesPerSecond": None})


def test_a_campaign_is_paced_and_a_code_overtakes_it(slow_number: World) -> None:
    world, before = slow_number, _refusals(slow_number)
    with ThreadPoolExecutor(4) as pool:
        campaign = list(
            pool.map(lambda index: world.send_template(world.app, to=number(), purpose="marketing"), range(CAMPAIGN))
        )
    codes = [world.send_template(world.app, to=number(), purpose="authentication") for _ in range(3)]
    others = world.send_template(world.other_app, to=number(), purpose="authentication")

    world.until_all_read(dict.fromkeys([*campaign, *codes], world.app) | {others: world.other_app}, seconds=200)
    taken = {
        request["bizOpaqueCallbackData"]: datetime.fromisoformat(request["takenAt"]).timestamp()
        for request in world.meta_requests(edge="messages")
        if request["takenAt"] is not None
    }
    of_number = sorted(taken[i] for i in [*campaign, *codes])
    assert max(taken[i] for i in codes) < max(taken[i] for i in campaign) - 1
    assert taken[others] < max(taken[i] for i in campaign) - 1
    assert max(sum(at <= later < at + 1 for later in of_number) for at in of_number) <= A_SECOND + 2, "two may be late"
    assert before == _refusals(world)
