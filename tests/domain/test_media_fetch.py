"""How a fetched file is called: by its server, as RFC 6266 has it, or by its address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.media import MAX_FILENAME
from hkreach.domain.media_fetch import MediaFetchFailed, filename_of

URL = "https://example.com/x/last.pdf"


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        ('attachment; filename="a b.pdf"', "a b.pdf"),
        ("attachment; filename=a.pdf", "a.pdf"),
        ("attachment;filename=a.pdf;size=3", "a.pdf"),
        ('inline; FileName = "a.pdf"', "a.pdf"),
        ('attachment; filename="a;b=c.pdf"; filename="second.pdf"', "a;b=c.pdf"),
        (r'attachment; filename="a \"b\".pdf"', 'a "b".pdf'),
        (r'attachment; filename="C:\Users\me\a.pdf"', "a.pdf"),
        ("attachment; filename*=UTF-8''%e2%82%ac%20rates.pdf", "€ rates.pdf"),
        ("attachment; filename*=utf-8'en'%C3%A9.pdf", "é.pdf"),
        ("attachment; filename*=iso-8859-1''%A3.pdf", "£.pdf"),
        ("attachment; filename=\"plain.pdf\"; filename*=UTF-8''rich%C3%A9.pdf", "riché.pdf"),
        ("attachment; filename*=UTF-8''rich.pdf; filename=plain.pdf", "rich.pdf"),
        ("attachment; filename*=UTF-8''%ff.pdf; filename=plain.pdf", "plain.pdf"),
        ("attachment; filename*=utf-7''+AF8-.pdf; filename=plain.pdf", "plain.pdf"),
        ("attachment; filename*=nothing; filename=plain.pdf", "plain.pdf"),
        ("attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("attachment; filename*=UTF-8''a%00%0d%0a%E2%80%AEb.pdf", "ab.pdf"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="é€.pdf"'.encode().decode("latin-1"), "é€.pdf"),
        ('attachment; filename="\xe9.pdf"', "é.pdf"),
        ("attachment; filename=\"..\"; filename*=UTF-8''%2F", "last.pdf"),
        ('attachment; filename=""', "last.pdf"),
        ('attachment; filename="open', "open"),
        ("attachment; filename", "last.pdf"),
        ("attachment; xfilename=a.pdf", "last.pdf"),
        ("attachment", "last.pdf"),
        ("", "last.pdf"),
        (None, "last.pdf"),
    ],
)
def test_as_its_server_says(disposition: str | None, expected: str) -> None:
    assert expected == filename_of(disposition, URL)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a.pdf", "a.pdf"), ("/x/a%20b.pdf?c=/d.exe#/e", "a b.pdf"), ("/%C3%A9.pdf", "é.pdf"), ("/x%2Fy.pdf", "y.pdf"),
        ("/..%5Cy.pdf", "y.pdf"),
        ("/a;v=1", "a;v=1"), ("/x/", None), ("/", None), ("", None), ("/..", None), ("/%2e%2e", None),
        ("/%00", None), ("?a.pdf", None),
    ],
)  # fmt: skip
def test_or_as_its_address_ends(path: str, expected: str | None) -> None:
    assert expected == filename_of(None, f"https://example.com{path}")


@given(st.text(alphabet=st.sampled_from("filename*=\"'\\;%/. \x00utf-8é")) | st.text())
def test_no_header_breaks_it(told: str) -> None:
    name = filename_of(f"attachment; filename{told}", URL)

    assert name is not None
    assert 0 < len(name) <= MAX_FILENAME
    assert not set("/\\\x00\r\n") & set(name)


def test_each_failure_has_a_code_of_its_own() -> None:
    failures = MediaFetchFailed.__subclasses__()

    assert len(failures) == len({failure.code for failure in failures}) == 8
