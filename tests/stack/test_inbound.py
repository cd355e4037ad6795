"""What comes in from Meta, on the deployed stack: each kind, each field, once, whoever posts it how often."""

import hashlib
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from hkreach.domain.inbound import inbound_message_id
from local.meta.inbound_kinds import KINDS, sample_of
from local.meta.wire import escaped_json, signature
from tests.stack.subscriber import Look, subscribed
from tests.stack.world import World, eventually, number

PROCESSES = 20
_POST = """
import http.client, sys, time
from urllib.parse import urlsplit
url, signature, at = urlsplit(sys.argv[1]), sys.argv[2], float(sys.argv[3])
body = sys.stdin.buffer.read()
connection = http.client.HTTPConnection(url.hostname, url.port, timeout=90)
connection.connect()
time.sleep(max(0, at - time.time()))
headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature, "Host": url.netloc}
connection.request("POST", url.path or "/", body, headers)
print(connection.getresponse().status)
"""


@pytest.fixture
def on_the_bus(world: World) -> Iterator[Look]:
    with subscribed(world.stack) as look:
        yield look


def _callback(world: World, sender: str, node: dict[str, Any]) -> dict[str, Any]:
    metadata = {"phone_number_id": world.app.phone_number_id}
    message = {"from": sender, "timestamp": "1795338060"} | node
    value = {"messaging_product": "whatsapp", "metadata": metadata, "contacts": [], "messages": [message]}
    changes = [{"field": "messages", "value": value}]
    return {"object": "whatsapp_business_account", "entry": [{"id": world.app.waba_id, "changes": changes}]}


def test_each_kind_of_message_reaches_the_webhook(world: World) -> None:
    sender = number()
    for kind in KINDS:
        order = {"phoneNumberId": world.app.phone_number_id, "from": sender, "kind": kind}
        world.meta("POST", "inbound", json=order)
    webhooks = eventually(
        lambda: [w for w in world.webhooks(event="messages.received") if w["body"]["data"]["from"] == sender],
        lambda found: len(found) == len(KINDS),
    )
    assert sorted(sample_of(kind)["type"] for kind in KINDS) == sorted(w["body"]["data"]["type"] for w in webhooks)
    assert all(webhook["verified"] for webhook in webhooks)


def test_news_of_an_account_go_to_the_bus_once_and_to_no_webhook(world: World, on_the_bus: Look) -> None:
    value = {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}, "nonce": uuid.uuid4().hex}
    change = {"field": "account_update", "value": value, "wabaId": world.app.waba_id}
    callback = world.meta("POST", "changes", json=change)["callback"]

    def told() -> list[dict[str, Any]]:
        return [event for event in on_the_bus() if event["data"].get("value") == value]

    (event,) = eventually(told, len)
    assert ("meta.account_update", None, world.app.waba_id) == (
        event["event"], event["appName"], event["data"]["wabaId"],
    )  # fmt: skip
    assert 200 == world.meta("POST", "callbacks", json={"value": callback})["status"]
    _a_whole_journey(world)
    assert 1 == len(told())
    assert [] == [w for w in world.webhooks() if w["body"]["event"].startswith("meta.")]


def test_what_cannot_be_read_is_kept_and_hides_no_neighbour(world: World) -> None:
    nonce, sender = uuid.uuid4().hex, number()
    callback = _callback(world, sender, {"type": "text", "text": {"body": nonce}})
    (change,) = callback["entry"][0]["changes"]
    (unreadable,) = change["value"]["messages"]
    change["value"]["messages"] += [unreadable | {"id": f"wamid.{nonce}"}]
    for _ in range(2):
        assert 200 == world.meta("POST", "callbacks", json={"value": callback})["status"]

    assert "Item" in _item(world, f"wamid.{nonce}")
    kept, answer = list[dict[str, Any]](), {"next": None, "more": True}
    while answer["more"]:
        answer = world.stack.administer({"action": "list_unreadable", "after": answer["next"]})
        kept += [item for item in answer["items"] if nonce in item["excerpt"]]
    assert ["message without id"] == [item["reason"] for item in kept]


def test_twenty_processes_that_post_the_same_callback_make_one_item_and_one_event(
    world: World, on_the_bus: Look
) -> None:
    sender, wamid = number(), f"wamid.{uuid.uuid4().hex}"
    body = escaped_json(_callback(world, sender, {"id": wamid, "type": "text", "text": {"body": "Hello"}}))
    at = str(time.time() + 5)
    signed = signature(world.stack.meta_app_secret, body)
    command = [sys.executable, "-c", _POST, world.stack.meta_callback_url, signed, at]
    posters = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(PROCESSES)
    ]  # fmt: skip
    for poster in posters:
        assert poster.stdin
        poster.stdin.write(body)
        poster.stdin.close()
    answers = [poster.stdout.read() for poster in posters if poster.stdout]
    for poster in posters:
        assert 0 == poster.wait(90)
        assert poster.stdout
        poster.stdout.close()

    assert [b"200\n"] * PROCESSES == answers

    def told() -> list[dict[str, Any]]:
        return [event for event in on_the_bus() if event["data"].get("from") == sender]

    eventually(told, len)
    _a_whole_journey(world)
    assert 1 == len({event["id"] for event in told()}) == len(told())
    assert 1 == len([w for w in world.webhooks(event="messages.received") if w["body"]["data"]["from"] == sender])
    assert "Item" in _item(world, wamid)


def _item(world: World, wamid: str) -> dict[str, Any]:
    key = {"messageId": {"S": inbound_message_id(world.app.phone_number_id, wamid)}}
    table = world.stack.outputs["MessagesTableName"]
    return dict(world.stack.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True))


def _a_whole_journey(world: World) -> None:
    """What is behind something in the stream was told after it: another message goes all the way."""
    sender = number()
    world.meta("POST", "inbound", json={"phoneNumberId": world.app.phone_number_id, "from": sender, "text": "later"})
    eventually(
        lambda: [w for w in world.webhooks(event="messages.received") if w["body"]["data"]["from"] == sender], len
    )


def _send_image(world: World, sender: str, content: bytes, mime_type: str = "image/png") -> dict[str, Any]:
    query = {"phoneNumberId": world.app.phone_number_id, "filename": "leaf.png"}
    node = world.meta("POST", "media", params=query, data=content, headers={"Content-Type": mime_type})
    message = {"type": "image", "image": node | {"caption": "A leaf"}}
    order = {"phoneNumberId": world.app.phone_number_id, "from": sender, "message": message}
    return dict(world.meta("POST", "inbound", json=order)["message"])


def _told(world: World, sender: str) -> list[dict[str, Any]]:
    return [
        webhook["body"]["data"]
        for webhook in world.webhooks(event="messages.received")
        if webhook["body"]["data"]["from"] == sender
    ]


def test_a_customers_image_arrives_byte_for_byte_by_a_redirect(world: World) -> None:
    sender, content = number(), b"\x89PNG\r\n\x1a\n" + uuid.uuid4().bytes * 100_000
    message = _send_image(world, sender, content, "image/jpeg")
    (data,) = eventually(lambda: _told(world, sender), len)

    digest = hashlib.sha256(content).hexdigest()
    media_id = inbound_message_id(world.app.phone_number_id, message["id"])
    assert {
        "mediaId": media_id, "mimeType": "image/png", "size": len(content), "sha256": digest, "caption": "A leaf",
    } == data["image"]  # fmt: skip
    url = f"{world.stack.api_url}/api/external/media/content"
    answer = world.http.get(
        url, params={"mediaId": media_id}, headers=world.app.headers, timeout=90, allow_redirects=False
    )
    assert (302, "no-store") == (answer.status_code, answer.headers.get("Cache-Control")), (answer.text, answer.headers)
    file = world.http.get(answer.headers["Location"], timeout=90)
    assert digest == hashlib.sha256(file.content).hexdigest()
    assert ("image/png", "no-store") == (file.headers["Content-Type"], file.headers["Cache-Control"])
    assert "attachment; filename*=UTF-8''file.png" == file.headers["Content-Disposition"]
    other = world.http.get(url, params={"mediaId": media_id}, headers=world.other_app.headers, timeout=90)
    assert 404 == other.status_code


def test_a_file_that_meta_does_not_have_is_told_with_an_error(world: World) -> None:
    sender = number()
    order = {"phoneNumberId": world.app.phone_number_id, "from": sender, "kind": "document"}
    world.meta("POST", "inbound", json=order)
    (data,) = eventually(lambda: _told(world, sender), len)

    assert ("receipt.pdf", "media_gone") == (data["document"]["filename"], data["document"]["error"]["code"])
    assert "mediaId" not in data["document"]
