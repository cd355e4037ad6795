"""The corpus against the check of an address, and against the connection: for webhooks and for media alike."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
import urllib3.util.connection as dialled

from hkreach.adapters.guarded_media import GuardedMedia
from hkreach.adapters.guarded_webhooks import GuardedWebhooks
from hkreach.domain.media_fetch import MediaUnavailable
from hkreach.domain.public_address import check_public_address
from hkreach.domain.webhook_answer import Answer
from tests.security.ssrf_addresses import HOSTILE_ADDRESSES, HOSTILE_URLS, PUBLIC_ADDRESSES, PUBLIC_URLS

# No socket is opened; but in other tests `getaddrinfo` is pytest-socket's, and `monkeypatch` would leave that behind.
pytestmark = pytest.mark.loopback

NOBODY = frozenset[str]()
INNOCENT = "https://files.example.com/a.pdf"
GOOD = "93.184.216.34"


def _post(url: str) -> bool:
    """Whether it was refused, or nobody answered: the caller is told no difference."""
    return GuardedWebhooks(NOBODY, 20).post(url, b"{}", {}) == Answer(None)


def _fetch(url: str) -> bool:
    with pytest.raises(MediaUnavailable) as caught, GuardedMedia(NOBODY, 20).fetch(url, 1_000):
        pytest.fail("opened")
    return str(caught.value) == str(MediaUnavailable())


by_both = pytest.mark.parametrize("call", [_post, _fetch], ids=["webhook", "media"])


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a connection was tried to; none comes about."""
    tried: list[str] = []

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        assert 443 == address[1]
        tried.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(dialled, "create_connection", connect)
    return tried


def _resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """The one answer to each lookup; returns the names looked up."""
    looked_up: list[str] = []

    def lookup(host: str, *_: Any, **__: Any) -> list[Any]:
        looked_up.append(host)
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, 0, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return looked_up


def test_the_corpus_is_as_large_as_it_is_said_to_be() -> None:
    assert len(set(HOSTILE_URLS)) == len(HOSTILE_URLS) >= 60
    assert len(set(HOSTILE_ADDRESSES)) == len(HOSTILE_ADDRESSES) >= 60
    assert len(set(PUBLIC_URLS)) == len(PUBLIC_URLS) >= 10
    assert len(set(PUBLIC_ADDRESSES)) == len(PUBLIC_ADDRESSES) >= 10


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_a_hostile_address_is_refused_as_it_stands(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|is) "):
        check_public_address(url, NOBODY)


@by_both
def test_and_is_not_even_looked_up(
    call: Callable[[str], bool], connected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = _resolve_to(monkeypatch, GOOD)

    assert [] == [url for url in HOSTILE_URLS if not call(url)]
    assert ([], []) == (looked_up, connected)


@pytest.mark.parametrize("url", PUBLIC_URLS)
def test_a_good_address_is_allowed(url: str) -> None:
    assert url == check_public_address(url, NOBODY)


@by_both
@pytest.mark.parametrize("url", PUBLIC_URLS)
def test_and_called(
    call: Callable[[str], bool], url: str, connected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = _resolve_to(monkeypatch, GOOD)

    assert call(url)
    assert ([GOOD], 1) == (connected, len(looked_up))
    assert "127.0.0.1" not in looked_up


@by_both
@pytest.mark.parametrize("address", HOSTILE_ADDRESSES)
def test_an_innocent_name_that_leads_inside_is_not_connected_to(
    call: Callable[[str], bool], address: str, connected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _resolve_to(monkeypatch, address)

    assert call(INNOCENT)
    assert [] == connected


@by_both
def test_nor_with_one_bad_address_among_good_ones(
    call: Callable[[str], bool], connected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in HOSTILE_ADDRESSES:
        for addresses in ((GOOD, "8.8.8.8", address), (GOOD, address, "8.8.8.8"), (address, GOOD)):
            _resolve_to(monkeypatch, *addresses)
            assert call(INNOCENT)
    assert [] == connected


@by_both
@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_one_that_leads_to_the_internet_is(
    call: Callable[[str], bool], address: str, connected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _resolve_to(monkeypatch, address)

    assert call(INNOCENT)
    assert [socket.inet_pton(_family(address), address)] == [
        socket.inet_pton(_family(found), found) for found in connected
    ]


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
