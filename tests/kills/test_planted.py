"""Bugs planted on purpose: an enumeration of kills that finds none of them would prove nothing."""

from collections.abc import Iterator

import pytest

from local.commands import ROOT
from tests.kills.played import Played, played
from tests.kills.scenarios import SCENARIOS, Point
from tests.kills.test_kills import never_known, strike, unsure, wrong

(A_FILE,) = (scenario for scenario in SCENARIOS if scenario.name == "a file is sent")


@pytest.fixture(scope="module")
def running() -> Iterator[Played]:
    """The senders' claims leave no trace in the table."""
    with played(ROOT / ".local/kills-planted", PLANTED="the claim leaves no trace") as stack:
        yield stack


def test_a_claim_that_leaves_no_trace_is_found_to_double(stack: Played) -> None:
    calls, journeys = strike(stack, A_FILE)
    found = wrong(stack, journeys)

    called = unsure(calls) - never_known(A_FILE, calls)
    # Elsewhere too, where a message comes by two queue records: without the claim nothing stands between them.
    assert called <= {point for point, said in found.items() if "doubled: taken 2 times" in said}


def test_a_queue_record_that_is_deleted_before_the_work_is_found_to_lose(stack: Played) -> None:
    stack.to_send.acknowledges_first = True
    try:
        calls, journeys = strike(stack, A_FILE)
    finally:
        stack.to_send.acknowledges_first = False
    found = wrong(stack, journeys)

    call = calls.index("POST messages") + 1
    before: set[Point] = {(n, when) for n, when in journeys if n < call} | {(call, "before")}
    assert before == {point for point, said in found.items() if "lost: nothing became of it" in said}
