"""A call ends in time, whatever the server does: its outcome is told, its thread goes on, its socket is closed."""

import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from hkreach.adapters import requests_meta
from hkreach.adapters.guarded_webhooks import GuardedWebhooks
from hkreach.adapters.requests_meta import RequestsMeta
from hkreach.adapters.requests_session import session
from hkreach.domain.meta_outcome import NotSent, Outcome, Uncertain
from hkreach.domain.webhook_answer import Answer
from tests.builders import NUMBER
from tests.contracts.stubborn import PATIENCE, Manner, Stubborn, certificate, dripping, reading, stubborn, then
from tests.fakes.stores import FakeFile

pytestmark = pytest.mark.loopback

SECONDS = 0.3
AMPLE_SECONDS = 2
"""For what must come to a certain point first: to connect, or to read a status."""
LONG = 3_600.0
HEADERS = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
DRIPS = {
    "silence": dripping(b"", b""),
    "status line": dripping(b"HTTP/1.1 200 ", b"O"),
    "header": dripping(b"HTTP/1.1 200 OK\r\nX-Long: ", b"o"),
    "interim answers": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": dripping(HEADERS, b" "),
    "chunks": dripping(CHUNKED, b"1\r\n \r\n"),
    "chunk head": dripping(CHUNKED, b"0"),
}
NOT_READ = Uncertain("HTTP 200 without a Graph error or an id")
MUCH = b"x" * 12_000_000
"""More than the buffers of both sides hold."""


type Calls = Callable[..., Outcome]


def _meta(url: str, ca: Path | None = None, call: float = LONG, upload: float = LONG) -> RequestsMeta:
    made = session()
    if ca:
        made.get_adapter("https://").poolmanager.connection_pool_kw["ssl_context"].load_verify_locations(ca)  # type: ignore[attr-defined]
    return RequestsMeta(made, url, "v25.0", call, upload)


def _returned[T](call: Callable[[], T], server: Stubborn) -> T:
    """What the call returns, from a thread that has ended, once the server has seen its connection closed."""
    outcomes: list[T] = []
    thread = threading.Thread(target=lambda: outcomes.append(call()), daemon=True)
    thread.start()
    thread.join(PATIENCE / 2)
    assert not thread.is_alive(), "the call is held"
    server.given_up.set()
    assert server.let_go.wait(PATIENCE / 2), "the connection stayed open"
    return outcomes[0]


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.fixture(params=["http", "tls"])
def call(request: pytest.FixtureRequest) -> Calls:
    """A call to a server of that manner, on a connection that has carried another call of the other kind."""
    tls, pem = request.getfixturevalue("tls"), request.getfixturevalue("pem")
    secure = request.param == "tls"

    def call(manner: Manner, kind: Literal["send", "upload"], content: bytes = b"") -> Outcome:
        with stubborn(then(manner), tls if secure else None) as server:
            url = f"https://localhost:{server.port}" if secure else f"http://{server.target}"
            limit = {"call": SECONDS} if kind == "send" else {"upload": SECONDS}
            meta = _meta(url, pem, **limit)

            def send(content: bytes = b"") -> Outcome:
                return meta.send(NUMBER, "t", {"text": content.decode()} if content else {})

            def upload(content: bytes = b"") -> Outcome:
                return meta.upload(NUMBER, "t", FakeFile(content), "application/pdf", "a.pdf")

            first, second = (upload, send) if kind == "send" else (send, upload)
            assert NOT_READ == first()
            return _returned(lambda: second(content), server)

    return call


@pytest.mark.parametrize("manner", DRIPS.values(), ids=DRIPS)
def test_an_answer_that_does_not_end_is_uncertain(call: Calls, manner: Manner) -> None:
    assert Uncertain("deadline") == call(manner, "send")


@pytest.mark.parametrize("size", [0, 1, 30_000], ids=["nothing", "byte by byte", "slowly"])
@pytest.mark.parametrize("kind", ["send", "upload"])
def test_a_server_that_does_not_read_to_the_end(call: Calls, size: int, kind: Literal["send", "upload"]) -> None:
    assert Uncertain("deadline") == call(reading(size), kind, MUCH)


@pytest.mark.parametrize("manner", [DRIPS["silence"], DRIPS["body"]], ids=["silence", "body"])
def test_a_connection_that_is_new_ends_in_time_too(manner: Manner) -> None:
    with stubborn(manner) as server:
        meta = _meta(f"http://{server.target}", call=AMPLE_SECONDS)

        assert Uncertain("deadline") == _returned(lambda: meta.send(NUMBER, "t", {}), server)


def test_a_handshake_that_nobody_answers_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests_meta, "CONNECT_SECONDS", LONG)
    with stubborn(dripping(b"", b"")) as server:
        meta = _meta(f"https://localhost:{server.port}", call=SECONDS)

        assert NotSent("no_connection") == _returned(lambda: meta.send(NUMBER, "t", {}), server)


def test_a_certificate_that_is_not_metas_gets_no_message(tls: ssl.SSLContext) -> None:
    with stubborn(dripping(HEADERS, b" "), tls) as server:
        meta = _meta(f"https://localhost:{server.port}")

        assert NotSent("no_connection") == _returned(lambda: meta.send(NUMBER, "t", {}), server)
    assert b"" == server.received


def test_a_lookup_that_does_not_end_is_left_behind_and_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found, lookup = threading.Event(), socket.getaddrinfo
    threads = []

    def slowly(*args: Any, **kwargs: Any) -> Any:
        threads.append(threading.current_thread())
        assert found.wait(PATIENCE)
        return lookup(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    with stubborn(dripping(HEADERS, b" ")) as server:
        meta = _meta(f"http://localhost:{server.port}", call=SECONDS)

        assert NotSent("no_connection") == meta.send(NUMBER, "t", {})
        found.set()
        assert server.let_go.wait(PATIENCE / 2), "it connected later, and stayed"
        threads[0].join(PATIENCE / 2)
    assert not threads[0].is_alive()
    assert b"" == server.received


@pytest.mark.parametrize("name", DRIPS)
def test_an_integrators_server_holds_no_call_either(name: str) -> None:
    has_status = name in {"body", "chunks", "chunk head"}
    with stubborn(DRIPS[name]) as server:
        client = GuardedWebhooks(frozenset({server.target}), AMPLE_SECONDS if has_status else SECONDS)
        answer = _returned(lambda: client.post(f"http://{server.target}/", b"{}", {}), server)

    assert (200 if has_status else None) == answer.status, "the status says it all"


def test_a_server_that_was_reached_and_is_silent_is_told_of() -> None:
    with stubborn(DRIPS["silence"]) as server:
        client = GuardedWebhooks(frozenset({server.target}), SECONDS)

        told = _returned(lambda: client.post(f"http://{server.target}/", b"{}", {}), server)
    assert "no answer in time" == told.failure


@pytest.mark.parametrize("size", [0, 30_000], ids=["nothing", "slowly"])
def test_nor_by_not_reading(size: int) -> None:
    with stubborn(reading(size)) as server:
        client = GuardedWebhooks(frozenset({server.target}), SECONDS)

        assert Answer(None) == _returned(lambda: client.post(f"http://{server.target}/", MUCH, {}), server)
