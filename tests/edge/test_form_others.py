"""Our reading of odd forms beside those of three readers that others wrote: the same, or a stated reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.edge.conftest import field, file, form
from tests.edge.odd_forms import ODD, TYPE, Odd
from tests.edge.other_readers import OTHERS, ours

P, W, M = "python-multipart", "werkzeug", "multipart"
ALL = {P, W, M}
STANDARD_IN_BODY = "RFC 2046 lets text stand before the first boundary and behind the last; python-multipart does not"
RFC_5987 = "clients send filename* although RFC 7578 says not to; who does not read it takes the file for a text"
NO_NAME = "an empty file name is still a file's; browsers send it where none was chosen"
EMPTY = "a form without parts: no file, so nothing that this route can take"
CUT = "python-multipart leaves it to its caller to notice that the end is missing; ours must never take half a file"
LINE_FEEDS = "RFC 2046 wants CR LF; who guesses may disagree with a proxy on where a part ends"
STRICT = "not what RFC 2046 and 7578 allow; no client that we know sends it, and readers differ on what it means"
TWICE = "said twice; the others take the last, or the first, and a firewall may take the other"
LIMITS = "above our limits of 8 headers of 4 KB and 128 parts; werkzeug's and python-multipart's are wider"
ENCODED = "RFC 7578 drops transfer encodings; without decoding the base64 text would be sent as the document"
NESTED = "an old way to send several files, which RFC 7578 drops: the inner form would be sent as a document"
UTF_8 = "fields are UTF-8 here; another charset is refused rather than guessed or replaced"
ROUTE = "read alike, and refused by the rules of this route: one file, by this name, and each field once"

DIFFERENCES: dict[str, tuple[set[str], str]] = {
    "a preamble": ({P}, STANDARD_IN_BODY),
    "an encoded name": ({P, M}, RFC_5987),
    "an encoded name in Latin-1": ({P, M}, RFC_5987),
    "an empty file name": ({M}, NO_NAME),
    "nothing": ({P}, CUT),
    "the last boundary alone": (ALL, EMPTY),
    "cut short in the file": ({P}, CUT),
    "cut short in a header": ({P}, CUT),
    "without the last boundary": ({P}, CUT),
    "line feeds alone": ({W}, LINE_FEEDS),
    "line feeds in a header": (ALL, LINE_FEEDS),
    "a boundary of 71": (ALL, STRICT),
    "two boundaries": (ALL, TWICE),
    "text before the first boundary": ({W}, STRICT),
    "text behind a boundary": ({W}, STRICT),
    "another disposition": ({P, W}, STRICT),
    "no name": ({W}, STRICT),
    "two names": (ALL, TWICE),
    "two file names": (ALL, TWICE),
    "a quote within a name": (ALL, STRICT),
    "an open quote": (ALL, STRICT),
    "two dispositions": (ALL, TWICE),
    "a header on two lines": ({W}, STRICT),
    "a header without a colon": ({W}, STRICT),
    "a long header": ({W}, LIMITS),
    "many headers": ({W}, LIMITS),
    "many parts": ({P, W}, LIMITS),
    "a file in base64": ({W, M}, ENCODED),
    "a form within": (ALL, NESTED),
    "a wrong Content-Length": ({P, W}, STRICT),
    "a charset that is another": ({W, M}, UTF_8),
    "no file": (ALL, ROUTE),
    "a file without a name": (ALL, ROUTE),
    "two files": (ALL, ROUTE),
    "a file by another name": (ALL, ROUTE),
    "a field that comes twice": (ALL, ROUTE),
    "a field that is too long": (ALL, LIMITS),
}
FORMS = {name: odd for name, odd in ODD.items() if (odd.content_type or "").startswith("multipart/form-data")}


@pytest.mark.parametrize("name", FORMS)
def test_the_others_read_the_same_or_there_is_a_reason(name: str) -> None:
    odd: Odd = FORMS[name]
    mine = ours(odd.body, odd.content_type or "")
    different = {other for other, read in OTHERS.items() if read(odd.body, odd.content_type or "") != mine}

    expected, reason = DIFFERENCES.get(name, (set(), ""))
    assert expected == different, reason


def test_each_reason_is_for_a_form_that_is_there() -> None:
    assert set(DIFFERENCES) <= set(FORMS)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=50)


@given(st.binary(max_size=2_000), TEXTS, st.text("abcdefgh .-_éß☕", min_size=1).map(str.strip).filter(bool))
def test_a_form_as_it_should_be_is_read_alike_by_all(content: bytes, text: str, filename: str) -> None:
    body = form(field("to", text), file(content, filename), field("templateName", "x"))
    mine = ours(body, TYPE)

    assert (frozenset({("to", text), ("templateName", "x")}), ((filename, content),)) == mine
    assert [mine] * 3 == [read(body, TYPE) for read in OTHERS.values()]
