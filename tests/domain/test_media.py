"""A file's kind is found from its bytes; names are what is left of them when they are harmless."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.media import MAX_FILENAME, Media, clean_filename, kind_of, recognise

OOXML = "application/vnd.openxmlformats-officedocument."
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504
JPEG = b"\xff\xd8\xff\xe0"
PNG = b"\x89PNG\r\n\x1a\n"


def _zip(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, f"<{name}/>")
    return buffer.getvalue()


def _ole(stream: str) -> bytes:
    return OLE + "Root Entry".encode("utf-16-le") + b"\0\0" + stream.encode("utf-16-le") + b"\0\0"


def _ftyp(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + b"\0" * 12


DOCX = _zip("[Content_Types].xml", "word/document.xml")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (JPEG, "image/jpeg"),
        (PNG, "image/png"),
        (b"%PDF-1.7\n", "application/pdf"),
        (_ftyp(b"isom"), "video/mp4"),
        (_ftyp(b"mp42"), "video/mp4"),
        (_ftyp(b"M4V "), "video/mp4"),
        (_ftyp(b"3gp5"), "video/3gpp"),
        (_ftyp(b"3g2a"), "video/3gpp"),
        (DOCX, OOXML + "wordprocessingml.document"),
        (_zip("[Content_Types].xml", "xl/workbook.xml"), OOXML + "spreadsheetml.sheet"),
        (_zip("[Content_Types].xml", "ppt/presentation.xml"), OOXML + "presentationml.presentation"),
        (_ole("WordDocument"), "application/msword"),
        (_ole("Workbook"), "application/vnd.ms-excel"),
        (_ole("Book"), "application/vnd.ms-excel"),
        (_ole("PowerPoint Document"), "application/vnd.ms-powerpoint"),
        (b"plain", "text/plain"),
        ("Zoë ☕\r\n\tyes\f".encode(), "text/plain"),
        (b"\xef\xbb\xbfwith a mark", "text/plain"),
    ],
)
def test_each_kind_that_whatsapp_takes(content: bytes, expected: str) -> None:
    assert expected == recognise(content)


@pytest.mark.parametrize(
    "content",
    [
        b"GIF89a\x01\x00",
        b"RIFF\0\0\0\0WEBPVP8 ",
        b"MZ\x90\0\x03",
        b"\x7fELF\x02\0",
        _ftyp(b"qt  "),
        _ftyp(b"heic"),
        _zip("a.txt"),
        _zip("word/document.xml"),
        _zip("[Content_Types].xml", "other/x.xml"),
        DOCX[:-30],
        DOCX[:40],
        b"PK\x03\x04",
        OLE,
        _ole("MsiDatabase"),
        "latin é".encode("latin-1"),
        b"text with \0 zero",
        b"\x1f\x8b\x08\0",
        b"\xff\xd8",
    ],
)
def test_no_others(content: bytes) -> None:
    with pytest.raises(ValueError, match="of a kind that WhatsApp does not take: send a JPEG or PNG image"):
        recognise(content)


def test_an_empty_file() -> None:
    with pytest.raises(ValueError, match="is empty"):
        recognise(b"")


@pytest.mark.parametrize(
    ("start", "limit"), [(JPEG, 5_000_000), (PNG, 5_000_000), (_ftyp(b"isom"), 16_000_000), (b"%PDF-", 100_000_000)]
)  # fmt: skip
def test_limits_of_each_kind(start: bytes, limit: int) -> None:
    assert recognise(start.ljust(limit, b"\0"))
    with pytest.raises(ValueError, match=f"{limit + 1:,} bytes; WhatsApp takes at most {limit:,}"):
        recognise(start.ljust(limit + 1, b"\0"))


def _is_read_or_refused(content: bytes) -> bool:
    """With any other error, or one in other words than ours, it is neither."""
    try:
        return recognise(content) != ""
    except ValueError as fault:
        return str(fault).startswith("is ")


@given(st.binary())
def test_no_bytes_break_it(content: bytes) -> None:
    for start in (b"", b"PK\x03\x04", OLE[:8], b"\0\0\0\0ftyp"):
        assert _is_read_or_refused(start + content)


@given(st.data())
def test_no_damaged_archive_breaks_it(data: st.DataObject) -> None:
    """Offsets and counts in an archive are the sender's: they point anywhere."""
    damaged = bytearray(DOCX)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(4, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    assert _is_read_or_refused(bytes(damaged))


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


def test_a_long_name_keeps_its_ending() -> None:
    cleaned = clean_filename("x" * 300 + ".pdf", "application/pdf")

    assert MAX_FILENAME == len(cleaned)
    assert cleaned.endswith("x.pdf")


@given(st.text())
def test_no_name_leads_anywhere(name: str) -> None:
    cleaned = clean_filename(name, "image/jpeg")

    assert 0 < len(cleaned) <= MAX_FILENAME
    assert not set(cleaned) & set("/\\\0\r\n")
