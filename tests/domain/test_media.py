"""Each kind has a limit, named with what was found; names are what is left of them when they are harmless."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.media import (
    _ENDINGS,
    MAX_FILE_BYTES,
    MAX_FILENAME,
    Media,
    clean_filename,
    kind_of,
    recognise,
    typed_filename,
)
from hkreach.domain.office_type import DOCX, PPTX, XLSX
from hkreach.domain.sized_reader import BytesReader
from tests.domain.files import JPEG, PDF, PNG, SparseFile, ftyp, ole, png, sparse_archive

INLINE = MAX_FILE_BYTES
"""A table of kinds and limits: what each file begins with, its kind, and Meta's limit in bytes."""
KINDS = [
    ("image/jpeg", "image", 5_000_000, JPEG),
    ("image/png", "image", 5_000_000, PNG),
    ("video/mp4", "video", 16_000_000, ftyp(b"isom")),
    ("video/3gpp", "video", 16_000_000, ftyp(b"3gp5")),
    ("application/pdf", "document", 100_000_000, PDF),
    ("application/msword", "document", 100_000_000, ole("WordDocument")),
    ("application/vnd.ms-excel", "document", 100_000_000, ole("Workbook")),
    ("application/vnd.ms-powerpoint", "document", 100_000_000, ole("PowerPoint Document")),
    (DOCX, "document", 100_000_000, "word/document.xml"),
    (XLSX, "document", 100_000_000, "xl/workbook.xml"),
    (PPTX, "document", 100_000_000, "ppt/presentation.xml"),
]


@pytest.mark.parametrize(("mime_type", "kind", "limit", "content"), KINDS)
def test_limits_of_each_kind(mime_type: str, kind: str, limit: int, content: bytes | str) -> None:
    def file(size: int) -> SparseFile:
        if isinstance(content, str):
            return sparse_archive(size, ["[Content_Types].xml", content])
        return SparseFile(size, {0: content})

    assert kind == kind_of(mime_type)
    assert [mime_type] * 4 == [recognise(file(size)) for size in (INLINE - 1, INLINE, limit - 1, limit)]
    above = file(limit + 1)
    with pytest.raises(ValueError, match=re.escape(f"is {mime_type} of {limit + 1:,} bytes")) as refused:
        recognise(above)
    assert f"at most {limit:,} of this kind: make it smaller" in str(refused.value)
    assert above.bytes_read <= 65_536


class _Text:
    """Implements `SizedReader`: as many x."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.longest = 0

    def read(self, offset: int, length: int) -> bytes:
        self.longest = max(self.longest, length)
        return b"x" * min(length, self.size - offset)


def test_limits_of_a_text() -> None:
    """It is read through, a block at a time; above the limit it is not."""
    at, above = _Text(100_000_000), _Text(100_000_001)

    assert ["text/plain"] * 3 == [recognise(_Text(1)), recognise(_Text(99_999_999)), recognise(at)]
    assert 1 << 20 == at.longest
    with pytest.raises(ValueError, match="is text/plain of 100,000,001 bytes; WhatsApp takes at most 100,000,000"):
        recognise(above)
    assert 4_096 == above.longest


@pytest.mark.parametrize("colour", [2, 6], ids=["RGB", "RGBA"])
def test_a_png_of_eight_bits_in_colour_is_taken(colour: int) -> None:
    assert "image/png" == recognise(BytesReader(png(8, colour)))


@pytest.mark.parametrize(
    ("depth", "colour", "words"),
    [
        (16, 2, "16 bits in RGB"),
        (16, 6, "16 bits in RGBA"),
        (8, 3, "8 bits in a palette"),
        (1, 3, "1 bits in a palette"),
        (1, 0, "1 bits in grey"),
        (8, 0, "8 bits in grey"),
        (8, 4, "8 bits in grey with transparency"),
    ],
)
def test_any_other_png_says_what_it_is(depth: int, colour: int, words: str) -> None:
    with pytest.raises(ValueError, match=f"is a PNG image of {words}; WhatsApp takes 8 bits in RGB or RGBA: save it"):
        recognise(BytesReader(png(depth, colour)))


@pytest.mark.parametrize("content", [PNG[:8], PNG[:25], PNG[:12] + b"iHDR" + PNG[16:], png(8, 5)])
def test_a_png_without_its_head_is_damaged(content: bytes) -> None:
    with pytest.raises(ValueError, match="is a PNG image that is damaged: send it whole"):
        recognise(BytesReader(content))


def test_each_kind_is_in_the_table() -> None:
    assert set(_ENDINGS) == {mime_type for mime_type, *_ in KINDS} | {"text/plain"}


def test_an_empty_file() -> None:
    with pytest.raises(ValueError, match="is empty: send the file's bytes"):
        recognise(BytesReader(b""))


@pytest.mark.parametrize(
    ("mime_type", "expected"),
    [("image/png", "image"), ("video/mp4", "video"), ("application/pdf", "document"), ("text/plain", "document")],
)
def test_kinds(mime_type: str, expected: str) -> None:
    assert expected == kind_of(mime_type) == Media("k", mime_type, 1, "n").kind


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Invoice 12345.pdf", "Invoice 12345.pdf"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\C:\\secret.pdf", "secret.pdf"),
        ("../../..", "file.pdf"),
        ("a/b/", "file.pdf"),
        ("...", "file.pdf"),
        ("", "file.pdf"),
        (None, "file.pdf"),
        (" spaced .pdf ", "spaced .pdf"),
        ("two\r\nX-Header: lines.pdf", "twoX-Header: lines.pdf"),
        ("zero\0.pdf", "zero.pdf"),
        ("right\u202eto left.pdf", "rightto left.pdf"),
        ("Größe ☕ 发票.pdf", "Größe ☕ 发票.pdf"),
        ('say "hi".pdf', 'say "hi".pdf'),
    ],
)
def test_file_names(name: str | None, expected: str) -> None:
    assert expected == clean_filename(name, "application/pdf")


@pytest.mark.parametrize(
    ("name", "mime_type", "expected"),
    [
        ("invoice.pdf", "application/pdf", "invoice.pdf"),
        ("Invoice.PDF", "application/pdf", "Invoice.PDF"),
        ("download", "application/pdf", "download.pdf"),
        ("invoice.php", "application/pdf", "invoice.php.pdf"),
        ("scan.jpg", "application/pdf", "scan.jpg.pdf"),
        (".jpg", "application/pdf", "jpg.pdf"),
        ("pdf", "application/pdf", "pdf.pdf"),
        ("v1.2", DOCX, "v1.2.docx"),
        ("photo.JPEG", "image/jpeg", "photo.JPEG"),
        ("orders.csv", "text/plain", "orders.csv"),
        ("orders.pdf", "text/plain", "orders.pdf.txt"),
        ("..", "image/png", "file.png"),
        (None, "video/3gpp", "file.3gp"),
    ],
)
def test_a_name_that_the_file_has_tells_its_type(name: str | None, mime_type: str, expected: str) -> None:
    assert expected == typed_filename(name, mime_type)


def test_a_long_name_without_its_ending_is_no_longer_with_it() -> None:
    assert "x" * (MAX_FILENAME - 4) + ".pdf" == typed_filename("x" * 300, "application/pdf")


def test_a_long_name_keeps_its_ending() -> None:
    cleaned = clean_filename("x" * 300 + ".pdf", "application/pdf")

    assert MAX_FILENAME == len(cleaned)
    assert cleaned.endswith("x.pdf")


@given(st.text())
def test_no_name_leads_anywhere(name: str) -> None:
    cleaned = clean_filename(name, "image/jpeg")

    assert 0 < len(cleaned) <= MAX_FILENAME
    assert not set(cleaned) & set("/\\\0\r\n")
