"""Media: uploads are checked, scoped to their number, and come back byte for byte."""

import hashlib
import json

import pytest
import requests

from tests.domain.files import png
from tests.local.running import NUMBER, OTHER_NUMBER, OTHER_TOKEN, TIMEOUT, TOKEN, Meta, template

pytestmark = pytest.mark.loopback

CONTENT = b"\x89PNG" + bytes(range(256)) * 400


def errors(meta: Meta) -> list[int]:
    """Return the codes of the failures that came."""
    meta.settle()
    bodies = [json.loads(raw) for raw, _ in meta.receiver.came]
    found = [body["entry"][0]["changes"][0]["value"]["statuses"][0] for body in bodies]
    return [error["code"] for status in found for error in status.get("errors", [])]


def with_header(kind: str, media_id: str) -> dict[str, object]:
    header = {"type": "header", "parameters": [{"type": kind, kind: {"id": media_id}}]}
    return template(template={"name": "picture", "language": {"code": "en"}, "components": [header]})


def test_keeps_what_is_uploaded(meta: Meta) -> None:
    media_id = meta.upload(CONTENT).json()["id"]
    node = meta.get(f"{media_id}?phone_number_id={NUMBER}").json()
    url = node.pop("url")
    assert media_id.isdecimal()
    assert node == {
        "messaging_product": "whatsapp",
        "mime_type": "image/png",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "file_size": len(CONTENT),
        "id": media_id,
    }
    download = meta.get(url)
    assert (download.content, download.headers["Content-Type"]) == (CONTENT, "image/png")
    (record,) = meta.control("requests?edge=media")["requests"]
    assert record["media"] == {
        "filename": "a.bin",
        "mimeType": "image/png",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "size": len(CONTENT),
    }
    assert record["answer"] == {"mediaId": media_id, "status": 200}


def test_needs_the_numbers_token_for_a_download(meta: Meta) -> None:
    url = meta.get(meta.upload(CONTENT).json()["id"]).json()["url"]
    assert requests.get(url, timeout=TIMEOUT).status_code == 401
    assert meta.get(url, token="wrong").status_code == 401
    assert meta.get(url, token=OTHER_TOKEN).status_code == 404


def test_addresses_expire(meta: Meta) -> None:
    meta.control("configuration", {"mediaUrlSeconds": 0})
    assert meta.get(meta.get(meta.upload(CONTENT).json()["id"]).json()["url"]).status_code == 404


def test_scopes_media_to_their_number(meta: Meta) -> None:
    media_id = meta.upload(CONTENT).json()["id"]
    for answer in (
        meta.get(media_id, token=OTHER_TOKEN),
        meta.get(f"{media_id}?phone_number_id={OTHER_NUMBER}"),
        meta.get("123"),
    ):
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["error_subcode"]) == (400, 100, 33)


def test_deletes_media(meta: Meta) -> None:
    media_id = meta.upload(CONTENT).json()["id"]
    headers = {"Authorization": f"Bearer {TOKEN}"}
    deleted = requests.delete(f"{meta.url}/v25.0/{media_id}", headers=headers, timeout=TIMEOUT)
    assert deleted.json() == {"success": True}
    assert meta.get(media_id).status_code == 400


def test_sends_media_that_is_its_own(meta: Meta) -> None:
    meta.send(with_header("image", meta.upload(CONTENT).json()["id"]))
    assert errors(meta) == []
    assert len(meta.receiver.came) == 3


def test_fails_media_of_another_number_later(meta: Meta) -> None:
    media_id = meta.upload(CONTENT, number=OTHER_NUMBER, token=OTHER_TOKEN).json()["id"]
    assert meta.send(with_header("image", media_id)).status_code == 200
    assert errors(meta) == [131053]


def test_fails_media_of_another_kind_later(meta: Meta) -> None:
    media_id = meta.upload(b"%PDF-1.7", "application/pdf").json()["id"]
    assert meta.send(with_header("image", media_id)).status_code == 200
    assert errors(meta) == [131053]
    assert "Unsupported Image mime type application" in meta.receiver.came[0][0].decode()


@pytest.mark.parametrize(("depth", "colour", "expected"), [(8, 2, []), (8, 6, []), (16, 2, [131053]), (8, 3, [131053])])
def test_fails_images_that_meta_does_not_take_later(meta: Meta, depth: int, colour: int, expected: list[int]) -> None:
    media_id = meta.upload(png(depth, colour)).json()["id"]
    assert meta.send(with_header("image", media_id)).status_code == 200
    assert errors(meta) == expected


@pytest.mark.parametrize(
    ("mime_type", "size", "code"),
    [
        ("image/jpeg", 5 * 1024 * 1024, None),
        ("image/jpeg", 5 * 1024 * 1024 + 1, 131053),
        ("image/webp", 500 * 1024 + 1, 131053),
        ("video/mp4", 16 * 1024 * 1024 + 1, 131053),
        ("application/pdf", 16 * 1024 * 1024 + 1, None),
        ("audio/ogg; codecs=opus", 10, None),
        ("image/gif", 10, 131053),
        ("text/html", 10, 131053),
        ("application/pdf", 0, 131008),
    ],
)
def test_checks_type_and_size(meta: Meta, mime_type: str, size: int, code: int | None) -> None:
    answer = meta.upload(b"x" * size, mime_type).json()
    assert answer.get("error", {}).get("code") == code, answer


@pytest.mark.parametrize(
    ("fields", "has_file", "code"),
    [
        ({"messaging_product": "whatsapp"}, True, None),
        ({}, True, 131008),
        ({"messaging_product": "sms"}, True, 100),
        ({"messaging_product": "whatsapp", "type": "image/jpeg"}, True, 100),
        ({"messaging_product": "whatsapp", "colour": "red"}, True, 100),
    ],
)
def test_checks_the_parts(meta: Meta, fields: dict[str, str], has_file: bool, code: int | None) -> None:
    answer = requests.post(
        f"{meta.url}/v25.0/{NUMBER}/media",
        data=fields,
        files={"file": ("a.png", CONTENT, "image/png")},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=TIMEOUT,
    ).json()
    assert answer.get("error", {}).get("code") == code, answer


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=b"])
def test_refuses_uploads_that_are_not_multipart(meta: Meta, content_type: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": content_type}
    answer = requests.post(f"{meta.url}/v25.0/{NUMBER}/media", data=b"{}", headers=headers, timeout=TIMEOUT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)


def test_follows_rules_for_uploads(meta: Meta) -> None:
    rules = [
        {"match": {"edge": "media"}, "times": 1, "answer": {"graphError": 131016}},
        {"match": {"edge": "media"}, "times": 1, "answer": {"fault": "reset_before"}},
        {"match": {"edge": "media"}, "times": 1, "answer": {"fault": "reset_after"}},
    ]
    meta.control("answers", {"rules": rules})
    assert meta.upload(CONTENT).status_code == 500
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            meta.upload(CONTENT)
    answers = [record["answer"] for record in meta.control("requests")["requests"]]
    assert [("mediaId" in answer) for answer in answers] == [False, False, True]


def test_lets_the_oldest_media_go_when_there_is_too_much(meta: Meta) -> None:
    meta.control("configuration", {"mediaBytesLimit": 2 * len(CONTENT)})
    ids = [meta.upload(CONTENT).json()["id"] for _ in range(3)]
    assert [meta.get(media_id).status_code for media_id in ids] == [400, 200, 200]


def test_keeps_a_customers_file_for_an_inbound_message(meta: Meta) -> None:
    address = f"{meta.url}/_control/media?phoneNumberId={NUMBER}"
    node = requests.post(address, data=CONTENT, headers={"Content-Type": "image/png"}, timeout=TIMEOUT).json()
    assert meta.get(node["id"]).json()["mime_type"] == "image/png"
    assert meta.get(node["url"]).content == CONTENT
