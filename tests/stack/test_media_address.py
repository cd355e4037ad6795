"""A file at an address, fetched by the deployed stack from the inbox, which is its one open address on loopback."""

import hashlib
from typing import Any

import pytest

from local.stack import App
from tests.stack.world import World, eventually, number

PDF = b"%PDF-1.4\n" + bytes(range(256)) * 4_000


def _put(world: World, name: str, content: bytes, disposition: str) -> str:
    """A file in the inbox; returns its address."""
    headers = {"Content-Disposition": disposition}
    url = f"{world.stack.inbox_url}/_control/files/{name}"
    assert world.http.put(url, data=content, headers=headers, timeout=90).ok
    return f"{world.stack.inbox_url}/files/{name}"


def _send(world: World, app: App, **parts: Any) -> Any:
    body = {"to": number(), "templateName": "invoice", "bodyParams": ["John Doe"], **parts}
    return world.post("/api/external/send/template", app, json=body)


@pytest.mark.parametrize("size", [1_000_000, 6_000_000], ids=["by the sender", "by the media queue"])
def test_a_file_at_an_address_arrives_byte_for_byte_under_its_servers_name(world: World, size: int) -> None:
    content = (PDF * 7)[: size - 32] + number().encode()
    url = _put(world, f"{size}.bin", content, "attachment; filename*=UTF-8''Invoice%20M%C3%A4rz.pdf")
    answer = _send(world, world.app, headerMediaUrl=url)
    assert 202 == answer.status_code, answer.text
    message_id = answer.json()["messageId"]

    world.until_status(world.app, message_id, "read")
    (request,) = world.meta_requests(bizOpaqueCallbackData=message_id)
    document = request["body"]["template"]["components"][0]["parameters"][0]["document"]
    (upload,) = [u for u in world.meta_requests(edge="media") if u["answer"]["mediaId"] == document["id"]]
    assert "Invoice März.pdf" == document["filename"]
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (upload["media"]["sha256"], upload["media"]["size"])
    assert [] == [key for key in _keys(world) if "/fetched/" in key]


def test_an_address_without_a_file_fails_its_message_with_a_code_and_a_webhook(world: World) -> None:
    answer = _send(world, world.app, headerMediaUrl=f"{world.stack.inbox_url}/files/absent.pdf")
    message_id = answer.json()["messageId"]

    error = world.until_status(world.app, message_id, "failed")["error"]
    assert ("media_status", False) == (error["code"], error["retryable"])
    assert "HTTP 404" in error["details"]
    (webhook,) = eventually(lambda: world.webhooks(messageId=message_id), len)
    assert ("failed", error) == (webhook["body"]["data"]["status"], webhook["body"]["data"]["error"])
    assert message_id not in world.times_taken()


def test_a_private_address_is_refused_before_anything_is_written(world: World) -> None:
    for url in ("https://10.0.0.1/a.pdf", "http://127.0.0.1:1/a.pdf", "https://metadata.internal/a.pdf"):
        answer = _send(world, world.app, headerMediaUrl=url)
        assert 422 == answer.status_code
        assert ["headerMediaUrl"] == [fault["field"] for fault in answer.json()["errors"]]


def _keys(world: World) -> list[str]:
    pages = world.stack.client("s3").get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=world.stack.outputs["MediaBucketName"])
    return [each["Key"] for page in found for each in page.get("Contents", [])]
