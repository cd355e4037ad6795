"""RequestsMeta: what goes out byte for byte, and an outcome for whatever comes back or does not."""

import json
import socket
import threading
from collections.abc import Iterator

import pytest
from requests import Response, Session
from requests.exceptions import ConnectTimeout

from hkreach.adapters.requests_meta import RequestsMeta
from hkreach.adapters.requests_session import session
from hkreach.domain.meta_outcome import Accepted, NotSent, Outcome, Refused, Uncertain
from hkreach.domain.template import meta_message
from tests.builders import MESSAGE_ID, NUMBER, PDF, RECIPIENT, TEMPLATE
from tests.contracts.server import CLOSE, RESET, Server, answer, refused_port, serving
from tests.fakes.outside import FakeMeta
from tests.fakes.stores import FakeFile

pytestmark = pytest.mark.loopback

MESSAGE = meta_message(RECIPIENT, MESSAGE_ID, TEMPLATE, None, None)
SENT = answer(200, b'{"messaging_product":"whatsapp","messages":[{"id":"wamid.1"}]}')
TORN_HEADERS = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
TORN_BODY = TORN_HEADERS + b'Content-Length: 99\r\n\r\n{"messages":[{"id":"wamid.1"}'
BUSY = answer(500, b'{"error":{"code":131016,"message":"(#131016) Service unavailable"}}')


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def _meta(url: str) -> RequestsMeta:
    return RequestsMeta(session(), url, "v25.0", 20, 20)


def _send(server: Server, *script: bytes | None) -> Outcome:
    server.script += script
    return _meta(server.url).send(NUMBER, "EAAtoken", MESSAGE)


def test_a_message_is_one_post_of_json(server: Server) -> None:
    outcome = _send(server, SENT)

    assert Accepted("wamid.1") == outcome == FakeMeta().send(NUMBER, "t", MESSAGE)
    ((line, headers, body),) = server.requests
    assert f"POST /v25.0/{NUMBER}/messages HTTP/1.1" == line
    assert ("Bearer EAAtoken", "application/json") == (headers["authorization"], headers["content-type"])
    assert MESSAGE == json.loads(body)


def test_an_upload_is_a_form_with_the_files_very_bytes(server: Server) -> None:
    server.script.append(answer(200, b'{"id":"media-1"}'))
    outcome = _meta(server.url + "/").upload(NUMBER, "EAAtoken", FakeFile(PDF), "application/pdf", 'In "voice" ☕.pdf')

    assert Accepted("media-1") == outcome
    ((line, headers, body),) = server.requests
    assert f"POST /v25.0/{NUMBER}/media HTTP/1.1" == line
    assert headers["content-type"].startswith("multipart/form-data; boundary=")
    for part in (b'name="messaging_product"\r\n\r\nwhatsapp', b'name="type"\r\n\r\napplication/pdf', PDF):
        assert part in body
    assert "In %22voice%22 ☕.pdf".encode() in body


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (BUSY, NotSent("131016")),
        (answer(429), Uncertain("HTTP 429 without a Graph error or an id")),
        (answer(502, b"<html>Bad gateway</html>"), Uncertain("HTTP 502 without a Graph error or an id")),
        (answer(200, b"{}"), Uncertain("HTTP 200 without a Graph error or an id")),
        (answer(302, b"", "Location: http://127.0.0.1:1/"), Uncertain("HTTP 302 without a Graph error or an id")),
    ],
    ids=["graph error", "empty 429", "html", "no id", "redirect"],
)
def test_an_answer_is_read_and_never_followed(server: Server, told: bytes, expected: Outcome) -> None:
    assert expected == _send(server, told)
    assert 1 == len(server.requests)


def test_a_definite_refusal(server: Server) -> None:
    outcome = _send(server, answer(400, b'{"error":{"code":132000,"message":"params"}}'))

    assert isinstance(outcome, Refused)
    assert "132000" == outcome.error.code


@pytest.mark.parametrize(
    "told",
    [CLOSE, RESET, TORN_BODY, TORN_HEADERS, b"nonsense\r\n\r\n"],
    ids=["hung up", "reset", "torn body", "torn headers", "no http"],
)
def test_once_the_request_left_no_answer_is_uncertain_and_nothing_is_repeated(server: Server, told: bytes) -> None:
    assert isinstance(_send(server, told), Uncertain)
    assert 1 == len(server.requests)


@pytest.mark.parametrize("told", [CLOSE, RESET], ids=["hung up", "reset"])
def test_nor_is_it_repeated_on_a_connection_that_was_kept(server: Server, told: bytes) -> None:
    """HTTP clients like to repeat there: the server may have closed it before it saw the request."""
    server.script += [SENT, told]
    meta = _meta(server.url)
    first, second = (meta.send(NUMBER, "EAAtoken", MESSAGE) for _ in range(2))

    assert Accepted("wamid.1") == first
    assert isinstance(second, Uncertain)
    assert 2 == len(server.requests)


def test_the_time_that_meta_asks_for_is_told(server: Server) -> None:
    busy = b'{"error":{"code":130429}}'

    assert NotSent("130429", 7) == _send(server, answer(429, busy, "retry-after: 7"))


def test_no_connection_is_certainly_not_sent() -> None:
    outcome = _meta(f"http://127.0.0.1:{refused_port()}").send(NUMBER, "EAAtoken", MESSAGE)

    assert NotSent("no_connection") == outcome


def test_a_name_that_nobody_has_is_certainly_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    assert NotSent("no_connection") == _meta("http://does-not-exist.invalid").send(NUMBER, "EAAtoken", MESSAGE)


def test_the_outcome_of_a_fault_of_ours_is_uncertain_too() -> None:
    """Whatever it is: a claim must get an outcome."""

    class Broken(Session):
        def post(self, *_: object, **__: object) -> Response:
            raise RuntimeError("a bug")

    assert Uncertain("RuntimeError") == RequestsMeta(Broken(), "http://g", "v25.0", 1, 1).send(NUMBER, "t", MESSAGE)


@pytest.mark.parametrize("url", ["nonsense://", "graph.facebook.com", "http://"])
def test_an_address_that_is_none_is_certainly_not_sent(url: str) -> None:
    assert NotSent("no_connection") == _meta(url).send(NUMBER, "EAAtoken", MESSAGE)


def test_connections_that_stood_idle_are_not_used_again(server: Server) -> None:
    """Lambda froze us meanwhile, and Meta may have closed them: a reset would look like a lost answer."""
    now, opened = [1_000.0], session()
    closed = []
    opened.close = lambda: closed.append(now[0])  # type: ignore[method-assign]
    meta = RequestsMeta(opened, server.url, "v25.0", 20, 20, wall_clock=lambda: now[0])
    for later in (0, 5, 19, 3_600, 1):
        now[0] += later
        server.script.append(SENT)
        assert Accepted("wamid.1") == meta.send(NUMBER, "EAAtoken", MESSAGE)

    assert [1_000, 4_624] == closed, "at the first call there is nothing to close, and nothing lost by it"


def test_a_thread_that_comes_while_idle_connections_are_closed_waits_for_it() -> None:
    """It would take one of them, and a reset on it would look like a lost answer."""
    came, order = threading.Event(), []

    class Recorded(Session):
        def post(self, *_: object, **__: object) -> Response:
            came.set()
            order.append("post")
            raise ConnectTimeout

        def close(self) -> None:
            second.start()
            came.wait(0.2)
            order.append("close")

    meta = RequestsMeta(Recorded(), "http://g", "v25.0", 1, 1)
    second = threading.Thread(target=meta.send, args=(NUMBER, "t", MESSAGE))
    meta.send(NUMBER, "t", MESSAGE)
    second.join(20)

    assert ["close", "post", "post"] == order


def test_a_proxy_or_netrc_of_the_environment_is_not_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{refused_port()}")
    monkeypatch.setenv("no_proxy", "")

    assert Accepted("wamid.1") == _send(server, SENT)


def test_one_connection_carries_many_calls_and_no_cookies(server: Server) -> None:
    server.script += [answer(200, b'{"id":"a"}', "Set-Cookie: tracked=1; Path=/"), SENT]
    meta = _meta(server.url)
    meta.upload(NUMBER, "EAAtoken", FakeFile(PDF), "application/pdf", "a.pdf")
    meta.send(NUMBER, "EAAtoken", MESSAGE)

    assert [None, None] == [headers.get("cookie") for _, headers, _ in server.requests]
