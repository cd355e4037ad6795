"""Files for a template's header: their kind is found from their content, never from a name or a declared type.

Kinds, MIME types and sizes: Meta, "Media", supported media types.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hkreach.domain.file_type import PNG, TEXT, NotTaken, check_png, check_text, file_type
from hkreach.domain.office_type import DOC, DOCX, PPT, PPTX, XLS, XLSX
from hkreach.domain.sized_reader import SizedReader

type MediaKind = Literal["image", "video", "document"]

MAX_FILE_BYTES = 4_400_000
"""What fits through API Gateway and Lambda: 6 MB of base64, less the other fields."""
LARGE_BYTES = 5_000_000
"""What is larger goes to Meta by the media queue: the others of a send batch would wait for it."""
MEDIA_DAYS = (8, 14, 21, 30)
"""How many days an app's files may be kept; the last is the default. A message that waits its longest, seven days, must
still find its file."""
MAX_FILENAME = 240
_MB = 1_000_000
MAX_BYTES: Mapping[MediaKind, int] = {"image": 5 * _MB, "video": 16 * _MB, "document": 100 * _MB}
"""What Meta takes of each kind."""
_ALLOWED = "a JPEG or PNG image, an MP4 or 3GPP video, a PDF, Word, Excel, PowerPoint or plain text (UTF-8) document"

_ENDINGS: Mapping[str, tuple[str, ...]] = {
    "image/jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    PNG: ("png",),
    "video/mp4": ("mp4", "m4v"),
    "video/3gpp": ("3gp", "3gpp"),
    "application/pdf": ("pdf",),
    TEXT: ("txt", "csv", "tsv", "log", "md", "json"),
    DOC: ("doc", "dot"),
    XLS: ("xls", "xlt"),
    PPT: ("ppt", "pps", "pot"),
    DOCX: ("docx",),
    XLSX: ("xlsx",),
    PPTX: ("pptx",),
}
"""Of names, in lower case; the first is given to a name that has none of them. WhatsApp shows a document by it."""


@dataclass(frozen=True, slots=True)
class Media:
    """A stored file: where it lies, what it is, and the name the customer sees."""

    key: str
    mime_type: str
    size: int
    filename: str
    sha256: str | None = None
    """Of its bytes, in hex, where its key does not say it."""

    @property
    def content(self) -> str:
        """What stands for its app and its bytes: the same for a file that was sent itself and one that was uploaded."""
        return f"{self.key.partition('/')[0]}/outbound/{self.sha256}" if self.sha256 else self.key

    @property
    def kind(self) -> MediaKind:
        """The kind of header it makes."""
        return kind_of(self.mime_type)


@dataclass(frozen=True, slots=True)
class MediaAddress:
    """Where a file is to be fetched from, and the name that the customer is to see, if the caller gave one."""

    url: str
    filename: str | None = None


def kind_of(mime_type: str) -> MediaKind:
    """`image/png` → `image`; what is neither image nor video is a document."""
    match mime_type.partition("/")[0]:
        case "image":
            return "image"
        case "video":
            return "video"
        case _:
            return "document"


def recognise(file: SizedReader) -> str:
    """The MIME type of a file, from its content: at most 64 KB of it, but a text is read through.

    Raises ValueError that says what was found, the limit and the remedy, if Meta would not take it.
    """
    if not file.size:
        raise ValueError("is empty: send the file's bytes")
    try:
        mime_type = file_type(file)
        kind = kind_of(mime_type)
        if file.size > (limit := MAX_BYTES[kind]):
            raise ValueError(
                f"is {mime_type} of {file.size:,} bytes; WhatsApp takes at most {limit:,} of this kind: make it smaller"
            )
        if mime_type == TEXT:
            check_text(file)
        if mime_type == PNG:
            check_png(file)
    except NotTaken as found:
        raise ValueError(f"is {found}, which WhatsApp does not take in a header: send {_ALLOWED}") from None
    return mime_type


def base_name(name: str) -> str:
    """The last part of a path, without control characters; empty if nothing is left."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", last).strip(" .")[-MAX_FILENAME:]


def clean_filename(name: str | None, mime_type: str) -> str:
    """The name's base name, or a plain name of the right ending. For what the caller wants the customer to see."""
    return base_name(name or "") or f"file.{_ENDINGS[mime_type][0]}"


def typed_filename(name: str | None, mime_type: str) -> str:
    """The same for a name that the file happens to have: one without an ending, or with another type's, gets it."""
    cleaned, endings = clean_filename(name, mime_type), _ENDINGS[mime_type]
    if cleaned.lower().endswith(tuple(f".{ending}" for ending in endings)):
        return cleaned
    ending = f".{endings[0]}"
    return cleaned[-(MAX_FILENAME - len(ending)) :] + ending
