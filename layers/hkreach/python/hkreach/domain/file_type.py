"""What a file is, by its content: the types that Meta takes in a header, and words for some that it does not.

Nothing is decoded or unpacked, and no more than 64 KB is read. So a file that was cut short in its middle is known by
its beginning, except Office documents, whose directories are looked for where they must be.
"""

import codecs
import re

from hkreach.domain.office_type import OLE_MAGIC, ZIP_MAGIC, ole_type, ooxml_type
from hkreach.domain.sized_reader import Pages, SizedReader, TooManyPages

TEXT, PNG = "text/plain", "image/png"
_TEXT_BLOCK = 1 << 20
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_SPACE = rb"(?:\xef\xbb\xbf)?[\t\n\f\r ]{0,1000}"

_TAKEN = (
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"\x89PNG\r\n\x1a\n", PNG),
    (_SPACE + rb"%PDF-", "application/pdf"),  # some programs write an empty line first; without this it would be text
)
_NOT_TAKEN = (
    (rb"GIF8[79]a", "a GIF image"),
    (rb"RIFF....WEBP", "a WebP image"),
    (rb"II\*\0|MM\0\*", "a TIFF image"),
    (rb"ID3[\0-\x0f]|\xff[\xf1-\xf3\xf9-\xfb]|OggS\0|fLaC|#!AMR|RIFF....WAVE", "audio"),
    (rb"\x1a\x45\xdf\xa3", "a WebM or Matroska video"),
    (rb"RIFF....AVI ", "an AVI video"),
    (rb"\x1f\x8b|7z\xbc\xaf|Rar!\x1a\x07", "an archive"),
    (rb"\xfe\xff|\xff\xfe", "text in UTF-16"),
    (rb"\{\\rtf", "a rich text document (RTF)"),
    (rb"%!PS", "PostScript"),
    # A browser would show these, whatever they are called (WHATWG, "MIME Sniffing"), and text/plain they are not.
    (
        _SPACE + rb"(?i:<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[ >]"
        rb"|<!--|<\?xml|<!doctype svg|<svg)",
        "HTML, SVG or XML",
    ),
)
_COLOURS = {0: "grey", 2: "RGB", 3: "a palette", 4: "grey with transparency", 6: "RGBA"}
_STILL_IMAGES = {b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}
_VIDEO_BRANDS = (
    ("video/mp4", re.compile(rb"iso[m2-9a-c]|mp4[12]|avc1|M4V.|dash|mmp4|MSNV|f4v ")),
    ("video/3gpp", re.compile(rb"3g[^2].")),
)


class NotTaken(Exception):
    """A file of a type that makes no header. Its text says what it is: `a GIF image`."""


def file_type(file: SizedReader) -> str:
    """The MIME type. For `text/plain` only the beginning was looked at: see `check_text`. Raises NotTaken."""
    pages = Pages(file)
    head = pages.read(0, Pages.SIZE)
    for pattern, mime_type in _TAKEN:
        if re.match(pattern, head):
            return mime_type
    try:
        if head[4:8] == b"ftyp":
            return _video_type(head)
        if head.startswith(OLE_MAGIC):
            return ole_type(pages)
        if head.startswith(ZIP_MAGIC):
            return ooxml_type(pages)
    except (ValueError, TooManyPages) as reason:
        raise NotTaken(str(reason) or "an Office document that is damaged") from None
    for pattern, words in _NOT_TAKEN:
        if re.match(pattern, head, re.DOTALL):
            raise NotTaken(words)
    _decode(codecs.getincrementaldecoder("utf-8")(), head, final=file.size <= len(head))
    return TEXT


def check_text(file: SizedReader) -> None:
    """Reads a text through, block by block. Raises NotTaken if it is none to its end."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for offset in range(0, file.size, _TEXT_BLOCK):
        _decode(decoder, file.read(offset, _TEXT_BLOCK), final=offset + _TEXT_BLOCK >= file.size)


def check_png(file: SizedReader) -> None:
    """Looks at how a PNG has its colours (ISO/IEC 15948, 11.2.2). Raises ValueError if Meta does not take it."""
    head = file.read(12, 14)
    if len(head) < 14 or head[:4] != b"IHDR" or head[13] not in _COLOURS:
        raise ValueError("is a PNG image that is damaged: send it whole")
    depth, colour = head[12], _COLOURS[head[13]]
    if (depth, colour) not in {(8, "RGB"), (8, "RGBA")}:
        raise ValueError(
            f"is a PNG image of {depth} bits in {colour}; WhatsApp takes 8 bits in RGB or RGBA: save it so, or as JPEG"
        )


def _decode(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool) -> None:
    if _CONTROL.search(block.decode("latin-1")):
        raise NotTaken("of a kind that is not known here")
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        raise NotTaken("of a kind that is not known here, or text that is not in UTF-8") from None


def _video_type(head: bytes) -> str:
    """By the brands of an ISO media file: the main one, and those that it is compatible with."""
    length = int.from_bytes(head[:4])
    main, others = head[8:12], head[16 : min(length, 512)]
    if main in _STILL_IMAGES:
        raise ValueError("a HEIC or AVIF image")
    if main == b"qt  ":
        raise ValueError("a QuickTime video")
    if main.startswith((b"M4A", b"M4B", b"M4P")):
        raise ValueError("audio")
    for brand in (main, *(others[at : at + 4] for at in range(0, len(others), 4))):
        for mime_type, pattern in _VIDEO_BRANDS:
            if pattern.fullmatch(brand):
                return mime_type
    raise ValueError("a media file that is neither MP4 nor 3GPP")
