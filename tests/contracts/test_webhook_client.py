"""GuardedWebhooks: the exact bytes, once, to public https or to a developer's own targets, and to nobody else."""

import errno
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from hkreach.adapters.guarded_webhooks import GuardedWebhooks
from hkreach.domain.webhook_answer import Answer
from tests.builders import NOW
from tests.contracts.server import CLOSE, Server, answer, refused_port, serving
from tests.fakes.clock import FakeClock
from tests.fakes.outside import FakeWebhookClient

pytestmark = pytest.mark.loopback

BODY = '{"text":"Zoë ☕"}'.encode()
HEADERS = {"Content-Type": "application/json", "X-HKReach-Signature": "ab12"}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def _client(*targets: str) -> GuardedWebhooks:
    return GuardedWebhooks(frozenset(targets), 20)


def test_the_very_bytes_and_headers_arrive(server: Server) -> None:
    server.script.append(answer(200))
    told = _client(server.target).post(f"{server.url}/hook?a=1", BODY, HEADERS)

    assert Answer(200) == told == FakeWebhookClient().post(server.url, BODY, HEADERS)
    ((line, headers, body),) = server.requests
    assert ("POST /hook?a=1 HTTP/1.1", BODY) == (line, body)
    assert ("application/json", "ab12") == (headers["content-type"], headers["x-hkreach-signature"])


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_means_taken(server: Server, status: int) -> None:
    server.script.append(answer(status))

    assert Answer(status) == _client(server.target).post(server.url, BODY, HEADERS)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 410, 429, 500, 503])
def test_anything_else_is_told_and_not_followed(server: Server, status: int) -> None:
    server.script.append(answer(status, b"no", f"Location: {server.url}/elsewhere"))

    assert Answer(status, body=b"no") == _client(server.target).post(server.url, BODY, HEADERS)
    assert 1 == len(server.requests)


@pytest.mark.parametrize("told", [CLOSE, b"nonsense\r\n\r\n"], ids=["hung up", "no http"])
def test_no_answer_is_told_and_not_repeated(server: Server, told: bytes) -> None:
    server.script.append(told)

    assert Answer(None) == _client(server.target).post(server.url, BODY, HEADERS)
    assert 1 == len(server.requests)


def test_the_status_counts_when_the_body_is_torn(server: Server) -> None:
    server.script += [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\nhalf"]

    assert Answer(200, body=b"half") == _client(server.target).post(server.url, BODY, HEADERS)


def test_nobody_listens() -> None:
    port = refused_port()

    assert Answer(None) == _client(f"127.0.0.1:{port}").post(f"http://127.0.0.1:{port}/", BODY, HEADERS)


def test_loopback_is_shut_without_the_setting(server: Server) -> None:
    assert Answer(None) == _client().post(server.url, BODY, HEADERS)
    assert Answer(None) == _client("127.0.0.1:1").post(server.url, BODY, HEADERS)
    assert [] == server.requests


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://10.0.0.1/",
        "http://shop.example.com/",
        "https://shop.example.com:8443/",
        "https://user:secret@shop.example.com/",
        "file:///etc/passwd",
    ],
)
def test_what_may_never_be_called_is_not(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("looked up"))

    assert Answer(None) == _client().post(url, BODY, HEADERS)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "100.64.0.1", "0.0.0.0", "224.0.0.1"]
)  # fmt: skip
def test_a_public_name_that_leads_inside_is_not_called(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]

    def connect(*_: Any, **__: Any) -> None:
        pytest.fail("connected")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket.socket, "connect", connect)

    assert Answer(None) == _client().post("https://rebound.example.com/", BODY, HEADERS)


@pytest.mark.parametrize("address", ["::1", "::127.0.0.1", "::ffff:127.0.0.1", "fe80::1", "fd00::1", "64:ff9b::a00:1"])
def test_nor_one_that_leads_inside_over_ipv6(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, 443, 0, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket.socket, "connect", lambda *_, **__: pytest.fail("connected"))

    assert Answer(None) == _client().post("https://rebound.example.com/", BODY, HEADERS)


def test_a_server_gets_no_cookie_back(server: Server) -> None:
    server.script.append(answer(200, b"", "Set-Cookie: seen=1; Path=/"))
    client = _client(server.target)
    client.post(server.url, BODY, HEADERS)
    client.post(server.url, BODY, HEADERS)

    assert [None, None] == [headers.get("cookie") for _, headers, _ in server.requests]


@pytest.mark.parametrize("head", ["Content-Length: 40000", "Transfer-Encoding: chunked", "X-Length: unknown"])
def test_the_first_16_kb_of_the_answer_are_kept(server: Server, head: str) -> None:
    body = bytes(range(250)) * 160
    told = b"".join([b"9c40\r\n", body, b"\r\n0\r\n\r\n"]) if "chunked" in head else body
    server.script.append(f"HTTP/1.1 503 Words\r\nConnection: close\r\n{head}\r\n\r\n".encode() + told)

    assert Answer(503, body=body[:16_384]) == _client(server.target).post(server.url, BODY, HEADERS)


def test_a_short_answers_connection_is_kept(server: Server) -> None:
    server.script += [
        answer(200, b"thanks"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ]
    client = _client(server.target)
    bodies = [client.post(server.url, BODY, HEADERS).body for _ in range(3)]

    assert ([b"thanks", b"ok", b"{}"], 1) == (bodies, len(server.connections))


@pytest.mark.parametrize(
    ("said", "milliseconds"), [("120", 120_000), ("Sun, 22 Nov 2026 09:01:00 GMT", 59_877), ("soon", None)]
)
def test_what_it_asks_to_wait_is_told(server: Server, said: str, milliseconds: int | None) -> None:
    server.script.append(answer(429, b"", f"Retry-After: {said}"))
    client = GuardedWebhooks(frozenset({server.target}), 20, FakeClock(NOW))

    assert Answer(429, milliseconds) == client.post(server.url, BODY, HEADERS)


def test_the_answer_is_asked_for_as_it_is(server: Server) -> None:
    _client(server.target).post(server.url, BODY, HEADERS)

    assert "identity" == server.requests[0][1]["accept-encoding"]


@pytest.mark.parametrize(
    ("number", "ours"),
    [
        (errno.EMFILE, True),
        (errno.ENOMEM, True),
        (errno.EADDRNOTAVAIL, True),
        (errno.ENETDOWN, True),
        (errno.ECONNREFUSED, False),
        (errno.EHOSTUNREACH, False),
        (errno.ENETUNREACH, False),
    ],
)
def test_what_this_machine_lacks_is_not_the_servers_fault(
    number: int, ours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lookup(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))]

    def connect(*_: Any, **__: Any) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket.socket, "connect", connect)

    assert Answer(None, ours=ours) == _client().post("https://shop.example.com/", BODY, HEADERS)


def test_a_name_that_is_not_found_is_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)

    assert Answer(None) == _client().post("https://shop.example.com/", BODY, HEADERS)
