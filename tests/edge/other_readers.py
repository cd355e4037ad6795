"""The forms' readers that others wrote, each called as its own documentation does, all giving one kind of reading."""

import io
from typing import Any

import multipart
import python_multipart
from python_multipart.exceptions import FormParserError
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser

from hkreach.domain.errors import ReachError
from hkreach.edge.form import read_form

type Reading = tuple[frozenset[tuple[str, str]], tuple[tuple[str, bytes], ...]]
"""The texts by name, and the files with their names."""


def ours(body: bytes, content_type: str) -> Reading | None:
    try:
        form, faults = read_form(body, content_type, 10**8)
    except ReachError:
        return None
    if faults or form.file is None:
        return None
    return frozenset(form.fields.items()), ((form.file.filename or "", form.file.content),)


def of_python_multipart(body: bytes, content_type: str) -> Reading | None:
    texts: set[tuple[str, str]] = set()
    files: list[tuple[str, bytes]] = []

    def on_field(field: Any) -> None:
        texts.add((field.field_name.decode(), (field.value or b"").decode()))

    def on_file(file: Any) -> None:
        file.file_object.seek(0)
        files.append((file.file_name.decode(), file.file_object.read()))

    try:
        headers = {"Content-Type": content_type.encode(), "Content-Length": str(len(body)).encode()}
        python_multipart.parse_form(headers, io.BytesIO(body), on_field, on_file)
    except (FormParserError, UnicodeError):
        return None
    return frozenset(texts), tuple(files)


def of_werkzeug(body: bytes, content_type: str) -> Reading | None:
    mime_type, options = multipart.parse_options_header(content_type)
    try:
        _, form, files = FormDataParser(silent=False).parse(io.BytesIO(body), mime_type, len(body), options)
    except (ValueError, HTTPException):
        return None
    texts = frozenset((name, text) for name, text in form.items(multi=True))
    return texts, tuple((file.filename or "", file.stream.read()) for file in files.values())


def of_multipart(body: bytes, content_type: str) -> Reading | None:
    environ = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body)),
               "wsgi.input": io.BytesIO(body)}  # fmt: skip
    try:
        form, files = multipart.parse_form_data(environ, strict=True)
    except multipart.MultipartError:
        return None
    texts = frozenset(form.iterallitems())
    return texts, tuple((file.filename or "", file.raw) for _, file in files.iterallitems())


OTHERS = {"python-multipart": of_python_multipart, "werkzeug": of_werkzeug, "multipart": of_multipart}
