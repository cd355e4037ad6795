"""GuardedMedia over real sockets: the exact bytes, streamed, bounded in size and time; an error for each trouble."""

import gc
import gzip
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from hkreach.adapters.guarded_media import BLOCK, GuardedMedia
from hkreach.domain.media_fetch import (
    MediaAnswered,
    MediaEmpty,
    MediaEncoded,
    MediaFetchFailed,
    MediaIncomplete,
    MediaTooLarge,
    MediaTooSlow,
    MediaUnavailable,
)
from hkreach.ports.media import MediaFetcher
from tests.contracts.server import CLOSE, RESET, Server, answer, refused_port, serving
from tests.contracts.stubborn import PATIENCE, dripping, stubborn
from tests.contracts.test_deadlines import CHUNKED, DRIPS, SECONDS, _returned
from tests.fakes.outside import FakeMediaFetcher

pytestmark = pytest.mark.loopback

MOST = 1_000_000
OK_CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def _fetched(url: str, target: str, most: int = MOST, seconds: float = 20) -> tuple[str | None, list[bytes]]:
    with GuardedMedia(frozenset({target}), seconds).fetch(url, most) as file:
        return file.filename, list(file.blocks)


def _failure(url: str, target: str, most: int = MOST, seconds: float = 20) -> MediaFetchFailed:
    with pytest.raises(MediaFetchFailed) as caught:
        _fetched(url, target, most, seconds)
    return caught.value


type Put = Callable[[bytes], tuple[MediaFetcher, str]]
"""Puts a file where a fetcher finds it."""


@pytest.fixture(params=["fake", "guarded"])
def put(request: pytest.FixtureRequest, server: Server) -> Put:
    def put(content: bytes) -> tuple[MediaFetcher, str]:
        url = f"{server.url}/a.pdf"
        if request.param == "fake":
            fake = FakeMediaFetcher()
            fake.files[url] = ("a.pdf", [content] if content else [])
            return fake, url
        server.script.append(OK_CLOSE + b"\r\n" + content)  # without a length: it is found out while reading
        return GuardedMedia(frozenset({server.target}), 20), url

    return put


def test_a_file_of_the_most_bytes_arrives(put: Put) -> None:
    fetcher, url = put(b"abcdef")

    with fetcher.fetch(url, 6) as file:
        assert ("a.pdf", b"abcdef") == (file.filename, b"".join(file.blocks))


@pytest.mark.parametrize(("content", "expected"), [(b"abcdefg", MediaTooLarge), (b"", MediaEmpty)])
def test_a_larger_one_and_none_do_not(put: Put, content: bytes, expected: type[MediaFetchFailed]) -> None:
    fetcher, url = put(content)

    with fetcher.fetch(url, 6) as file, pytest.raises(expected):
        list(file.blocks)


def test_where_nothing_is_there_is_no_answer(put: Put) -> None:
    fetcher, _ = put(b"x")

    with pytest.raises(MediaUnavailable), fetcher.fetch("https://localhost/a.pdf", 6):
        pytest.fail("opened")


def test_the_very_bytes_arrive_in_large_blocks(server: Server) -> None:
    content = bytes(range(256)) * 3_000
    server.script.append(answer(200, content))

    name, blocks = _fetched(f"{server.url}/files/a%20b.pdf?c=d#e", server.target)

    assert ("a b.pdf", content) == (name, b"".join(blocks))
    assert [BLOCK, BLOCK, len(content) - 2 * BLOCK] == [len(block) for block in blocks]
    ((line, headers, _),) = server.requests
    assert "GET /files/a%20b.pdf?c=d HTTP/1.1" == line
    assert "identity" == headers["accept-encoding"]
    assert set() == {"cookie", "authorization", "referer", "x-forwarded-for"} & set(headers)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 6\r\n\r\n", b"abcdef"),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\n3;x=y\r\ndef\r\n0\r\nX-Trailer: 1\r\n\r\n"),
        (b"\r\n", b"abcdef"),
        (b"Content-Length: six\r\n\r\n", b"abcdef"),
        (b"Content-Length: 6\r\n\r\n", b"abcdefghi"),
        (b"Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n", b"6\r\nabcdef\r\n0\r\n\r\n"),
        (b"Content-Encoding: Identity\r\nContent-Length: 6\r\n\r\n", b"abcdef"),
        (b"Content-Encoding:\r\nContent-Length: 6\r\n\r\n", b"abcdef"),
    ],
    ids=["length", "chunks", "until the end", "no number", "more than its length", "both", "identity", "no encoding"],
)
def test_however_its_length_is_told(server: Server, head: bytes, body: bytes) -> None:
    server.script.append(OK_CLOSE + head + body)

    assert ("f", [b"abcdef"]) == _fetched(f"{server.url}/f", server.target, most=6)


def test_its_server_names_it_better_than_its_address(server: Server) -> None:
    server.script.append(answer(200, b"x", 'Content-Disposition: attachment; filename="../Gebühr €.pdf"'))

    assert "Gebühr €.pdf" == _fetched(f"{server.url}/download?id=1", server.target)[0]


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        *((status, False) for status in (201, 204, 206, 300, 302, 304, 400, 401, 403, 404, 410)),
        *((status, True) for status in (408, 425, 429, 500, 503)),
    ],
)
def test_any_other_status_is_told(server: Server, status: int, retryable: bool) -> None:
    server.script.append(answer(status, b"" if status in {204, 304} else b"no"))

    failure = _failure(server.url, server.target)

    assert (MediaAnswered, retryable) == (type(failure), failure.retryable)
    assert f"HTTP {status}" in str(failure)


BOMB = gzip.compress(bytes(50_000_000))


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Encoding: gzip\r\n",
        b"Content-Encoding: br\r\n",
        b"Content-Encoding: identity, gzip\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
    ],
)
def test_what_is_compressed_is_refused_and_not_decoded(server: Server, head: bytes) -> None:
    server.script.append(OK_CLOSE + head + b"\r\n" + BOMB)

    failure = _failure(server.url, server.target)

    assert (MediaEncoded, False) == (type(failure), failure.retryable)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (OK_CLOSE + b"Content-Length: 7\r\n\r\nabcdefg", MediaTooLarge),
        (OK_CLOSE + b"Content-Length: 999999999999\r\n\r\nabc", MediaTooLarge),
        (OK_CLOSE + b"\r\nabcdefg", MediaTooLarge),
        (OK_CLOSE + b"Transfer-Encoding: chunked\r\n\r\n7\r\nabcdefg\r\n0\r\n\r\n", MediaTooLarge),
        (OK_CLOSE + b"Content-Length: 0\r\n\r\n", MediaEmpty),
        (OK_CLOSE + b"\r\n", MediaEmpty),
        (OK_CLOSE + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", MediaEmpty),
        (OK_CLOSE + b"Content-Length: 6\r\n\r\nabc", MediaIncomplete),
        (OK_CLOSE + b"Content-Length: 6\r\n\r\n", MediaIncomplete),
        (OK_CLOSE + b"Transfer-Encoding: chunked\r\n\r\n6\r\nabc", MediaIncomplete),
        (OK_CLOSE + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", MediaIncomplete),
        (OK_CLOSE + b"Transfer-Encoding: chunked\r\n\r\nno number\r\nabc\r\n", MediaIncomplete),
        (OK_CLOSE + b"X-Long: " + b"x" * 70_000 + b"\r\n\r\nabc", MediaUnavailable),
        (OK_CLOSE + b"X-Many: x\r\n" * 200 + b"\r\nabc", MediaUnavailable),
        (b"nonsense\r\n\r\n", MediaUnavailable),
        (CLOSE, MediaUnavailable),
        (RESET, MediaUnavailable),
    ],
)
def test_what_is_no_whole_file_is_told_apart(server: Server, told: bytes, expected: type[MediaFetchFailed]) -> None:
    server.script.append(told)

    failure = _failure(server.url, server.target, most=6)

    assert expected is type(failure)
    assert (expected not in {MediaTooLarge, MediaEmpty}) == failure.retryable


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            b"Content-Length: 7\r\n\r\nabcdefg",
            "at most 6 bytes are taken from an address, and it has 7 bytes: make it smaller",
        ),
        (b"\r\nabcdefg", "at most 6 bytes are taken from an address, and it has more bytes than that: make it smaller"),
        (b"\r\n", "the file is empty: at least one byte must come, so let the address answer with its content"),
    ],
)
def test_a_size_says_limit_found_and_remedy(server: Server, told: bytes, words: str) -> None:
    server.script.append(OK_CLOSE + told)

    assert str(_failure(server.url, server.target, most=6)).endswith(words)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_lengths_that_contradict_each_other_are_no_answer(server: Server) -> None:
    server.script.append(OK_CLOSE + b"Content-Length: 6\r\nContent-Length: 7\r\n\r\nabcdefg")

    assert MediaUnavailable is type(_failure(server.url, server.target))
    gc.collect()  # urllib3 leaves that socket to the garbage collector, which warns


def test_blocked_and_unreachable_are_told_in_the_same_words() -> None:
    port = refused_port()
    unreachable = _failure(f"http://127.0.0.1:{port}/", f"127.0.0.1:{port}")
    blocked = _failure("http://127.0.0.1:9001/", "127.0.0.1:1")

    assert MediaUnavailable is type(blocked) is type(unreachable)
    assert (str(unreachable), unreachable.retryable) == (str(blocked), blocked.retryable)


def test_an_endless_body_is_cut_at_the_limit() -> None:
    with stubborn(dripping(CHUNKED, b"40000\r\n" + bytes(0x40000) + b"\r\n")) as server:
        failure = _returned(lambda: _failure(f"http://{server.target}/", server.target), server)

    assert MediaTooLarge is type(failure)


def test_many_quick_blocks_have_one_deadline_together() -> None:
    with stubborn(dripping(CHUNKED, b"40000\r\n" + bytes(0x40000) + b"\r\n")) as server:
        url = f"http://{server.target}/"
        failure = _returned(lambda: _failure(url, server.target, 1_000 * BLOCK, SECONDS), server)

    assert MediaTooSlow is type(failure)


@pytest.mark.parametrize("name", DRIPS)
def test_an_endless_drip_ends_in_time(name: str) -> None:
    with stubborn(DRIPS[name]) as server:
        failure = _returned(lambda: _failure(f"http://{server.target}/", server.target, seconds=SECONDS), server)

    assert (MediaTooSlow, True) == (type(failure), failure.retryable)


def test_the_reader_may_stop_before_the_end_and_read_in_another_thread() -> None:
    with (
        stubborn(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" + bytes(300_000), b"")) as server,
        ThreadPoolExecutor(1) as thread,
    ):
        with GuardedMedia(frozenset({server.target}), 20).fetch(f"http://{server.target}/", MOST) as file:
            assert BLOCK == len(thread.submit(next, file.blocks).result())
            assert not server.let_go.is_set()
        server.given_up.set()
        assert server.let_go.wait(PATIENCE / 2), "the connection stayed open"
