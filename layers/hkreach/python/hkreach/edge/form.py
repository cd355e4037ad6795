"""A multipart form with one file (RFC 7578), read strictly and within limits."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    content_disposition_unquote,
)

from hkreach.domain.errors import Fault, Malformed, TooLarge
from hkreach.usecases.accept_message import IncomingFile

UPLOAD_IT_FIRST = "upload a larger one by itself, with POST /api/external/media, and send its mediaId"
_MOST_PARTS = 128
_FIELD_BYTES = 64 * 1024
_LISTS = {"bodyParams", "buttonParams"}
_OPTION = r"""[ \t]*;[ \t]*([\w!#$&+\-^`|~]+\*?)[ \t]*=[ \t]*("(?:\\.|[^"\\])*"|[^\s;"]+)"""
_UTF_8 = {"utf8", "utf-8", "us-ascii", "ascii"}


@dataclass(frozen=True, slots=True)
class Form:
    """The plain fields (`bodyParams` and `buttonParams` as what their JSON says) and the file, if there was one."""

    fields: Mapping[str, Any]
    file: IncomingFile | None


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    filename: str | None
    content: bytes
    is_utf_8: bool


def read_form(body: bytes, content_type: str, max_file_bytes: int) -> tuple[Form, list[Fault]]:
    """The form, and what is wrong with its file and its fields' number.

    Raises Malformed for what is no multipart form, TooLarge for a file above the limit.
    """
    faults: list[Fault] = []
    parts = list(_parts(body, content_type))
    files = [part for part in parts if part.name == "file" and part.filename is not None]
    faults += [
        Fault(part.name, f"{part.name} must be a plain field: only file is a file")
        for part in parts
        if part.filename is not None and part.name != "file"
    ]
    if len(files) != 1:
        faults.append(Fault("file", f"file must come once, as a file with a name; it came {len(files)} times"))
    file = IncomingFile(files[0].content, files[0].filename) if files else None
    if file is not None and len(file.content) > max_file_bytes:
        raise TooLarge(
            f"The file has {len(file.content):,} bytes; at most {max_file_bytes:,} are taken here: {UPLOAD_IT_FIRST}."
        )
    return Form(
        _fields([part for part in parts if part.filename is None and part.name != "file"], faults), file
    ), faults


def _parts(body: bytes, content_type: str) -> Iterator[_Part]:
    boundary = (_options(content_type) or {}).get("boundary", "")
    if not 0 < len(boundary) <= 70:
        raise Malformed("The Content-Type of a form must name one boundary of 1 to 70 characters.")
    try:
        # In one piece: in pieces the parser refuses a form whose closing boundary ends where a piece ends.
        with PushMultipartParser(boundary, max_segment_count=_MOST_PARTS, strict=True) as parser:
            segment, content = None, b""
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    segment, content = event, b""
                elif event:
                    content += event
                elif segment is not None:
                    yield _part(segment, content)
    except ParserLimitReached:
        raise Malformed(
            f"The form has too many or too long parts or headers; it may have {_MOST_PARTS} parts."
        ) from None
    except (MultipartError, UnicodeError):
        raise Malformed("The body is not a complete multipart form.") from None


def _part(segment: MultipartSegment, content: bytes) -> _Part:
    """Refuses what two readers could read in two ways, and encodings that would change the file's bytes."""
    headers = dict(segment.headerlist)
    options = _options(headers["Content-Disposition"])
    if len(headers) != len(segment.headerlist) or options is None or "name" not in options:
        raise Malformed("A part of the form has a header that comes twice or has no valid form.")
    if headers.get("Content-Transfer-Encoding", "binary").strip().lower() not in {"binary", "8bit", "7bit"}:
        raise Malformed("A part of the form has a Content-Transfer-Encoding: send its bytes as they are.")
    if (segment.content_type or "").startswith("multipart/"):
        raise Malformed("A part of the form is a form itself: send the file as a part of its own.")
    return _Part(options["name"], _filename(options), content, (segment.charset or "utf-8").lower() in _UTF_8)


def _options(header: str) -> dict[str, str] | None:
    """The parameters of `form-data; name="…"`; None if it is not of that form to its end, or one comes twice."""
    _, semicolon, rest = header.partition(";")
    if not re.fullmatch(f"(?:{_OPTION})*[ \t]*;?[ \t]*", semicolon + rest):
        return None
    pairs = [(key.lower(), value) for key, value in re.findall(_OPTION, semicolon + rest)]
    options = {key: content_disposition_unquote(value, key == "filename") for key, value in pairs}
    return options if len(options) == len(pairs) else None


def _filename(options: Mapping[str, str]) -> str | None:
    """The file's name, also from RFC 5987's `filename*`: some clients send no other for a name that is not ASCII."""
    encoded = re.fullmatch(r"(utf-8|iso-8859-1)'[^']*'(.+)", options.get("filename*", ""), re.IGNORECASE)
    return unquote(encoded[2], encoded[1]) if encoded else options.get("filename")


def _fields(parts: list[_Part], faults: list[Fault]) -> dict[str, Any]:
    values: dict[str, list[str]] = {}
    for part in parts:
        if len(part.content) > _FIELD_BYTES:
            raise TooLarge(
                f"The field {part.name[:100]!r} has {len(part.content):,} bytes; at most {_FIELD_BYTES:,} are taken."
            )
        try:
            text = part.content.decode("utf-8" if part.is_utf_8 else "ascii")
        except UnicodeDecodeError:
            faults.append(Fault(part.name, f"{part.name} must be UTF-8 text"))
        else:
            values.setdefault(part.name, []).append(text)
    fields: dict[str, Any] = {}
    for name, texts in values.items():
        if name in _LISTS:
            fields[name] = _list(name, texts, faults)
        elif len(texts) == 1:
            fields[name] = texts[0]
        else:
            faults.append(Fault(name, f"{name} must come once; it came {len(texts)} times"))
    return fields


def _list(name: str, texts: list[str], faults: list[Fault]) -> Any:
    """A list or an object comes as one JSON text, or a list repeated, one text each."""
    if len(texts) > 1 or not texts[0].lstrip().startswith(("[", "{")):
        return texts
    try:
        return json.loads(texts[0])
    except (ValueError, RecursionError):
        faults.append(Fault(name, f"{name} begins like JSON and is not valid JSON"))
        return []
