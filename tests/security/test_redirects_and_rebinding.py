"""A redirect is an address like the first; and what was checked is what is connected to. Over real sockets."""

import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3.util.connection as dialled

from hkreach.adapters.guarded_media import GuardedMedia
from hkreach.adapters.guarded_webhooks import GuardedWebhooks
from hkreach.domain.media_fetch import MediaFetchFailed, MediaRedirected, MediaUnavailable
from tests.contracts.server import answer, serving
from tests.contracts.stubborn import PATIENCE, certificate, dripping, stubborn
from tests.security.ssrf_addresses import HOSTILE_ADDRESSES, HOSTILE_URLS

pytestmark = pytest.mark.loopback

NAME = "files.example.com"
PUBLIC = "93.184.216.34"
# What a Location header can hold, and what is not relative to where it stands.
HOSTILE_LOCATIONS = [url for url in HOSTILE_URLS if url.isprintable() and url == url.strip() and ":" in url]
REDIRECTS = [301, 302, 303, 307, 308]


def _fetched(url: str, *targets: str, seconds: float = 20) -> tuple[str | None, bytes]:
    with GuardedMedia(frozenset(targets), seconds).fetch(url, 1_000_000) as file:
        return file.filename, b"".join(file.blocks)


def _resolving(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """NAME resolves to one answer after the other; returns the names other than numbers that were looked up."""
    lookup, left, names = socket.getaddrinfo, list(answers), list[str]()

    def answer_from_script(host: str, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host[0].isdigit():
            return lookup(host, port, *args, **kwargs)
        names.append(host)
        address = left.pop(0)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port or 0))]

    monkeypatch.setattr(socket, "getaddrinfo", answer_from_script)
    return names


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_to_another_allowed_host_is_followed(status: int) -> None:
    with serving() as first, serving(answer(200, b"the file")) as second:
        first.script.append(answer(status, b"", f"Location: {second.url}/b.pdf", "Set-Cookie: seen=1; Path=/"))

        assert ("b.pdf", b"the file") == _fetched(f"{first.url}/a", first.target, second.target)
    assert ["GET /b.pdf HTTP/1.1"] == [line for line, _, _ in second.requests]
    assert "cookie" not in second.requests[0][1]


def test_three_redirects_are_followed_relative_ones_too() -> None:
    hops = [answer(302, b"", f"Location: {to}") for to in ("/x/b", "c?d=1", "Zoë e.pdf#f")]
    with serving(*hops, answer(200, b"the file")) as server:
        assert ("Zoë e.pdf", b"the file") == _fetched(f"{server.url}/a", server.target)
    lines = [line.split()[1] for line, _, _ in server.requests]
    assert ["/a", "/x/b", "/x/c?d=1", "/x/Zo%C3%AB%20e.pdf"] == lines


def test_a_fourth_is_not() -> None:
    with serving(*[answer(302, b"", "Location: /")] * 9) as server, pytest.raises(MediaRedirected) as caught:
        _fetched(server.url, server.target)
    assert (4, False) == (len(server.requests), caught.value.retryable)


def test_a_redirect_to_an_address_of_the_corpus_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    names = _resolving(monkeypatch)
    with serving(*[answer(302, b"", f"Location: {url}") for url in HOSTILE_LOCATIONS]) as server:
        for url in HOSTILE_LOCATIONS:
            with pytest.raises(MediaUnavailable) as caught:
                _fetched(server.url, server.target)
            assert str(MediaUnavailable()) == str(caught.value), url
    assert (len(HOSTILE_LOCATIONS), []) == (len(server.requests), names)
    assert len(HOSTILE_LOCATIONS) > 100


def test_nor_to_one_that_leads_to_an_address_of_the_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    names = _resolving(monkeypatch, *HOSTILE_ADDRESSES)
    monkeypatch.setattr(dialled, "create_connection", _only_this_machine(dialled.create_connection))
    with serving(*[answer(302, b"", f"Location: https://{NAME}/")] * len(HOSTILE_ADDRESSES)) as server:
        for _ in HOSTILE_ADDRESSES:
            with pytest.raises(MediaUnavailable):
                _fetched(server.url, server.target)
    assert [NAME] * len(HOSTILE_ADDRESSES) == names


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_redirects_body_is_not_waited_for(encoding: str) -> None:
    endless = f"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Encoding: {encoding}\r\nContent-Length: 99999\r\n\r\nab"
    with serving(endless.encode(), answer(200, b"the file"), endless.encode()) as server:
        assert ("b", b"the file") == _fetched(f"{server.url}/a", server.target, seconds=PATIENCE)

        client = GuardedWebhooks(frozenset({server.target}), PATIENCE)
        assert 302 == client.post(server.url, b"{}", {}).status


def test_a_name_that_is_bound_again_after_the_check_is_not_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    names = _resolving(monkeypatch, "127.0.0.1", "10.0.0.1", "127.0.0.1", "169.254.169.254")
    with serving(answer(200, b"the file"), answer(200)) as server:
        target = f"{NAME}:{server.port}"

        assert ("a", b"the file") == _fetched(f"http://{target}/a", target)
        assert [NAME] == names
        with pytest.raises(MediaUnavailable):
            _fetched(f"http://{target}/a", target)

        client = GuardedWebhooks(frozenset({target}), 20)
        assert [200, None] == [client.post(f"http://{target}/", b"{}", {}).status for _ in range(2)]
    assert (2, [NAME] * 4) == (len(server.requests), names)


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize("name", [NAME, "other.example.com"])
def test_over_tls_the_checked_address_is_called_under_the_names_certificate(
    name: str, pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test's allowance: what is dialled to the public address arrives at a server of ours."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    names = _resolving(monkeypatch, PUBLIC, "127.0.0.1")
    dial, tried = dialled.create_connection, list[tuple[str, int]]()
    whole = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 8\r\n\r\nthe file"
    with stubborn(dripping(whole, b""), tls) as server:

        def dial_us(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
            tried.append(address)
            return dial(("127.0.0.1", server.port), *args, **kwargs)

        monkeypatch.setattr(dialled, "create_connection", dial_us)
        media = GuardedMedia(frozenset(), 20)
        media._sessions._public.verify = str(pem)
        try:
            with media.fetch(f"https://{name}/a.pdf", 100) as file:
                outcome = b"".join(file.blocks)
        except MediaFetchFailed as failure:
            outcome = failure.code.encode()
    assert ([(PUBLIC, 443)], [name]) == (tried, names)
    assert (b"the file" if name == NAME else b"media_unavailable") == outcome
    assert (f"\r\nHost: {NAME}\r\n".encode() in server.received) == (name == NAME)


@pytest.mark.parametrize(("name", "is_trusted"), [("other.example.com", True), (NAME, False)])
def test_a_certificate_that_is_not_valid_is_told_of(
    name: str, is_trusted: bool, pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    _resolving(monkeypatch, PUBLIC)
    dial = dialled.create_connection
    with stubborn(dripping(b"", b""), tls) as server:
        monkeypatch.setattr(
            dialled, "create_connection", lambda _, *args, **rest: dial(("127.0.0.1", server.port), *args)
        )
        client = GuardedWebhooks(frozenset(), 20)
        client._sessions._public.verify = str(pem) if is_trusted else True
        answer = client.post(f"https://{name}/", b"{}", {})
    assert (None, False, "no answer: its certificate is not valid") == (answer.status, answer.ours, answer.failure)


def _post(url: str, target: str) -> str | None:
    return GuardedWebhooks(frozenset({target}), 0.3).post(url, b"{}", {}).failure


def _fetch(url: str, target: str) -> str | None:
    with pytest.raises(MediaUnavailable):
        _fetched(url, target, seconds=0.3)
    return "no answer"


@pytest.mark.parametrize("call", [_post, _fetch])
def test_a_lookup_that_does_not_end_is_left_behind(
    call: Callable[[str, str], str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, lookup, threads = threading.Event(), socket.getaddrinfo, list[threading.Thread]()

    def slowly(*args: Any, **kwargs: Any) -> Any:
        threads.append(threading.current_thread())
        assert found.wait(PATIENCE)
        return lookup(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    with serving() as server:
        assert "no answer" == call(f"http://localhost:{server.port}/", f"localhost:{server.port}")
        assert not found.is_set()
        found.set()
        threads[0].join(PATIENCE / 2)
    assert (1, False, []) == (len(threads), threads[0].is_alive(), server.requests)


def _only_this_machine(dial: Callable[..., socket.socket]) -> Callable[..., socket.socket]:
    def dial_if(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        assert "127.0.0.1" == address[0]
        return dial(address, *args, **kwargs)

    return dial_if
