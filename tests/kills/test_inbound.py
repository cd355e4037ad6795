"""What comes in, with each step killed at each of its calls: one item, one event, nothing lost."""

import itertools
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from hkreach.domain.inbound import inbound_message_id
from local.meta.inbound_kinds import BESIDE, sample_of
from tests.builders import PNG
from tests.kills.functions import Kill, When
from tests.kills.played import Played
from tests.kills.pollers import MOST_TRIES
from tests.stack.subscriber import Look, subscribed

WHEN: tuple[When, ...] = ("before", "after")
SENDER = "919800000000"


@dataclass(frozen=True)
class Way:
    """One item of a callback, known by its nonce; what it makes of itself in the table, and on the bus."""

    name: str
    entry: Callable[[Played, str], dict[str, Any]]
    direction: str
    events: int
    webhooks: int = 0
    step: str = "receive_meta"

    def subject(self, stack: Played, nonce: str) -> str:
        """What the event of the invocation to be killed holds."""
        return _id(stack, nonce) if self.step == "fetch_media" else nonce


def _of_messages(stack: Played, *messages: dict[str, Any]) -> dict[str, Any]:
    metadata = {"phone_number_id": stack.stack.apps[0].phone_number_id}
    value = {"messaging_product": "whatsapp", "metadata": metadata, "messages": list(messages)}
    return {"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}


def _message(stack: Played, nonce: str) -> dict[str, Any]:
    common = {"from": SENDER, "id": f"wamid.{nonce}", "timestamp": "1795338060"}
    return _of_messages(stack, common | sample_of("location") | BESIDE["reply"]())


def _image(stack: Played, nonce: str) -> dict[str, Any]:
    number = stack.stack.apps[0].phone_number_id
    node = stack.world.meta(
        "POST", f"media?phoneNumberId={number}", data=PNG + nonce.encode(), headers={"Content-Type": "image/png"}
    )
    common = {"from": SENDER, "id": f"wamid.{nonce}", "timestamp": "1795338060"}
    return _of_messages(stack, common | {"type": "image", "image": node})


def _unreadable(stack: Played, nonce: str) -> dict[str, Any]:
    return _of_messages(stack, {"from": SENDER, "type": "text", "text": {"body": nonce}})


def _news(_: Played, nonce: str) -> dict[str, Any]:
    change = {"field": "account_update", "value": {"event": "DISABLED_UPDATE", "nonce": nonce}}
    return {"id": "102290129340398", "time": 1_795_338_060, "changes": [change]}


WAYS = [
    Way("a customer writes", _message, "inbound", 1, 1),
    Way("news of an account", _news, "meta", 1),
    Way("an item that cannot be read", _unreadable, "unread", 0),
    Way("a customer's message is published", _message, "inbound", 1, 1, step="relay_events"),
    Way("a customer's file is fetched", _image, "inbound", 1, 1, step="fetch_media"),
    Way("news are published", _news, "meta", 1, step="relay_events"),
]


@pytest.fixture(scope="module", autouse=True)
def _known(running: Played) -> None:
    """The customer has a lead, so that each message takes the same calls."""
    _bring(running, WAYS[0], uuid.uuid4().hex)
    running.settle()


@pytest.fixture
def on_the_bus(stack: Played) -> Iterator[Look]:
    with subscribed(stack.stack) as look:
        yield look


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.step}: {way.name}")
def test_whoever_is_killed_loses_and_doubles_nothing_that_comes_in(stack: Played, way: Way, on_the_bus: Look) -> None:
    clean = uuid.uuid4().hex
    began = len(stack.functions.invocations)
    _bring(stack, way, clean)
    stack.settle()
    subject = way.subject(stack, clean)
    calls = next(i.calls for i in stack.functions.invocations[began:] if i.step == way.step and subject in i.event)
    nonces = {point: uuid.uuid4().hex for point in itertools.product(range(1, len(calls) + 1), WHEN)}
    for (n, when), nonce in nonces.items():
        stack.functions.arm(Kill(way.step, way.subject(stack, nonce), n, when))
        _bring(stack, way, nonce)
    stack.settle()
    print(f"{way.step}: {way.name}: {len(nonces)} of {2 * len(calls)} kill points: {', '.join(calls)}")  # noqa: T201

    assert [] == stack.functions.armed, "each kill struck, once"
    events = on_the_bus()
    assert {} == {
        point: wrong for point, nonce in nonces.items() if (wrong := _wrong_with(stack, way, nonce, events))
    }  # fmt: skip
    assert 0 == stack.dead_letters()
    if way.step == "fetch_media":
        assert 1 + len(nonces) == len([event for event in events if event["data"]["image"].get("mediaId")])


def _bring(stack: Played, way: Way, nonce: str) -> None:
    """Meta posts its callback until it is taken, and the stream is read."""
    callback = {"object": "whatsapp_business_account", "entry": [way.entry(stack, nonce)]}
    for _ in range(MOST_TRIES):
        if stack.world.meta("POST", "callbacks", json={"value": callback})["status"] == 200:
            stack.relay()
            return
    raise AssertionError("never taken")


def _wrong_with(stack: Played, way: Way, nonce: str, events: list[dict[str, Any]]) -> list[str]:
    told = {event["id"] for event in events if nonce in json.dumps(event) or _id(stack, nonce) in json.dumps(event)}
    posted = {webhook["eventId"] for webhook in stack.world.webhooks(messageId=_id(stack, nonce))}
    pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.stack.outputs["MessagesTableName"])
    items = [item for page in pages for item in page["Items"] if nonce in json.dumps(item)]
    wrong = [] if [way.direction] == [item["direction"]["S"] for item in items] else [f"{len(items)} items"]
    wrong += [] if len(told) == way.events else [f"{len(told)} events"]
    return wrong + ([] if len(posted) == way.webhooks else [f"{len(posted)} webhooks"])


def _id(stack: Played, nonce: str) -> str:
    return inbound_message_id(stack.stack.apps[0].phone_number_id, f"wamid.{nonce}")
