"""Odd forms through the whole function: a clear problem, and nothing left behind, or a message."""

import base64
from typing import Any

import pytest

from tests.aws import MEDIA_BUCKET, MESSAGES_TABLE, aws, items
from tests.builders import PDF
from tests.edge.conftest import field, form, part
from tests.edge.odd_forms import LEAST, ODD, WHOLE, Odd
from tests.handlers.conftest import Stack, problem, sample

CODES = {400: "malformed", 413: "too_large", 415: "unsupported_media_type", 422: "invalid"}


def _event(odd: Odd) -> dict[str, Any]:
    event = sample("accept_message/send_document") | {"body": base64.b64encode(odd.body).decode()}
    event["headers"] = {name: value for name, value in event["headers"].items() if name != "Content-Type"}
    if odd.content_type is not None:
        event["headers"]["Content-Type"] = odd.content_type
    return event


@pytest.fixture(autouse=True)
def app(stack: Stack) -> None:
    stack.add_app()


def _stored() -> tuple[int, int]:
    return len(items(MESSAGES_TABLE)), aws("s3").list_objects_v2(Bucket=MEDIA_BUCKET)["KeyCount"]


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_an_odd_form_is_taken_whole_or_leaves_nothing(stack: Stack, odd: Odd) -> None:
    answer = stack.invoke("accept_message", _event(odd))

    assert odd.status == answer["statusCode"], answer["body"]
    if odd.status == 202:
        assert (1, 1) == _stored()
    else:
        read = problem(answer)
        assert (CODES[odd.status], False) == (read["code"], read["retryable"])
        assert len(read["detail"]) > 20
        assert ("errors" in read) == (odd.status == 422)
        assert (0, 0) == _stored()


@pytest.mark.parametrize(("raw", "status"), [(WHOLE.decode(), 202), (WHOLE[:-20].decode(), 400), (None, 400)])
def test_a_body_that_is_not_in_base64(stack: Stack, raw: str | None, status: int) -> None:
    """As `sam local` and a gateway without binary types hand it on."""
    event = _event(ODD["as it should be"]) | {"body": raw, "isBase64Encoded": False}

    assert status == stack.invoke("accept_message", event)["statusCode"]
    assert (1, 1) == _stored() if status == 202 else (0, 0) == _stored()


@pytest.mark.parametrize(
    ("called", "wanted", "shown"),
    [
        ("invoice.pdf", [], "invoice.pdf"),
        ("scan.jpg", [], "scan.jpg.pdf"),
        (".jpg", [], "jpg.pdf"),
        ("scan", [], "scan.pdf"),
        ("scan.jpg", [field("headerMediaFilename", "Invoice")], "Invoice"),
    ],
)
def test_a_document_is_shown_with_the_ending_of_its_type(
    stack: Stack, called: str, wanted: list[bytes], shown: str
) -> None:
    """WhatsApp shows its icon by the ending, whatever it is."""
    body = form(*LEAST, *wanted, part(PDF, f'form-data; name="file"; filename="{called}"'))
    answer = stack.invoke("accept_message", _event(Odd(body, 202)))

    assert 202 == answer["statusCode"]
    (message,) = items(MESSAGES_TABLE)
    assert (shown, "application/pdf") == (message["media"]["M"]["name"]["S"], message["media"]["M"]["type"]["S"])
