"""Addresses that are called, and a table of those that never are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.public_address import MAX_ADDRESS, check_public_address, is_local_target

TARGETS = frozenset({"127.0.0.1:9000", "localhost:9001"})


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example.com/whatsapp/events",
        "https://shop.example.com",
        "https://shop.example.com:443/?a=b&c=%20",
        "https://SHOP.Example.COM/",
        "https://a-b.example.co.uk/x",
        "https://my_shop.example.com/",
        "https://xn--bcher-kva.example/",
        "https://1.example.com/",
        "https://shop.example.com./",
    ],
)
def test_public_https(url: str) -> None:
    assert url == check_public_address(url, frozenset())


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "//shop.example.com/", "http://shop.example.com/", "ftp://shop.example.com/", "file:///etc/passwd",
        "javascript:alert(1)", "https://", "https:///path", "https://shop.example.com:80/", "https://shop.example.com:8443/",
        "https://shop.example.com:0/", "https://shop.example.com:99999/", "https://shop.example.com:x/",
        "https://localhost/", "https://localhost./", "https://internal/", "https://metadata", "https://.com/", "https://a..b.com/",
        "https://127.0.0.1/", "https://127.1/", "https://127.0.0.1./", "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/",
        "https://0x7f.0x1/", "https://0177.0.0.1/", "https://1.1.1.1/", "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[2606:4700::1111]/", "https://[::1", "https://10.0.0.1/",
        "https://user@shop.example.com/", "https://user:secret@shop.example.com/", "https://@shop.example.com/",
        "https://shop.example.com@127.0.0.1/", "https://shop.example.com\\@127.0.0.1/", "https://127.0.0.1\\.shop.example.com/",
        "https://shop.example.com%2f@127.0.0.1/", "https://exa%6dple.com/", "https://shop.exam ple.com/",
        "https://shop.example.com/a b",
        "https://shop.example.com/\n", "https://shop.example.com/\0", "https://shop.exampl\u00e9.com/", "https://shop.example.com/\u00e9",
        "https://shop\u3002example.com/", "https://-a.example.com/", "https://shop.example.com/" + "a" * MAX_ADDRESS,
        "http://127.0.0.1:9000/", "http://localhost:9001/",
    ],
)  # fmt: skip
def test_what_is_never_called(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|is) "):
        check_public_address(url, frozenset())


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/hook", "http://localhost:9001", "https://127.0.0.1:9000/"])
def test_a_developers_own_targets(url: str) -> None:
    assert is_local_target(url, TARGETS)
    assert url == check_public_address(url, TARGETS)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9001/", "http://localhost:9000/", "http://127.0.0.1/", "http://user@127.0.0.1:9000/",
     "http://127.0.0.1:9000.example.com/", "http://127.0.0.1:90000/"],
)  # fmt: skip
def test_and_nothing_beside_them(url: str) -> None:
    assert not is_local_target(url, TARGETS)
    with pytest.raises(ValueError, match=r"^(must|is) "):
        check_public_address(url, TARGETS)


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}.example.com/"):
        try:
            assert url == check_public_address(url, frozenset())
        except ValueError:
            continue
        assert url.lower().startswith("https://")
