"""manage_media as Lambda runs it: a form, the states of an upload, and a message that has it."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from hkreach.domain.api_key import issue
from tests.aws import MEDIA_BUCKET, MESSAGES_TABLE, aws, items
from tests.builders import MESSAGE_ID, OTHER_ID, OTHER_NUMBER, PDF, PNG, STORED, with_file
from tests.handlers.conftest import Stack, fields, problem, sample

ANNOUNCE, STATE, SEND = "manage_media/announce", "manage_media/state", "accept_message/send_media"
OTHER_KEY = issue().text


@pytest.fixture(autouse=True)
def apps(stack: Stack) -> None:
    stack.add_app()
    stack.add_app("other", OTHER_NUMBER, OTHER_KEY)


def _announce(stack: Stack, body: object = None) -> dict[str, Any]:
    event = sample(ANNOUNCE)
    answer: dict[str, Any] = stack.invoke("manage_media", event | ({"body": json.dumps(body)} if body else {}))
    return answer


def _upload(stack: Stack, content: bytes = PDF) -> str:
    started = json.loads(_announce(stack)["body"])
    aws("s3").put_object(Bucket=MEDIA_BUCKET, Key=started["upload"]["fields"]["key"], Body=content)
    return str(started["mediaId"])


def _state(stack: Stack, media_id: str | None, **headers: str) -> dict[str, Any]:
    event = sample(STATE)
    event |= {
        "headers": event["headers"] | headers,
        "queryStringParameters": {"mediaId": media_id} if media_id is not None else None,
        "multiValueQueryStringParameters": {"mediaId": [media_id]} if media_id is not None else None,
    }
    answer: dict[str, Any] = stack.invoke("manage_media", event)
    return answer


def _send(stack: Stack, **changes: Any) -> dict[str, Any]:
    event = sample(SEND)
    answer: dict[str, Any] = stack.invoke(
        "accept_message", event | {"body": json.dumps(json.loads(event["body"]) | changes)}
    )
    return answer


def test_a_form_for_one_file(stack: Stack) -> None:
    answer = _announce(stack)
    body = json.loads(answer["body"])

    assert (201, {"mediaId", "upload", "expiresAt"}) == (answer["statusCode"], set(body))
    assert {"method", "url", "fields"} == set(body["upload"])
    assert ("POST", f"mystore/uploads/{body['mediaId']}") == (
        body["upload"]["method"], body["upload"]["fields"]["key"],
    )  # fmt: skip
    assert "2026-11-22T09:15:00Z" == body["expiresAt"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"size": 100_000_001}, "size"),
        ({"size": 0}, "size"),
        ({"size": "1"}, "size"),
        ({"filename": ""}, "filename"),
        ({"filename": "x" * 241}, "filename"),
        ({"filename": "a\nb"}, "filename"),
        ({"kind": "image"}, "kind"),
        ([1], "body"),
    ],
)
def test_what_is_wrong_is_named(stack: Stack, body: object, field: str) -> None:
    answer = _announce(stack, body)

    assert (422, [field]) == (answer["statusCode"], fields(answer))
    assert 0 == aws("s3").list_objects_v2(Bucket=MEDIA_BUCKET)["KeyCount"]


def test_a_size_above_the_limit_says_limit_found_and_remedy(stack: Stack) -> None:
    (fault,) = problem(_announce(stack, {"size": 100_000_001}))["errors"]

    assert "size is 100,000,001; WhatsApp takes at most 100,000,000 bytes: make the file smaller" == fault["detail"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"body": "{"}, 400),
        ({"body": None}, 400),
        ({"body": '"' + "x" * 10_000 + '"'}, 413),
        ({"headers": sample(ANNOUNCE)["headers"] | {"Content-Type": "text/plain"}}, 415),
        ({"headers": {}}, 401),
    ],
)
def test_what_cannot_be_read(stack: Stack, change: dict[str, Any], status: int) -> None:
    answer = stack.invoke("manage_media", sample(ANNOUNCE) | change)

    assert (status, status) == (answer["statusCode"], problem(answer)["status"])


def test_the_states_of_an_upload(stack: Stack) -> None:
    media_id = json.loads(_announce(stack)["body"])["mediaId"]
    waiting = json.loads(_state(stack, media_id)["body"])
    assert {"mediaId": media_id, "state": "waiting"}.items() <= waiting.items()

    aws("s3").put_object(Bucket=MEDIA_BUCKET, Key=f"mystore/uploads/{media_id}", Body=b"GIF89a")
    refused = json.loads(_state(stack, media_id)["body"])
    assert ("refused", True) == (refused["state"], refused["reason"].startswith("The file is a GIF image"))

    aws("s3").put_object(Bucket=MEDIA_BUCKET, Key=f"mystore/uploads/{media_id}", Body=PDF)
    ready = _state(stack, media_id)
    expected = {
        "mediaId": media_id, "state": "ready", "kind": "document", "mimeType": "application/pdf", "size": len(PDF),
        "filename": "Catalogue 2027.pdf",
    }  # fmt: skip
    assert (200, True) == (ready["statusCode"], expected.items() <= json.loads(ready["body"]).items())
    assert "expiresAt" in json.loads(ready["body"])


def test_another_apps_media_and_none_look_the_same(stack: Stack) -> None:
    media_id = _upload(stack)
    theirs = _state(stack, media_id, **{"X-App-Name": "other", "X-API-Key": OTHER_KEY})
    nobodys = stack.invoke("manage_media", sample(STATE))

    assert (404, "not_found") == (theirs["statusCode"], problem(theirs)["code"])
    assert theirs["body"] == nobodys["body"]


@pytest.mark.parametrize("media_id", [None, ""])
def test_which_media_must_be_said(stack: Stack, media_id: str | None) -> None:
    assert ["mediaId"] == fields(_state(stack, media_id))


def test_a_message_has_the_file_under_the_name_that_it_gives(stack: Stack) -> None:
    media_id = _upload(stack)
    answer = _send(stack, headerMediaId=media_id)

    assert 202 == answer["statusCode"]
    (item,) = items(MESSAGES_TABLE)
    media = item["media"]["M"]
    assert ("application/pdf", "For you.pdf", str(len(PDF))) == (
        media["type"]["S"], media["name"]["S"], media["size"]["N"],
    )  # fmt: skip
    assert PDF == aws("s3").get_object(Bucket=MEDIA_BUCKET, Key=media["key"]["S"])["Body"].read()


def test_a_message_without_its_file_is_refused(stack: Stack) -> None:
    waiting = json.loads(_announce(stack)["body"])["mediaId"]
    answers = [
        _send(stack),
        _send(stack, headerMediaId=waiting),
        _send(stack, headerMediaId=_upload(stack, b"MZ\x90\0")),
    ]

    assert [404, 422, 422] == [answer["statusCode"] for answer in answers]
    assert [["headerMediaId"]] * 3 == [fields(answer) for answer in answers]
    assert [] == items(MESSAGES_TABLE)


def test_what_is_replaced_while_it_is_looked_at_is_to_be_tried_again(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    media_id = _upload(stack)
    uploads = stack.functions["manage_media"].uploads
    found = uploads.find("mystore", media_id)
    aws("s3").put_object(Bucket=MEDIA_BUCKET, Key=f"mystore/uploads/{media_id}", Body=b"GIF89a")
    with monkeypatch.context() as patch:
        patch.setattr(uploads, "find", lambda *_: found)
        answer = _state(stack, media_id)
    assert (503, True) == (answer["statusCode"], problem(answer)["retryable"])

    assert "refused" == json.loads(_state(stack, media_id)["body"])["state"]


def test_nobodys_media_is_the_samples(stack: Stack) -> None:
    assert MESSAGE_ID == sample(STATE)["queryStringParameters"]["mediaId"]
    assert 404 == stack.invoke("manage_media", sample(STATE))["statusCode"]


def _content(stack: Stack, media_id: str = OTHER_ID, **headers: str) -> dict[str, Any]:
    event = sample("manage_media/content")
    query = {"mediaId": media_id}
    event |= {
        "headers": event["headers"] | headers,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {"mediaId": [media_id]},
    }
    answer: dict[str, Any] = stack.invoke("manage_media", event)
    return answer


def test_what_a_customer_sent_is_had_by_a_redirect_to_the_bucket(stack: Stack) -> None:
    stack.inbound.add(with_file())
    assert (409, "conflict") == (_content(stack)["statusCode"], problem(_content(stack))["code"])
    aws("s3").put_object(Bucket=MEDIA_BUCKET, Key=STORED.key, Body=PNG)
    stack.inbound.record_stored(OTHER_ID, STORED, stack.clock())
    answer = _content(stack)

    assert (302, ["no-store"]) == (answer["statusCode"], answer["multiValueHeaders"]["Cache-Control"])
    (location,) = answer["multiValueHeaders"]["Location"]
    parts = urlsplit(location)
    assert f"/{STORED.key}" == parts.path
    assert ["60"] == parse_qs(parts.query)["X-Amz-Expires"]
    assert PNG == requests.get(location, timeout=5).content


def test_another_apps_file_does_not_exist(stack: Stack) -> None:
    stack.inbound.add(with_file())
    stack.inbound.record_stored(OTHER_ID, STORED, stack.clock())
    answer = _content(stack, **{"X-App-Name": "other", "X-API-Key": OTHER_KEY})

    assert (404, 404) == (answer["statusCode"], problem(_content(stack, MESSAGE_ID))["status"])
    assert problem(answer)["detail"] == problem(_content(stack, MESSAGE_ID))["detail"]


def test_an_uploads_content(stack: Stack) -> None:
    media_id = _upload(stack)
    (location,) = _content(stack, media_id)["multiValueHeaders"]["Location"]

    assert PDF == requests.get(location, timeout=5).content


def test_content_is_for_who_has_a_key(stack: Stack) -> None:
    assert 401 == _content(stack, **{"X-API-Key": "wrong"})["statusCode"]
