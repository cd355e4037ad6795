"""The forms' readers that others wrote, all made to keep files in memory as ours does."""

import io
from typing import Any

import multipart
from python_multipart import create_form_parser
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
        parser = create_form_parser(headers, on_field, on_file, config={"MAX_MEMORY_FILE_SIZE": len(body) + 1})
        parser.write(body)
        parser.finalize()
    except (FormParserError, UnicodeError):
        return None
    return frozenset(texts), tuple(files)


def of_werkzeug(body: bytes, content_type: str) -> Reading | None:
    mime_type, options = multipart.parse_options_header(content_type)
    try:
        parser = FormDataParser(lambda *_, **__: io.BytesIO(), silent=False)
        _, form, files = parser.parse(io.BytesIO(body), mime_type, len(body), options)
    except (ValueError, HTTPException):
        return None
    texts = frozenset((name, text) for name, text in form.items(multi=True))
    return texts, tuple((file.filename or "", file.stream.read()) for file in files.values())


def of_multipart(body: bytes, content_type: str) -> Reading | None:
    environ = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body)),
               "wsgi.input": io.BytesIO(body)}  # fmt: skip
    try:
        form, files = multipart.parse_form_data(environ, strict=True, spool_limit=10**8, memory_limit=10**8)
    except multipart.MultipartError:
        return None
    texts = frozenset(form.iterallitems())
    return texts, tuple((file.filename or "", file.raw) for _, file in files.iterallitems())


OTHERS = {"python-multipart": of_python_multipart, "werkzeug": of_werkzeug, "multipart": of_multipart}
