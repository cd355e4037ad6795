"""A customer's file is what its content says, whatever Meta calls it."""

import pytest

from hkreach.domain.inbound_file import UNKNOWN_TYPE, types_of
from hkreach.domain.sized_reader import BytesReader
from tests.builders import PDF, PNG

OGG, WEBP, MP3 = b"OggS\0\x02" + bytes(60), b"RIFF\x10\0\0\0WEBPVP8 " + bytes(20), b"ID3\x04\0\0\0\0\0\0"
MP4, M4A = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42"


@pytest.mark.parametrize(
    ("content", "told", "shown", "served_as"),
    [
        (PNG, "image/png", "image/png", "image/png"),
        (PNG, "image/jpeg", "image/png", "image/png"),
        (PNG, "text/html", "image/png", "image/png"),
        (PNG, None, "image/png", "image/png"),
        (PDF, "application/pdf", "application/pdf", "application/pdf"),
        (WEBP, "image/webp", "image/webp", "image/webp"),
        (OGG, "audio/ogg; codecs=opus", "audio/ogg; codecs=opus", "audio/ogg"),
        (OGG, "audio/mpeg", "audio/ogg", "audio/ogg"),
        (MP3, "audio/mpeg", "audio/mpeg", "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + bytes(60), None, "audio/mpeg", "audio/mpeg"),
        (b"\xff\xf1\x50\x80" + bytes(60), "audio/aac", "audio/aac", "audio/aac"),
        (b"#!AMR\n" + bytes(60), "audio/amr", "audio/amr", "audio/amr"),
        (M4A, "audio/mp4", "audio/mp4", "audio/mp4"),
        (MP4, "video/mp4", "video/mp4", "video/mp4"),
        (MP4, "audio/mp4", "audio/mp4", "audio/mp4"),
        (MP4, "image/png", "video/mp4", "video/mp4"),
        (b"Hello", "text/plain", "text/plain", "text/plain"),
        (b"Hello", "text/csv", "text/csv", "text/plain"),
        (b"Hello", "application/x-thing", "application/x-thing", UNKNOWN_TYPE),
        (b"<html><script>alert(1)</script>", "text/html", "text/html", UNKNOWN_TYPE),
        (b"<svg xmlns='x'>", "image/svg+xml", "image/svg+xml", UNKNOWN_TYPE),
        (b"\0\1\2", "application/zip", "application/zip", UNKNOWN_TYPE),
        (b"\0\1\2", None, UNKNOWN_TYPE, UNKNOWN_TYPE),
        (b"\0\1\2", "a b\r\nX: y", UNKNOWN_TYPE, UNKNOWN_TYPE),
        (b"\0\1\2", "audio/x; a=b; c=d", "audio/x; a=b; c=d", UNKNOWN_TYPE),
    ],
)
def test_the_type_that_is_shown_and_the_one_it_is_handed_out_as(
    content: bytes, told: str | None, shown: str, served_as: str
) -> None:
    assert (shown, served_as) == types_of(BytesReader(content), told)
