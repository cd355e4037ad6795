"""Answers that are hardly HTTP: each caller makes of them an outcome it knows, and holds no more than it asked for."""

import json
import tracemalloc
from collections.abc import Iterator

import pytest

from hkreach.adapters.guarded_media import GuardedMedia
from hkreach.adapters.guarded_webhooks import GuardedWebhooks
from hkreach.adapters.requests_meta import RequestsMeta
from hkreach.adapters.requests_meta_files import RequestsMetaFiles
from hkreach.adapters.requests_session import session
from hkreach.domain.inbound_file import FileNotGiven
from hkreach.domain.media_fetch import MediaFetchFailed
from hkreach.domain.meta_outcome import Accepted, Uncertain
from tests.builders import NUMBER
from tests.contracts.server import Server, answer, serving

pytestmark = pytest.mark.loopback

MOST = 1_000_000
OK_CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
CHUNKS = OK_CLOSE + b"Transfer-Encoding: chunked\r\n\r\n"
FOUND = b"HTTP/1.1 302 Found\r\nConnection: close\r\n"
NO_SIZES = [
    b"-1", b"-5", b"-0", b"+3", b"0x3", b" 3", b"\t3", b"1_0", b"", b";x", b"3 4", b"three", b"\xb3", b"3\x00",
    b"1" * 17, b"3;" + b"x" * 70_000,
]  # fmt: skip
SIZES = [b"3", b"0003", b"3 ", b"3;a=b", b'3 ; a="b;c"', b"0" * 15 + b"3"]
ODD = [
    *(CHUNKS + size + b"\r\nabc\r\n0\r\n\r\n" for size in NO_SIZES),
    *(CHUNKS + b"3\r\nabc\r\n" + size + b"\r\nabc\r\n0\r\n\r\n" for size in NO_SIZES),
    CHUNKS + b"3\r\nabc\r\n0\r\n" + b"X-Trailer: x\r\n" * 300,
    CHUNKS + b"3\r\nabcdef\r\n0\r\n\r\n",
    OK_CLOSE + b"Content-Length: -1\r\n\r\nabc",
    OK_CLOSE + b"Content-Length: 99999999999999999999999\r\n\r\nabc",
    OK_CLOSE + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\nabc",
    OK_CLOSE + b"Content-Length: 3, 3\r\n\r\nabc",
    OK_CLOSE + b"Content-Length: +3\r\n\r\nabc",
    OK_CLOSE + b"Content-Encoding: \xff\r\n\r\nabc",
    OK_CLOSE + b"Transfer-Encoding: chunked, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    OK_CLOSE + b"Content-Disposition: attachment; filename*=UTF-8''%ff\r\n\r\nabc",
    OK_CLOSE + b'Content-Disposition: \xff\xfe;filename="\\\r\n\r\nabc',
    *(FOUND + b"Location:" + place + b"\r\n\r\n" for place in (b"", b" http://[", b" //", b" http://a:b:c", b" http://:0")),
    FOUND + b"Location: %zz%\xff\xfe\r\n\r\n",
    FOUND + b"Location: \xed\xa0\x80://\x7f\r\n\r\n",
    b"HTTP/1.1 200\r\nConnection: close\r\n\r\nabc",
    b"HTTP/1.1 two\r\nConnection: close\r\n\r\n",
    b"HTTP/1.1 99 x\r\nConnection: close\r\n\r\n",
    b"HTTP/1.1 " + b"2" * 5_000 + b" x\r\nConnection: close\r\n\r\n",
    b"HTTP/9.9 200 OK\r\nConnection: close\r\n\r\nabc",
    b"HTTP/1.1 101 S\r\nConnection: close\r\nUpgrade: h2\r\n\r\nabc",
    b"HTTP/1.1 100 Continue\r\n\r\nConnection: close\r\n\r\n",
    b"Connection: close\r\n\r\n",
    b"\x16\x03\x01\x02\x00connection: close",
    OK_CLOSE + b": x\r\n bad\r\n\r\nabc",
]  # fmt: skip


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def _media(server: Server) -> bytes | str:
    try:
        with GuardedMedia(frozenset({server.target}), 20).fetch(f"{server.url}/a.pdf", MOST) as file:
            return b"".join(file.blocks)
    except MediaFetchFailed as failure:
        return failure.code


def _meta_file(server: Server) -> bytes | str:
    node = answer(200, json.dumps({"url": f"{server.url}/1"}).encode())
    server.script.insert(0, node)
    try:
        with RequestsMetaFiles(session(), server.url, "v25.0", 20).open("7", NUMBER, "t", MOST) as blocks:
            return b"".join(blocks)
    except FileNotGiven as failure:
        return failure.code


def _webhook(server: Server) -> int | None:
    return GuardedWebhooks(frozenset({server.target}), 20).post(f"{server.url}/", b"{}", {}).status


@pytest.mark.parametrize("told", ODD)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_each_ends_as_an_outcome(server: Server, told: bytes) -> None:
    server.script += [told]
    assert _media(server) in {
        b"abc", b"{}", "media_incomplete", "media_unavailable", "media_too_large", "media_status", "media_empty",
        "media_encoding",
    }  # fmt: skip
    server.script += [told]
    assert _meta_file(server) in {
        b"abc", "media_unavailable", "media_too_large", "media_status", "media_empty", "media_encoding"
    }  # fmt: skip
    server.script += [told]
    assert _webhook(server) in {None, 101, 200, 302}
    server.script += [told]
    meta = RequestsMeta(session(), server.url, "v25.0", 20, 20)
    assert not isinstance(meta.send(NUMBER, "t", {}), Accepted)


@pytest.mark.parametrize("size", NO_SIZES)
def test_what_is_no_size_of_a_chunk_breaks_the_file_off(server: Server, size: bytes) -> None:
    told = CHUNKS + size + b"\r\nabc\r\n0\r\n\r\n"
    server.script += [told]
    assert "media_incomplete" == _media(server)
    server.script += [told]
    assert "media_unavailable" == _meta_file(server)
    server.script += [told]
    assert 200 == _webhook(server), "the status says it all"
    server.script += [told]
    assert Uncertain("ProtocolError") == RequestsMeta(session(), server.url, "v25.0", 20, 20).send(NUMBER, "t", {})


@pytest.mark.parametrize("size", SIZES)
def test_a_size_as_the_standard_has_it(server: Server, size: bytes) -> None:
    server.script += [CHUNKS + size + b"\r\nabc\r\n0\r\n\r\n"]

    assert b"abc" == _media(server)


@pytest.mark.parametrize("call", [_media, _meta_file, _webhook])
@pytest.mark.parametrize("size", [b"-1", b"ffffffffffffffff"])
def test_no_size_makes_it_hold_the_whole_answer(server: Server, call: object, size: bytes) -> None:
    assert callable(call)
    server.script += [CHUNKS + size + b"\r\n" + bytes(30_000_000)]
    tracemalloc.start()
    try:
        call(server)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert 4_000_000 > peak
