"""A multipart form with one file, read strictly and within limits."""

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from multipart import MultipartError, MultipartParser, MultipartPart, ParserLimitReached, parse_options_header

from hkreach.domain.errors import Fault, Malformed, TooLarge
from hkreach.usecases.accept_message import IncomingFile

_MOST_PARTS = 128
_FIELD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Form:
    """The plain fields (`bodyParams` as a list or an object) and the file, if there was one."""

    fields: Mapping[str, Any]
    file: IncomingFile | None


def read_form(body: bytes, content_type: str, max_file_bytes: int) -> tuple[Form, list[Fault]]:
    """The form, and what is wrong with its file and its fields' number.

    Raises Malformed for what is no multipart form, TooLarge for a file above the limit.
    """
    faults: list[Fault] = []
    parts = _parts(body, content_type)
    files = [part for part in parts if part.name == "file" and _filename(part) is not None]
    faults += [
        Fault(part.name, f"{part.name} must be a plain field: only file is a file")
        for part in parts
        if _filename(part) is not None and part.name != "file"
    ]
    if len(files) != 1:
        faults.append(Fault("file", f"file must come once, as a file with a name; it came {len(files)} times"))
    file = IncomingFile(files[0].raw, _filename(files[0])) if files else None
    if file is not None and len(file.content) > max_file_bytes:
        raise TooLarge(
            f"The file has {len(file.content):,} bytes; at most {max_file_bytes:,} are taken: make it smaller."
        )
    return Form(
        _fields([part for part in parts if _filename(part) is None and part.name != "file"], faults), file
    ), faults


def _parts(body: bytes, content_type: str) -> list[MultipartPart]:
    boundary = parse_options_header(content_type)[1].get("boundary", "")
    if not 0 < len(boundary) <= 70:
        raise Malformed("The Content-Type of a form must name a boundary of 1 to 70 characters.")
    try:
        parser = MultipartParser(
            io.BytesIO(body),
            boundary,
            strict=True,
            part_limit=_MOST_PARTS,
            spool_limit=len(body) + 1,  # in memory: the body is there already
            memory_limit=len(body) + 1,
        )
        return list(parser)
    except ParserLimitReached:
        raise Malformed(
            f"The form has too many or too long parts or headers; it may have {_MOST_PARTS} parts."
        ) from None
    except (MultipartError, UnicodeError):
        raise Malformed("The body is not a complete multipart form.") from None


def _filename(part: MultipartPart) -> str | None:
    """The file's name, also from RFC 5987's `filename*`: some clients send no other for a name that is not ASCII."""
    encoded = re.search(r";\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]+)", part.disposition, re.IGNORECASE)
    return unquote(encoded[1]) if encoded else part.filename


def _fields(parts: list[MultipartPart], faults: list[Fault]) -> dict[str, Any]:
    values: dict[str, list[str]] = {}
    for part in parts:
        if part.size > _FIELD_BYTES:
            raise TooLarge(
                f"The field {part.name[:100]!r} has {part.size:,} bytes; at most {_FIELD_BYTES:,} are taken."
            )
        try:
            text = part.raw.decode("utf-8")
        except UnicodeDecodeError:
            faults.append(Fault(part.name, f"{part.name} must be UTF-8 text"))
        else:
            values.setdefault(part.name, []).append(text)
    fields: dict[str, Any] = {}
    for name, texts in values.items():
        if name == "bodyParams":
            fields[name] = _body_params(texts, faults)
        elif len(texts) == 1:
            fields[name] = texts[0]
        else:
            faults.append(Fault(name, f"{name} must come once; it came {len(texts)} times"))
    return fields


def _body_params(texts: list[str], faults: list[Fault]) -> Any:
    """`bodyParams` comes as one JSON list or object, or repeated, one text each."""
    if len(texts) > 1 or not texts[0].lstrip().startswith(("[", "{")):
        return texts
    try:
        return json.loads(texts[0])
    except (ValueError, RecursionError):
        faults.append(Fault("bodyParams", "bodyParams begins like JSON and is not valid JSON"))
        return []
