"""Forms as careless and hostile clients send them: what our reader makes of each."""

from dataclasses import dataclass

from tests.builders import PDF
from tests.edge.conftest import BOUNDARY, field, file, form, part

TYPE = f"multipart/form-data; boundary={BOUNDARY}"
LEAST = [field("to", "+919999999999"), field("templateName", "invoice")]
WHOLE = form(*LEAST, file(PDF))
DISPOSITION = b'Content-Disposition: form-data; name="file"; filename="invoice.pdf"'


@dataclass(frozen=True)
class Odd:
    """A body and the answer to it: 202 is an accepted message."""

    body: bytes
    status: int
    content_type: str | None = TYPE


def _with(old: bytes, new: bytes) -> bytes:
    assert old in WHOLE
    return WHOLE.replace(old, new, 1)


def _file_header(*lines: str) -> bytes:
    return form(*LEAST, part(PDF, 'form-data; name="file"; filename="a.pdf"', *lines))


ODD: dict[str, Odd] = {
    "as it should be": Odd(WHOLE, 202),
    "a preamble": Odd(b"This is a message in several parts.\r\n" + WHOLE, 202),
    "an epilogue": Odd(WHOLE + b"and something after it", 202),
    "no line end after the last boundary": Odd(WHOLE[:-2], 202),
    "a boundary of 70": Odd(
        WHOLE.replace(BOUNDARY.encode(), b"x" * 70), 202, f"multipart/form-data; boundary={'x' * 70}"
    ),
    "a quoted boundary": Odd(WHOLE, 202, f'multipart/form-data; boundary="{BOUNDARY}"'),
    "names without quotes": Odd(_with(b'name="to"', b"name=to"), 202),
    "header names in lower case": Odd(_with(b"Content-Disposition", b"content-disposition"), 202),
    "no space after the colon": Odd(_with(b"Disposition: form", b"Disposition:form"), 202),
    "a right Content-Length": Odd(_file_header(f"Content-Length: {len(PDF)}"), 202),
    "an encoded name": Odd(_with(b'filename="invoice.pdf"', b"filename*=UTF-8''r%C3%A9sum%C3%A9.pdf"), 202),
    "an encoded name in Latin-1": Odd(_with(b'filename="invoice.pdf"', b"filename*=iso-8859-1''r%E9sum%E9.pdf"), 202),
    "a name with a path": Odd(_with(b"invoice.pdf", b"../../etc/passwd"), 202),
    "an empty file name": Odd(_with(b"invoice.pdf", b""), 202),
    "a charset that is UTF-8": Odd(_with(b'name="to"', b'name="to"\r\nContent-Type: text/plain; charset=UTF-8'), 202),
    "nothing": Odd(b"", 400),
    "the last boundary alone": Odd(b"--hkreach--\r\n", 422),
    "cut short in the file": Odd(WHOLE[:-20], 400),
    "cut short in a header": Odd(WHOLE[: WHOLE.index(DISPOSITION) + 30], 400),
    "without the last boundary": Odd(WHOLE[: -len(f"--{BOUNDARY}--\r\n")], 400),
    "line feeds alone": Odd(WHOLE.replace(b"\r\n", b"\n"), 400),
    "line feeds in a header": Odd(_with(DISPOSITION + b"\r\n", DISPOSITION + b"\n"), 400),
    "no boundary": Odd(WHOLE, 400, "multipart/form-data"),
    "an empty boundary": Odd(WHOLE, 400, 'multipart/form-data; boundary=""'),
    "a boundary of 71": Odd(
        WHOLE.replace(BOUNDARY.encode(), b"x" * 71), 400, f"multipart/form-data; boundary={'x' * 71}"
    ),
    "another boundary": Odd(WHOLE, 400, "multipart/form-data; boundary=other"),
    "two boundaries": Odd(WHOLE, 400, f"multipart/form-data; boundary=other; boundary={BOUNDARY}"),
    "no content type": Odd(WHOLE, 415, None),
    "another content type": Odd(WHOLE, 415, "application/x-www-form-urlencoded"),
    "another multipart": Odd(WHOLE, 415, f"multipart/mixed; boundary={BOUNDARY}"),
    "text before the first boundary": Odd(b"x" + WHOLE, 400),
    "text behind a boundary": Odd(_with(b"--hkreach\r\n", b"--hkreachx\r\n"), 400),
    "no disposition": Odd(_with(b'Content-Disposition: form-data; name="to"', b"X-Other: 1"), 400),
    "another disposition": Odd(_with(b'form-data; name="to"', b'attachment; name="to"'), 400),
    "no name": Odd(_with(b'form-data; name="to"', b"form-data"), 400),
    "two names": Odd(_with(b'name="to"', b'name="to"; name="templateName"'), 400),
    "two file names": Odd(_with(b'filename="invoice.pdf"', b'filename="a.pdf"; filename="b.pdf"'), 400),
    "a quote within a name": Odd(_with(b'"invoice.pdf"', b'"in"voice.pdf"'), 400),
    "an open quote": Odd(_with(b'"invoice.pdf"', b'"invoice.pdf'), 400),
    "two dispositions": Odd(_with(DISPOSITION, DISPOSITION + b"\r\n" + DISPOSITION), 400),
    "a header on two lines": Odd(_with(b'; filename="', b';\r\n filename="'), 400),
    "a header without a colon": Odd(_with(DISPOSITION, DISPOSITION + b"\r\nX-Other"), 400),
    "a long header": Odd(_file_header(f"X-Other: {'x' * 9_000}"), 400),
    "many headers": Odd(_file_header(*[f"X-Other-{n}: x" for n in range(20)]), 400),
    "headers without end": Odd(WHOLE[: WHOLE.index(b"\r\n\r\n")] + b"\r\nX: y" * 100_000, 400),
    "many parts": Odd(form(*LEAST, *[field("bodyParams", "x")] * 1_000, file(PDF)), 400),
    "a file in base64": Odd(_file_header("Content-Transfer-Encoding: base64"), 400),
    "a form within": Odd(_file_header("Content-Type: multipart/mixed; boundary=inner"), 400),
    "a wrong Content-Length": Odd(_file_header("Content-Length: 3"), 400),
    "a charset that is another": Odd(
        form(
            LEAST[0],
            part(b"\xfe", 'form-data; name="templateName"', "Content-Type: text/plain; charset=latin-1"),
            file(PDF),
        ),
        422,
    ),
    "a name that is no UTF-8": Odd(_with(b"invoice.pdf", b"r\xe9sum\xe9.pdf"), 400),
    "zeros in a field": Odd(form(LEAST[0], field("templateName", b"in\0voice"), file(PDF)), 422),
    "no file": Odd(form(*LEAST), 422),
    "a file without a name": Odd(form(*LEAST, field("file", PDF)), 422),
    "two files": Odd(form(*LEAST, file(PDF), file(PDF)), 422),
    "a file by another name": Odd(form(*LEAST, file(PDF, name="attachment")), 422),
    "an empty file": Odd(form(*LEAST, file(b"")), 422),
    "a field that is missing": Odd(form(LEAST[0], file(PDF)), 422),
    "a field that comes twice": Odd(form(*LEAST, LEAST[0], file(PDF)), 422),
    "an unknown field": Odd(form(*LEAST, field("colour", "red"), file(PDF)), 422),
    "a second header": Odd(form(*LEAST, field("headerText", "Hi"), file(PDF)), 422),
    "a file that is too long": Odd(form(*LEAST, file(b"%PDF-" + b"x" * 4_400_000)), 413),
    "a field that is too long": Odd(form(*LEAST, field("bodyParams", "x" * 65_537), file(PDF)), 413),
    "a page of HTML": Odd(form(*LEAST, file(b"<html><script>alert(1)</script>", "invoice.pdf")), 422),
    "audio": Odd(form(*LEAST, file(b"ID3\x04\0\0", "invoice.mp3")), 422),
}
