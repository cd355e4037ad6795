"""The form of a send with a file: read strictly, byte for byte, and every fault named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.button import ButtonParam
from hkreach.domain.errors import Invalid, Malformed, ReachError, TooLarge, UnsupportedMediaType
from hkreach.domain.media import MAX_FILE_BYTES
from hkreach.domain.template import Template
from hkreach.edge.send_body import read_document_request
from hkreach.usecases.accept_message import IncomingFile, SendRequest
from tests.builders import PDF
from tests.edge.conftest import BOUNDARY, field, file, form, part, request, told

TYPE = f"multipart/form-data; boundary={BOUNDARY}"
LEAST = [field("to", "+919999999999"), field("templateName", "invoice")]


def _read(body: str | bytes, content_type: str = TYPE, **headers: str) -> SendRequest:
    return read_document_request(request(body, content_type, **headers), "de")


def _faults(*parts: bytes, **headers: str) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        _read(form(*parts), **headers)
    return told(refused.value.faults)


def _file(*parts: bytes) -> IncomingFile:
    read = _read(form(*LEAST, *parts)).file
    assert read is not None
    return read


def test_the_least() -> None:
    expected = SendRequest("919999999999", Template("invoice", "de", []), None, IncomingFile(PDF, "invoice.pdf"))

    assert expected == _read(form(*LEAST, file(PDF)))
    assert expected == _read(form(file(PDF), *LEAST)), "in any order"


def test_everything() -> None:
    parts = [
        *LEAST, field("languageCode", "en_US"), field("thirdPartyAppName", "MyStore_ERP"),
        field("bodyParams", '["Zoë ☕"]'),
        field("headerMediaFilename", "Rechnung 7.pdf"), file(PDF),
    ]  # fmt: skip
    read = _read(form(*parts), **{"Idempotency-Key": "k-1"})

    assert Template("invoice", "en_US", ["Zoë ☕"]) == read.template
    assert ("MyStore_ERP", IncomingFile(PDF, "Rechnung 7.pdf", is_named=True), "k-1") == (
        read.third_party_app_name, read.file, read.idempotency_key,
    )  # fmt: skip


@pytest.mark.parametrize("content", [bytes(range(256)) * 4, b"\r\n--hkreac\r\n", b"\r\n\r\n", b"--", b"\n", b""])
def test_a_file_is_kept_byte_for_byte(content: bytes) -> None:
    assert content == _file(file(content)).content


@given(st.binary())
def test_whatever_bytes(content: bytes) -> None:
    assert content == _file(file(content)).content


@pytest.mark.parametrize("pieces", [1, 2])
def test_no_size_breaks_it(pieces: int) -> None:
    """A parser that is fed in pieces of 64 KB trips over what follows the closing boundary in a piece of its own."""
    rest = pieces * 65_536 - len(form(*LEAST, file(b"")))
    for size in range(rest - 4, rest + 5):
        assert size == len(_file(file(b"x" * size)).content)


def test_a_body_that_was_not_encoded() -> None:
    assert PDF == (_read(form(*LEAST, file(PDF)).decode()).file or IncomingFile(b"")).content


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        ('form-data; name="file"; filename="a.pdf"', "a.pdf"),
        ("form-data; name=file; filename=a.pdf", "a.pdf"),
        ('form-data; filename="a.pdf"; name="file"', "a.pdf"),
        ('form-data; name="file"; filename="In voice; 1.pdf"', "In voice; 1.pdf"),
        ('form-data; name="file"; filename="say \\"hi\\".pdf"', 'say "hi".pdf'),
        ('form-data; name="file"; filename="say %22hi%22.pdf"', 'say "hi".pdf'),
        ('form-data; name="file"; filename="Größe ☕.pdf"', "Größe ☕.pdf"),
        ("form-data; name=\"file\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%E2%98%95.pdf", "Größe ☕.pdf"),
        ('form-data; name="file"; filename="Gr.pdf"; filename*=utf-8\'de\'Gr%C3%B6%C3%9Fe.pdf', "Größe.pdf"),
        ('form-data; name="file"; filename=""', ""),
        ('form-data; name="file"; filename="../../etc/passwd"', "../../etc/passwd"),
        ('form-data; name="file"; filename="C:\\\\dir\\\\a.pdf"', "a.pdf"),
    ],
)
def test_the_ways_to_write_a_name(disposition: str, expected: str) -> None:
    """The name is cleaned when the message is made."""
    assert IncomingFile(PDF, expected) == _file(part(PDF, disposition))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([field("bodyParams", '["a", "b"]')], ["a", "b"]),
        ([field("bodyParams", '{"name": "a"}')], {"name": "a"}),
        ([field("bodyParams", "a"), field("bodyParams", "b")], ["a", "b"]),
        ([field("bodyParams", "John Doe")], ["John Doe"]),
        ([field("bodyParams", "[1]"), field("bodyParams", "{x")], ["[1]", "{x"]),
        ([field("bodyParams", "[]")], []),
        ([], []),
    ],
)
def test_the_ways_to_give_parameters(parts: list[bytes], expected: object) -> None:
    assert expected == _read(form(*LEAST, *parts, file(PDF))).template.body_params


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ([*LEAST], "file"),
        ([*LEAST, field("file", "text")], "file"),
        ([*LEAST, file(PDF), file(PDF)], "file"),
        ([*LEAST, file(PDF), file(PDF, name="other")], "other"),
        ([LEAST[0], file(PDF)], "templateName"),
        ([*LEAST, LEAST[0], file(PDF)], "to"),
        ([*LEAST, field("colour", "red"), file(PDF)], "colour"),
        ([*LEAST, field("", "red"), file(PDF)], "body"),
        ([*LEAST, field("thirdPartyAppName", b"\xff"), file(PDF)], "thirdPartyAppName"),
        ([*LEAST, field("bodyParams", b"\xff"), file(PDF)], "bodyParams"),
        ([*LEAST, field("bodyParams", "[1"), file(PDF)], "bodyParams"),
        ([*LEAST, field("bodyParams", "[1]"), file(PDF)], "bodyParams[0]"),
        ([*LEAST, field("bodyParams", ""), file(PDF)], "bodyParams[0]"),
        ([*LEAST, field("headerMediaFilename", ""), file(PDF)], "headerMediaFilename"),
        ([*LEAST, field("headerMediaFilename", "x" * 241), file(PDF)], "headerMediaFilename"),
        ([*LEAST, field("headerMediaFilename", "a\r\nb"), file(PDF)], "headerMediaFilename"),
    ],
)
def test_each_fault_is_named(parts: list[bytes], named: str) -> None:
    faults = _faults(*parts)

    assert [named] == list(faults)
    assert faults[named].startswith(named)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("headerText", "Hi"), ("headerText", ""), ("headerLocation", '{"latitude": 1, "longitude": 2}'),
        ("headerMediaUrl", "https://x"), ("headerMediaId", "1"),
    ],
)  # fmt: skip
def test_a_file_is_the_one_header(name: str, value: str) -> None:
    expected = {
        name: f"{name} cannot go with file: a template has one header",
        "file": f"file cannot go with {name}: a template has one header",
    }

    assert expected == _faults(*LEAST, field(name, value), file(PDF))
    without = _faults(*LEAST, field(name, value))
    assert (f"{name} cannot go with a file: a template has one header", {name, "file"}) == (without[name], set(without))


def test_values_for_buttons() -> None:
    given = '[{"index": 1, "type": "url", "text": "track/7"}]'

    assert (ButtonParam(1, "url", "track/7"),) == _read(
        form(*LEAST, field("buttonParams", given), file(PDF))
    ).template.buttons
    for wrong, named in (("url", "buttonParams[0]"), ("{}", "buttonParams"), ('["a"', "buttonParams")):
        assert {named} == set(_faults(*LEAST, field("buttonParams", wrong), file(PDF)))


def test_all_faults_are_named_at_once() -> None:
    named = _faults(field("colour", "red"), field("to", "1"), file(PDF, name="other"), **{"Idempotency-Key": ""})

    assert {"colour", "to", "templateName", "other", "file", "Idempotency-Key"} == set(named)


WHOLE = form(*LEAST, file(PDF))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\r\n", b"--hkreach", b"--hkreach--", WHOLE[:-4], WHOLE[: len(WHOLE) // 2], WHOLE[:20],
        WHOLE.replace(b"\r\n", b"\n"),
        WHOLE.replace(b"Content-Disposition", b"X-Other", 1),
        WHOLE.replace(b"form-data", b"attachment", 1), WHOLE.replace(b'name="to"', b"", 1), PDF,
    ],
)  # fmt: skip
def test_a_broken_form(body: bytes) -> None:
    with pytest.raises((Malformed, Invalid)):
        _read(body)


def test_a_truncated_form_is_never_half_a_file() -> None:
    for length in range(len(WHOLE) - 3):
        with pytest.raises(ReachError):
            _read(WHOLE[:length])


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data;", "multipart/form-data; boundary=",
     'multipart/form-data; boundary=""',
     f"multipart/form-data; boundary={'x' * 71}", "multipart/form-data; boundary=other",
     "multipart/form-data; boundary=é"],
)  # fmt: skip
def test_no_boundary_or_the_wrong_one(content_type: str) -> None:
    with pytest.raises(Malformed):
        _read(WHOLE, content_type)


@pytest.mark.parametrize(
    "content_type", [f'multipart/form-data; boundary="{BOUNDARY}"', f"Multipart/Form-Data; Boundary={BOUNDARY}"]
)
def test_spellings_of_the_right_one(content_type: str) -> None:
    assert PDF == (_read(WHOLE, content_type).file or IncomingFile(b"")).content


@pytest.mark.parametrize("content_type", ["application/json", "multipart/mixed; boundary=x", "", "multipart"])
def test_another_content_type(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="takes multipart/form-data"):
        _read(WHOLE, content_type)


def test_the_file_limit() -> None:
    assert MAX_FILE_BYTES == len(_file(file(b"x" * MAX_FILE_BYTES)).content)
    with pytest.raises(TooLarge, match="4,400,001 bytes; at most 4,400,000"):
        _read(form(*LEAST, file(b"x" * (MAX_FILE_BYTES + 1))))


@pytest.mark.parametrize("size", [4_600_000, 9_000_000])
def test_the_body_limit(size: int) -> None:
    with pytest.raises(TooLarge, match="POST /api/external/media"):
        _read(form(*LEAST, file(b"x" * size)))


def test_the_limits_of_fields_and_parts() -> None:
    with pytest.raises(TooLarge, match="'thirdPartyAppName' has 65,537 bytes"):
        _read(form(*LEAST, field("thirdPartyAppName", "x" * 65_537), file(PDF)))
    with pytest.raises(Malformed, match="128 parts"):
        _read(form(*LEAST, *[field("bodyParams", "x")] * 130, file(PDF)))
    with pytest.raises(Malformed):
        _read(form(*LEAST, part(PDF, f'form-data; name="file"; filename="{"x" * 9_000}"')))


@given(st.binary())
def test_no_bytes_break_it(body: bytes) -> None:
    for tried in (body, b"--hkreach\r\n" + body + b"\r\n--hkreach--\r\n", form(part(PDF, body.decode("latin-1")))):
        with pytest.raises(ReachError):
            _read(tried)
