"""Every step killed with SIGKILL before and after each of its calls: nothing is lost, nothing goes twice."""

import itertools
from collections.abc import Mapping, Sequence

import pytest

from tests.kills.functions import When
from tests.kills.played import Played
from tests.kills.scenarios import SCENARIOS, Journey, Point, Scenario

WHEN: tuple[When, ...] = ("before", "after")
CALL = "POST messages"
WRITE = "dynamodb.UpdateItem"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: f"{scenario.step}: {scenario.name}")
def test_whoever_is_killed_loses_and_doubles_nothing(stack: Played, scenario: Scenario) -> None:
    calls, journeys = strike(stack, scenario)
    print(f"{scenario.step}: {scenario.name}: {len(journeys)} of {2 * len(calls)} kill points: {', '.join(calls)}")  # noqa: T201

    assert {} == wrong(stack, journeys)
    assert 0 == stack.dead_letters()
    ends = {point: stack.facts(journey.messages[0].message_id) for point, journey in journeys.items()}
    assert never_known(scenario, calls) == {point for point, facts in ends.items() if scenario.end not in facts}
    if CALL in calls and not unknown_anyhow(scenario):
        assert unsure(calls) == {point for point, facts in ends.items() if "unknown" in facts}


def strike(stack: Played, scenario: Scenario) -> tuple[list[str], Mapping[Point, Journey]]:
    """Count the calls of a clean run; then let one invocation die at each, and play on until all is at rest."""
    clean = scenario.start(stack, None)
    scenario.finish(stack)
    stack.settle()
    calls = scenario.calls(stack, clean)
    assert {} == wrong(stack, {(0, "before"): clean})
    points: Sequence[Point] = [*itertools.product(range(1, len(calls) + 1), WHEN)]
    journeys = {point: scenario.start(stack, point) for point in points}
    scenario.finish(stack)
    stack.settle()

    assert [] == stack.functions.armed, "each kill struck, once"
    return calls, journeys


def wrong(stack: Played, journeys: Mapping[Point, Journey]) -> dict[Point, list[str]]:
    """What is wrong with which."""
    return {
        point: found
        for point, journey in journeys.items()
        for message in journey.messages
        if (found := stack.wrong_with(message.message_id))
    }


def unsure(calls: Sequence[str]) -> set[Point]:
    """Where a sender dies with a claim and without an outcome: after the claim, before the next write ends."""
    call = calls.index(CALL) + 1
    write = call + 1 + calls[call:].index(WRITE)
    between = itertools.product(range(call, write), WHEN)
    return {(call - 1, "after"), *between, (write, "before")}


def never_known(scenario: Scenario, calls: Sequence[str]) -> set[Point]:
    """Those of them after which Meta has nothing to tell, for it took nothing."""
    if CALL not in calls:
        return set()
    if scenario.answer and scenario.end != "failed" and "graphError" not in scenario.answer:
        taken = True
    else:
        taken = scenario.answer is None
    call = calls.index(CALL) + 1
    return {(call - 1, "after"), (call, "before")} if taken else unsure(calls)


def unknown_anyhow(scenario: Scenario) -> bool:
    """Whether the message becomes unknown without any kill."""
    return bool(scenario.answer and "fault" in scenario.answer)
