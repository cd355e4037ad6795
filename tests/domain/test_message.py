"""The status follows from the facts alone, in whatever order they came."""

from itertools import combinations, permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.inbound import inbound_message_id
from hkreach.domain.message import (
    RANK,
    Status,
    derived_message_id,
    is_message_id,
    new_facts,
    new_message_id,
    status_of,
)
from tests.builders import MESSAGE_ID, NOW, outbound

LATER = [Status.UNKNOWN, Status.ACCEPTED, Status.SENT, Status.FAILED, Status.DELIVERED, Status.READ]
EXPECTED_ORDER = ["queued", "unknown", "accepted", "sent", "failed", "delivered", "read"]


def test_the_order_is_the_promised_one() -> None:
    assert EXPECTED_ORDER == [status.value for status in Status]
    assert [1, 2, 3, 4] == [RANK[Status(name)] for name in ("sent", "failed", "delivered", "read")]


def test_every_set_of_facts_in_every_order_has_one_status() -> None:
    for size in range(len(LATER) + 1):
        for chosen in combinations(LATER, size):
            expected = max(["queued", *chosen], key=EXPECTED_ORDER.index)
            for order in permutations(chosen):
                facts: dict[Status, int] = {Status.QUEUED: NOW}
                for at, status in enumerate([*order, *reversed(order)]):
                    facts.setdefault(status, at)
                message = outbound(facts=facts)
                assert expected == message.status
                assert (expected not in {"queued", "unknown"}) == message.is_settled


@given(st.lists(st.sampled_from(list(Status)), min_size=1))
def test_duplicates_change_nothing(facts: list[Status]) -> None:
    assert status_of(facts) == status_of(set(facts)) == status_of(sorted(facts))


@given(st.sets(st.sampled_from(list(Status))), st.sets(st.sampled_from(list(Status))))
def test_new_facts_are_those_that_came(before: set[Status], added: set[Status]) -> None:
    old = dict.fromkeys(before, 1)
    new = new_facts(old, old | dict.fromkeys(added, 2))

    assert added - before == set(new)
    assert new == sorted(new, key=list(Status).index)


def test_ids() -> None:
    assert is_message_id(new_message_id())
    assert new_message_id() != new_message_id()
    assert is_message_id(derived_message_id("mystore", "k"))
    assert derived_message_id("mystore", "k") == derived_message_id("mystore", "k")
    assert 5 == UUID(inbound_message_id("1", "wamid.1")).version


def test_derived_ids_never_meet() -> None:
    pairs = [("mystore", "k"), ("mystore", "k2"), ("mystor", "ek"), ("mystore\0k", ""), ("other", "k")]
    ids = {derived_message_id(*pair) for pair in pairs} | {inbound_message_id(*pair) for pair in pairs}

    assert 2 * len(pairs) == len(ids)


@pytest.mark.parametrize(
    "text",
    ["", "order-1", MESSAGE_ID.upper(), f"{{{MESSAGE_ID}}}", MESSAGE_ID.replace("-", ""), f"urn:uuid:{MESSAGE_ID}"],
)
def test_an_echo_of_somebody_else_is_no_id_of_ours(text: str) -> None:
    assert not is_message_id(text)
    assert is_message_id(MESSAGE_ID)
