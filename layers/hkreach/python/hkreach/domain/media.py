"""Files for a template's header: their kind is found from their content, never from a name or a declared type.

Kinds, MIME types and sizes: Meta, "Media", supported media types.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

type MediaKind = Literal["image", "video", "document"]

MAX_FILE_BYTES = 4_400_000
"""What fits through API Gateway and Lambda: 6 MB of base64, less the other fields."""
MAX_FILENAME = 240
_MB = 1_000_000
_MAX_BYTES: Mapping[MediaKind, int] = {"image": 5 * _MB, "video": 16 * _MB, "document": 100 * _MB}
_ALLOWED = "a JPEG or PNG image, an MP4 or 3GPP video, a PDF, Word, Excel, PowerPoint or plain text document"

_OOXML = "application/vnd.openxmlformats-officedocument."
_ZIP_FOLDERS = {
    "word/": _OOXML + "wordprocessingml.document",
    "xl/": _OOXML + "spreadsheetml.sheet",
    "ppt/": _OOXML + "presentationml.presentation",
}
_OLE_STREAMS = {
    "WordDocument": "application/msword",
    "Workbook": "application/vnd.ms-excel",
    "Book": "application/vnd.ms-excel",
    "PowerPoint Document": "application/vnd.ms-powerpoint",
}
_EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "video/mp4": "mp4",
    "video/3gpp": "3gp",
    "application/pdf": "pdf",
    "text/plain": "txt",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    _OOXML + "wordprocessingml.document": "docx",
    _OOXML + "spreadsheetml.sheet": "xlsx",
    _OOXML + "presentationml.presentation": "pptx",
}


@dataclass(frozen=True, slots=True)
class Media:
    """A stored file: where it lies, what it is, and the name the customer sees."""

    key: str
    mime_type: str
    size: int
    filename: str

    @property
    def kind(self) -> MediaKind:
        """The kind of header it makes."""
        return kind_of(self.mime_type)


def kind_of(mime_type: str) -> MediaKind:
    """`image/png` → `image`; what is neither image nor video is a document."""
    match mime_type.partition("/")[0]:
        case "image":
            return "image"
        case "video":
            return "video"
        case _:
            return "document"


def recognise(content: bytes) -> str:
    """The MIME type of a file, from its content.

    Raises ValueError that says what was found, the limit and the remedy, if Meta would not take it.
    """
    if not content:
        raise ValueError("is empty: send the file's bytes")
    mime_type = _mime_type(content)
    if mime_type is None:
        raise ValueError(f"is of a kind that WhatsApp does not take: send {_ALLOWED}")
    limit = _MAX_BYTES[kind_of(mime_type)]
    if len(content) > limit:
        raise ValueError(
            f"is an {mime_type} of {len(content):,} bytes; WhatsApp takes at most {limit:,}: make it smaller"
        )
    return mime_type


def base_name(name: str) -> str:
    """The last part of a path, without control characters; empty if nothing is left."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", last).strip(" .")[-MAX_FILENAME:]


def clean_filename(name: str | None, mime_type: str) -> str:
    """The name's base name, or a plain name of the right ending."""
    return base_name(name or "") or f"file.{_EXTENSIONS[mime_type]}"


def _mime_type(content: bytes) -> str | None:
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"%PDF-"):
        return "application/pdf"
    if content[4:8] == b"ftyp":
        return _isobmff(content[8:12])
    if content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return next((mime for name, mime in _OLE_STREAMS.items() if _ole_name(name) in content), None)
    if content.startswith(b"PK\x03\x04"):
        return _ooxml(content)
    return "text/plain" if _is_text(content) else None


def _isobmff(brand: bytes) -> str | None:
    if brand.startswith((b"3gp", b"3g2")):
        return "video/3gpp"
    return (
        "video/mp4"
        if brand in {b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"dash"}
        else None
    )


def _ole_name(name: str) -> bytes:
    # A directory entry's name is UTF-16 and ends with a zero: without it "Book" would be found in "Workbook".
    return name.encode("utf-16-le") + b"\0\0"


def _ooxml(content: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError):
        return None
    if "[Content_Types].xml" not in names:
        return None
    return next((mime for folder, mime in _ZIP_FOLDERS.items() if any(n.startswith(folder) for n in names)), None)


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not re.search(r"[\x00-\x08\x0e-\x1f]", text)
