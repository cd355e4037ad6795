"""A file's type is found from its bytes, wherever the file lies, and no more than 64 KB of it is read."""

import struct
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.media import recognise
from hkreach.domain.sized_reader import BytesReader, Pages, SizedReader, TooManyPages
from tests.domain.files import (
    DOCX,
    END_OF_CHAIN,
    JPEG,
    OLE,
    PDF,
    PNG,
    SparseFile,
    archive,
    entry,
    ftyp,
    ole,
    ole_header,
    sparse_archive,
)

OOXML = "application/vnd.openxmlformats-officedocument."
NAMES = [f"ppt/slides/slide{n}.xml" for n in range(2_000)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (JPEG, "image/jpeg"),
        (PNG, "image/png"),
        (PDF, "application/pdf"),
        (b"\xef\xbb\xbf\r\n\n" + PDF, "application/pdf"),
        (ftyp(b"isom"), "video/mp4"),
        (ftyp(b"iso6"), "video/mp4"),
        (ftyp(b"mp42"), "video/mp4"),
        (ftyp(b"M4V "), "video/mp4"),
        (ftyp(b"XAVC", b"XAVC", b"mp42"), "video/mp4"),
        (ftyp(b"3gp5"), "video/3gpp"),
        (ftyp(b"3g2a", b"3g2a", b"3gp6"), "video/3gpp"),
        (DOCX, OOXML + "wordprocessingml.document"),
        (archive("_rels/.rels", "word\\document.xml", "[Content_Types].xml"), OOXML + "wordprocessingml.document"),
        (archive("[Content_Types].xml", "word/document.xml", comment=b"x" * 900), OOXML + "wordprocessingml.document"),
        (archive("[Content_Types].xml", "xl/workbook.xml"), OOXML + "spreadsheetml.sheet"),
        (archive("[Content_Types].xml", "ppt/presentation.xml"), OOXML + "presentationml.presentation"),
        (ole("WordDocument"), "application/msword"),
        (ole("1Table", "WordDocument", inside=["Workbook"]), "application/msword"),
        (ole("\5SummaryInformation", "Workbook", inside=["WordDocument"]), "application/vnd.ms-excel"),
        (ole("Book"), "application/vnd.ms-excel"),
        (ole(*[f"stream {n}" for n in range(60)], "PowerPoint Document"), "application/vnd.ms-powerpoint"),
        (b"plain", "text/plain"),
        ("Zoë ☕\r\n\tyes\f".encode(), "text/plain"),
        (b"\xef\xbb\xbfwith a mark", "text/plain"),
        (b"a < b, <b and <strong> words", "text/plain"),
        (b"alert('a script cannot be told from text')", "text/plain"),
        (b"BMW, MZ, PK, RIFF and ID3 are words too", "text/plain"),
        ("é".encode() * 2_100_000, "text/plain"),
        (b"x" + "é".encode() * 2_100_000, "text/plain"),
    ],
)
def test_each_type_that_whatsapp_takes(content: bytes, expected: str) -> None:
    assert expected == recognise(BytesReader(content)) == recognise(SparseFile(len(content), {0: content}))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"GIF89a\x01\x00", "a GIF image"),
        (b"RIFF\n\n\n\nWEBPVP8 ", "a WebP image"),
        (b"II*\0\x08\0\0\0", "a TIFF image"),
        (ftyp(b"heic", b"mif1", b"heic", b"mp42"), "a HEIC or AVIF image"),
        (ftyp(b"avif"), "a HEIC or AVIF image"),
        (b"ID3\x04\0\0", "audio"),
        (b"\xff\xfb\x90\x64", "audio"),
        (b"OggS\0\x02", "audio"),
        (b"#!AMR\n", "audio"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio"),
        (ftyp(b"M4A ", b"M4A ", b"mp42", b"isom"), "audio"),
        (ftyp(b"qt  ", b"qt  "), "a QuickTime video"),
        (ftyp(b"3g2a"), "a media file that is neither MP4 nor 3GPP"),
        (b"\0\0\0\0ftyp", "a media file that is neither MP4 nor 3GPP"),
        (b"\x1a\x45\xdf\xa3", "a WebM or Matroska video"),
        (b"RIFF\0\0\0\0AVI LIST", "an AVI video"),
        (b"\x1f\x8b\x08\0", "an archive"),
        (archive("a.txt"), "a ZIP archive"),
        (archive("word/document.xml"), "a ZIP archive"),
        (archive("[Content_Types].xml", "other/x.xml"), "a ZIP archive"),
        (archive("[Content_Types].xml", "word/document.xml", "xl/workbook.xml"), "a ZIP archive"),
        (archive("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), "an Office document with macros"),
        (DOCX[:-30], "a ZIP archive"),
        (DOCX[:-1], "a ZIP archive"),
        (DOCX[:40], "a ZIP archive"),
        (DOCX + PDF, "a ZIP archive"),
        (b"PK\x03\x04", "a ZIP archive"),
        (OLE, "no whole Word, Excel or PowerPoint document"),
        (ole("WordDocument")[:1_024], "no whole Word, Excel or PowerPoint document"),
        (ole("MsiDatabase", inside=["WordDocument"]), "no whole Word, Excel or PowerPoint document"),
        (ole("EncryptionInfo", "EncryptedPackage"), "an Office document with a password"),
        ("text".encode("utf-16"), "text in UTF-16"),
        ("text".encode("utf-16-le"), "of a kind that is not known here"),
        ("latin é".encode("latin-1"), "text that is not in UTF-8"),
        (b"cut \xe2\x98", "text that is not in UTF-8"),
        (b"x" * 3_000_000 + b"\xff", "text that is not in UTF-8"),
        (b"x" * 3_000_000 + b"\0", "of a kind that is not known here"),
        (b"text with \0 zero", "of a kind that is not known here"),
        (b"MZ\x90\0\x03", "of a kind that is not known here"),
        (b"\x7fELF\x02\0", "of a kind that is not known here"),
        (b"\xff\xd8", "of a kind that is not known here"),
        (b"{\\rtf1 hello}", "a rich text document (RTF)"),
        (b"%!PS-Adobe-3.0\n", "PostScript"),
        (b"<!DOCTYPE html><p>", "HTML, SVG or XML"),
        (b"\xef\xbb\xbf \r\n<HTML lang=en>", "HTML, SVG or XML"),
        (b"<script>alert(1)</script>", "HTML, SVG or XML"),
        (b"<?xml version='1.0'?><svg onload='x'/>", "HTML, SVG or XML"),
        (b"<svg/onload=alert(1)>", "HTML, SVG or XML"),
        (b"<!-- a page of Excel's -->", "HTML, SVG or XML"),
    ],
)
def test_no_others_and_it_says_what_they_are(content: bytes, found: str) -> None:
    for file in (BytesReader(content), SparseFile(len(content), {0: content})):
        with pytest.raises(ValueError, match="in a header: send a JPEG or PNG image") as refused:
            recognise(file)
        assert str(refused.value).startswith("is ")
        assert found in str(refused.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (JPEG + PDF, "image/jpeg"),
        (PDF + DOCX, "application/pdf"),
        (PNG + b"<script>", "image/png"),
        (PDF + b"<html><script>", "application/pdf"),
        (ftyp(b"isom") + PDF, "video/mp4"),
    ],
)
def test_what_could_be_two_things_is_what_it_begins_with(content: bytes, expected: str) -> None:
    assert expected == recognise(BytesReader(content))


def test_a_picture_is_never_decoded() -> None:
    """65,500 by 65,500 points, 12 GB when unpacked: who decodes it notices."""
    size = struct.pack(">4sIIBBBBB", b"IHDR", 65_500, 65_500, 8, 2, 0, 0, 0)
    bomb = PNG[:8] + struct.pack(">I", 13) + size + struct.pack(">I", zlib.crc32(size))

    assert "image/png" == recognise(BytesReader(bomb))


BIG = 100_000_000


def _big_ole(first: int, lists: int) -> SparseFile:
    """A directory of two sectors far from the beginning, whose table is noted in the last of several lists."""
    place = {"table": 5, "list": 10}
    table, at = divmod(first, 128)
    within = (table - 109) % 127
    parts = {0: ole_header(first, [0] * 109, lists=place["list"])}
    for number in range(lists):
        here, following = place["list"] + number, place["list"] + number + 1
        parts[(here + 1) * 512 + within * 4] = struct.pack("<I", place["table"])
        parts[(here + 1) * 512 + 508] = struct.pack("<I", following if number < lists - 1 else END_OF_CHAIN)
    parts[(place["table"] + 1) * 512 + at * 4] = struct.pack("<II", first + 1, END_OF_CHAIN)
    parts[(first + 1) * 512] = entry("Root Entry", child=4)
    parts[(first + 2) * 512] = entry("PowerPoint Document")
    return SparseFile(BIG, parts)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (SparseFile(BIG, {0: PDF}), "application/pdf"),
        (SparseFile(16_000_000, {0: ftyp(b"isom")}), "video/mp4"),
        (SparseFile(5_000_000, {0: JPEG}), "image/jpeg"),
        (sparse_archive(BIG, ["[Content_Types].xml", *NAMES]), OOXML + "presentationml.presentation"),
        (sparse_archive(BIG, [*NAMES, "[Content_Types].xml"]), OOXML + "presentationml.presentation"),
        (_big_ole((109 + 127 * 11 + 3) * 128 + 7, 12), "application/vnd.ms-powerpoint"),
    ],
)
def test_a_large_file_is_known_by_little_of_it(file: SparseFile, expected: str) -> None:
    assert expected == recognise(file)
    assert file.bytes_read <= 65_536
    assert file.reads <= 16


AROUND = ole("a", "b")
CIRCLE = struct.pack("<4I", END_OF_CHAIN, 1, END_OF_CHAIN, END_OF_CHAIN)
SCATTERED = {512 + 4 * at: struct.pack("<I", min(at + 97, 127)) for at in range(1, 120)}


def _zip_end(length: int, start: int) -> SparseFile:
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, length, start, 0)
    return SparseFile(BIG, {0: b"PK\x03\x04", BIG - 22: end})


@pytest.mark.parametrize(
    "file",
    [
        lambda: BytesReader(AROUND[:512] + CIRCLE + AROUND[528:]),
        lambda: BytesReader(AROUND[:1_024] + entry("Root Entry", 0, 0, 0) + AROUND[1_152:]),
        lambda: SparseFile(BIG, {0: ole_header(1, [0])} | SCATTERED),
        lambda: SparseFile(BIG, {0: ole_header(0xFFFFFF00, [0] * 109, lists=3), 4 * 512: struct.pack("<I", 3) * 128}),
        lambda: SparseFile(BIG, {0: ole_header(0, [0])}),
        lambda: sparse_archive(BIG, ["x"], times=1_000_000),
        lambda: _zip_end(BIG, 0),
        lambda: _zip_end(9, 2**32 - 1),
        lambda: _zip_end(2**32 - 1, 2**32 - 1),
        lambda: _zip_end(BIG - 22, 0),
    ],
    ids=[
        "chain",
        "tree",
        "scattered",
        "lists",
        "sector 0",
        "a million entries",
        "too long",
        "outside",
        "ZIP64",
        "zeros",
    ],
)
def test_no_directory_costs_more_than_its_share(file: Callable[[], SizedReader]) -> None:
    examined = file()
    with pytest.raises(ValueError, match="in a header: send"):
        recognise(examined)
    assert getattr(examined, "bytes_read", 0) <= 65_536
    assert getattr(examined, "reads", 0) <= 16


def test_pages_are_read_once_and_not_too_many() -> None:
    file = SparseFile(BIG, {4_090: b"over the edge"})
    pages = Pages(file)

    assert b"over the edge" == pages.read(4_090, 13) == pages.read(4_090, 13)
    assert (2, b"", b"\0") == (file.reads, pages.read(BIG, 10), pages.read(BIG - 1, 10))
    with pytest.raises(TooManyPages):
        pages.read(0, 4_096 * 17)
    for number in range(2, 15):
        pages.read(number * 4_096, 1)
    with pytest.raises(TooManyPages):
        pages.read(15 * 4_096, 1)
    assert 16 == file.reads


def _is_read_or_refused(content: bytes) -> bool:
    """With any other error, or one in other words than ours, it is neither."""
    try:
        return recognise(BytesReader(content)) != ""
    except ValueError as fault:
        return str(fault).startswith("is ")


@given(st.binary())
def test_no_bytes_break_it(content: bytes) -> None:
    for start in (b"", b"PK\x03\x04", OLE, b"\0\0\0\0ftyp", ole_header(0, [0])):
        assert _is_read_or_refused(start + content)


@given(st.data(), st.sampled_from([DOCX, ole("1Table", "WordDocument", inside=["Workbook"])]))
def test_no_damage_breaks_it(data: st.DataObject, whole: bytes) -> None:
    """Offsets, counts and chains are the sender's: they point anywhere."""
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(4, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    assert _is_read_or_refused(bytes(damaged))
