"""Files that go straight to S3: a presigned form over HTTP, what is told of them, and their very bytes at Meta."""

import hashlib
import io
import random
import socket
import tempfile
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from botocore.exceptions import ClientError
from requests_toolbelt import MultipartEncoder

from hkreach.adapters.s3_uploads import S3Uploads
from hkreach.domain.upload import Uploaded
from local.stack import App
from tests.stack.world import GUIDE, World, number

MEDIA = "/api/external/media"
NO_ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


def _pdf(size: int) -> bytes:
    return b"%PDF-1.7\n" + random.Random(size).randbytes(size - 9)


def _announce(world: World, **body: Any) -> dict[str, Any]:
    answer = world.post(MEDIA, world.app, json=body)
    assert 201 == answer.status_code, answer.text
    return dict(answer.json())


def _upload(world: World, announced: dict[str, Any], content: bytes, **fields: str) -> requests.Response:
    form = announced["upload"]
    return world.http.post(form["url"], data=form["fields"] | fields, files={"file": ("x", content)}, timeout=90)


def _state(world: World, media_id: str, app: App | None = None) -> dict[str, Any]:
    answer = world.http.get(
        world.stack.api_url + MEDIA, params={"mediaId": media_id}, headers=(app or world.app).headers, timeout=90
    )
    return dict(answer.json())


def _send(world: World, media_id: str, app: App | None = None) -> requests.Response:
    body = {"to": number(), "templateName": "catalogue", "headerMediaId": media_id}
    return world.post("/api/external/send/template", app or world.app, json=body)


def _arrived(world: World, message_id: str) -> tuple[str, str]:
    """The SHA-256 of the file that Meta has of a message, and the name that the user sees."""
    world.until_status(world.app, message_id, "read")
    (request,) = world.meta_requests(bizOpaqueCallbackData=message_id)
    document = request["body"]["template"]["components"][0]["parameters"][0]["document"]
    (upload,) = [u for u in world.meta_requests(edge="media") if u["answer"].get("mediaId") == document["id"]]
    return upload["media"]["sha256"], document["filename"]


def test_six_megabytes_by_a_form_reach_meta_byte_for_byte_as_often_as_wanted(world: World) -> None:
    content = _pdf(6_000_000)
    announced = _announce(world, filename="Catalogue März.pdf", size=len(content))
    media_id = announced["mediaId"]
    assert "waiting" == _state(world, media_id)["state"]
    assert 204 == _upload(world, announced, content).status_code

    ready = _state(world, media_id)
    assert ("ready", "document", "application/pdf", len(content), "Catalogue März.pdf") == tuple(
        ready[name] for name in ("state", "kind", "mimeType", "size", "filename")
    )
    answers = [_send(world, media_id) for _ in range(2)]
    assert [202, 202] == [answer.status_code for answer in answers]
    for answer in answers:
        arrived = _arrived(world, answer.json()["messageId"])
        assert (hashlib.sha256(content).hexdigest(), "Catalogue März.pdf") == arrived


@pytest.mark.parametrize(
    ("content", "fields", "code"),
    [
        (b"x" * 101, {}, "EntityTooLarge"),
        (b"x" * 99, {}, "EntityTooSmall"),
        (b"x" * 100, {"key": f"demo_store/outbound/{NO_ID}"}, "AccessDenied"),
        (b"x" * 100, {"key": f"demo_erp/uploads/{NO_ID}"}, "AccessDenied"),
        (b"x" * 100, {"x-amz-server-side-encryption": "AES256"}, "AccessDenied"),
        (b"x" * 100, {"acl": "public-read"}, "AccessDenied"),
        (b"x" * 100, {"x-amz-signature": "0" * 64}, "SignatureDoesNotMatch"),
    ],
)
def test_a_form_takes_its_file_alone(world: World, content: bytes, fields: dict[str, str], code: str) -> None:
    announced = _announce(world, size=100)
    before = world.count_files()
    answer = _upload(world, announced, content, **fields)
    assert not answer.ok
    assert f"<Code>{code}</Code>" in answer.text
    assert (before, "waiting") == (world.count_files(), _state(world, announced["mediaId"])["state"])


def test_a_form_without_a_size_takes_what_whatsapp_takes_and_not_a_byte_more(world: World) -> None:
    announced = _announce(world)
    before = world.count_files()
    with tempfile.TemporaryFile() as file:
        file.truncate(100_000_001)
        parts = MultipartEncoder({**announced["upload"]["fields"], "file": ("x", file)})
        headers = {"Content-Type": parts.content_type}
        answer = world.http.post(announced["upload"]["url"], data=parts, headers=headers, timeout=90)
    assert not answer.ok
    assert "<Code>EntityTooLarge</Code>" in answer.text
    assert (before, "waiting") == (world.count_files(), _state(world, announced["mediaId"])["state"])


def test_an_upload_that_stops_halfway_leaves_nothing_and_can_be_begun_anew(world: World) -> None:
    announced, content = _announce(world), _pdf(6_000_000)
    before = world.count_files()
    parts = MultipartEncoder({**announced["upload"]["fields"], "file": ("x", io.BytesIO(content))})
    url = urlsplit(announced["upload"]["url"])
    head = f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: {parts.content_type}\r\n"
    with socket.create_connection((url.hostname or "", url.port or 80), timeout=20) as connection:
        connection.sendall(f"{head}Content-Length: {parts.len}\r\n\r\n".encode() + parts.read(3_000_000))
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1_000)

    assert (before, "waiting") == (world.count_files(), _state(world, announced["mediaId"])["state"])
    assert 204 == _upload(world, announced, content).status_code
    assert ("ready", len(content)) == tuple(_state(world, announced["mediaId"])[name] for name in ("state", "size"))


def test_what_is_not_uploaded_or_of_a_wrong_kind_is_not_sent(world: World) -> None:
    announced = _announce(world, filename="photo.jpg")
    early = _send(world, announced["mediaId"])
    assert "was not uploaded yet" in early.json()["errors"][0]["detail"]

    _upload(world, announced, b"GIF89a" + b"\0" * 100)
    state = _state(world, announced["mediaId"])
    assert "refused" == state["state"]
    assert "is a GIF image" in state["reason"]
    wrong = _send(world, announced["mediaId"])
    assert "is a GIF image" in wrong.json()["errors"][0]["detail"]
    assert [(422, "headerMediaId")] * 2 == [
        (answer.status_code, answer.json()["errors"][0]["field"]) for answer in (early, wrong)
    ]


def test_another_apps_media_and_none_look_the_same(world: World) -> None:
    announced = _announce(world)
    _upload(world, announced, _pdf(100))
    media_id = announced["mediaId"]
    for theirs, nobodys in (
        (_state(world, media_id, world.other_app), _state(world, NO_ID)),
        (_send(world, media_id, world.other_app).json(), _send(world, NO_ID).json()),
    ):
        assert (404, theirs | {"requestId": ""}) == (nobodys["status"], nobodys | {"requestId": ""})


def test_what_replaces_a_file_changes_no_message_that_has_it(world: World) -> None:
    first, second = _pdf(1_000), _pdf(2_000)
    announced = _announce(world, filename="a.pdf")
    _upload(world, announced, first)
    before = _send(world, announced["mediaId"]).json()["messageId"]
    _upload(world, announced, second)
    after = _send(world, announced["mediaId"]).json()["messageId"]

    key = world.item(before)["media"]["M"]["key"]["S"]
    stored = world.stack.client("s3").get_object(Bucket=world.stack.outputs["MediaBucketName"], Key=key)
    assert first == stored["Body"].read()
    assert [hashlib.sha256(content).hexdigest() for content in (first, second)] == [
        _arrived(world, message_id)[0] for message_id in (before, after)
    ]


def test_what_is_replaced_between_look_and_seal_is_neither_read_nor_sealed(world: World) -> None:
    announced = _announce(world)
    uploads = S3Uploads(world.stack.client("s3"), world.stack.outputs["MediaBucketName"])
    _upload(world, announced, _pdf(1_000))
    found = uploads.find(world.app.app_name, announced["mediaId"])
    assert isinstance(found, Uploaded)
    _upload(world, announced, b"GIF89a")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        found.file.read(0, 10)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        uploads.seal(world.app.app_name, found, "application/pdf", "a.pdf", 30)
    assert isinstance(uploads.find(world.app.app_name, announced["mediaId"]), Uploaded)


def test_what_is_too_large_for_the_inline_route_is_told_the_other(world: World) -> None:
    fields = {"to": GUIDE["to"], "templateName": "invoice"}
    answer = world.post(
        "/api/external/send/document", world.app, data=fields, files={"file": ("a.pdf", _pdf(4_400_001))}
    )
    assert (413, True) == (answer.status_code, f"POST {MEDIA}" in answer.json()["detail"])
