"""An upload is a stream: in large blocks, never in memory as a whole, whole or not at all at Meta, and in time."""

import base64
import hashlib
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from aiohttp import BodyPartReader, web
from botocore.exceptions import FlexibleChecksumError, IncompleteReadError

from hkreach.adapters.aws import client
from hkreach.adapters.requests_deadline import Deadline
from hkreach.adapters.requests_meta import RequestsMeta
from hkreach.adapters.requests_session import session
from hkreach.adapters.requests_upload import Upload
from hkreach.adapters.s3_media import S3Media
from hkreach.domain.meta_outcome import Accepted, Outcome, Uncertain
from hkreach.ports.media import SizedStream
from tests.aws import ENVIRONMENT, MEDIA_BUCKET, environment
from tests.builders import MEDIA, NUMBER, PDF
from tests.contracts.server import answer, serving
from tests.fakes.stores import FakeFile
from tests.local.running import serving as serving_app

pytestmark = pytest.mark.loopback

MB = 1_000_000
SIZE = 3 * MB
CONTENT = bytes(range(250)) * (SIZE // 250)


class Meta:
    """A server that keeps of an upload its length and digest only, and whether it was whole."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, str]] = []
        self.torn = 0
        self.ended = threading.Event()
        """A request has come to its end, whichever."""

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.post("/{path:.*}", self._take)])
        return app

    async def _take(self, request: web.Request) -> web.Response:
        size, digest = 0, hashlib.sha256()
        try:
            reader = await request.multipart()
            while (part := await reader.next()) is not None:
                assert isinstance(part, BodyPartReader)
                while chunk := await part.read_chunk(65_536):
                    if part.name == "file":
                        size += len(chunk)
                        digest.update(chunk)
            self.taken.append((size, digest.hexdigest()))
        except BaseException:
            self.torn += 1
            raise
        finally:
            self.ended.set()
        return web.json_response({"id": "media-1"})


@pytest.fixture
def meta() -> Meta:
    return Meta()


@pytest.fixture
def upload(meta: Meta) -> Iterator[Callable[[SizedStream], Outcome]]:
    with serving_app(meta.app()) as url:
        adapter = RequestsMeta(session(), url, "v25.0", 20, 20)
        yield lambda content: adapter.upload(NUMBER, "t", content, "application/pdf", "a.pdf")


class Made:
    """So many bytes, none of them kept; it notes how many are asked for."""

    def __init__(self, size: int, *, has: int | None = None) -> None:
        self._size, self._left = size, size if has is None else has
        self.asked: list[int] = []

    def __len__(self) -> int:
        return self._size

    def read(self, size: int, /) -> bytes:
        self.asked.append(size)
        block = bytes(min(size, self._left))
        self._left -= len(block)
        return block


def test_metas_server_gets_the_very_bytes(meta: Meta, upload: Callable[[SizedStream], Outcome]) -> None:
    assert Accepted("media-1") == upload(FakeFile(CONTENT))
    assert [(SIZE, hashlib.sha256(CONTENT).hexdigest())] == meta.taken


@pytest.mark.parametrize("size", [0, 1, 262_143, 262_144, 262_145])
def test_files_about_as_long_as_a_block(meta: Meta, upload: Callable[[SizedStream], Outcome], size: int) -> None:
    assert Accepted("media-1") == upload(FakeFile(bytes(size)))
    assert [size] == [taken for taken, _ in meta.taken]


def test_it_is_read_in_large_blocks_and_kept_nowhere(meta: Meta, upload: Callable[[SizedStream], Outcome]) -> None:
    made = Made(40 * MB)
    tracemalloc.start()
    try:
        assert Accepted("media-1") == upload(made)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [40 * MB] == [size for size, _ in meta.taken]
    assert len(made.asked) < 40 * MB / 250_000 + 3
    assert peak < 8 * MB, "of both sides"


class Breaking(Made):
    """A stream that breaks in the middle."""

    def __init__(self, error: Exception) -> None:
        super().__init__(SIZE, has=SIZE // 2)
        self._error = error

    def read(self, size: int, /) -> bytes:
        block = super().read(size)
        if not block:
            raise self._error
        return block


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (lambda: Made(SIZE, has=SIZE - 1), EOFError),
        (lambda: Made(SIZE, has=0), EOFError),
        (lambda: Made(SIZE, has=SIZE + 1), EOFError),
        (lambda: Breaking(BrokenPipeError()), BrokenPipeError),
        (lambda: Breaking(ConnectionResetError()), ConnectionResetError),
        (lambda: Breaking(TimeoutError()), TimeoutError),
    ],
    ids=["too short", "nothing", "too long", "broken pipe", "reset", "time-out"],
)
def test_what_cannot_be_read_to_its_end_is_no_upload(
    meta: Meta, upload: Callable[[SizedStream], Outcome], content: Callable[[], SizedStream], error: type[Exception]
) -> None:
    with pytest.raises(error):
        upload(content())

    assert meta.ended.wait(20)
    assert ([], 1) == (meta.taken, meta.torn)
    assert Accepted("media-1") == upload(FakeFile(PDF)), "on another connection"


@pytest.mark.parametrize("error", [BrokenPipeError(), ConnectionResetError(), TimeoutError()])
def test_what_keeps_it_from_being_read_is_not_taken_for_the_connections_trouble(error: OSError) -> None:
    """urllib3 goes on after a broken pipe, and would wait for Meta's answer."""
    with pytest.raises(ValueError, match="cannot be read"):
        list(Upload(Breaking(error), "application/pdf", "a.pdf", Deadline(20)))


def _s3(url: str) -> S3Media:
    with environment(ENVIRONMENT | {"AWS_ENDPOINT_URL": url}):
        return S3Media(client("s3"), MEDIA_BUCKET)


def _digest(content: bytes) -> str:
    return f"x-amz-checksum-sha256: {base64.b64encode(hashlib.sha256(content).digest()).decode()}"


def test_from_s3_to_meta(meta: Meta, upload: Callable[[SizedStream], Outcome]) -> None:
    with serving(answer(200, CONTENT, _digest(CONTENT))) as s3, _s3(s3.url).open(MEDIA.key) as file:
        assert Accepted("media-1") == upload(file)
    assert [(SIZE, hashlib.sha256(CONTENT).hexdigest())] == meta.taken


@pytest.mark.parametrize(
    ("told", "error"),
    [
        (answer(200, CONTENT, _digest(CONTENT), "connection: close")[: -SIZE // 2], IncompleteReadError),
        (answer(200, CONTENT, _digest(CONTENT[:-1] + b"?")), FlexibleChecksumError),
    ],
    ids=["broke", "other bytes"],
)
def test_what_s3_does_not_give_whole_is_no_upload(
    meta: Meta, upload: Callable[[SizedStream], Outcome], told: bytes, error: type[Exception]
) -> None:
    with serving(told) as s3, _s3(s3.url).open(MEDIA.key) as file, pytest.raises(error):
        upload(file)
    assert meta.ended.wait(20)
    assert ([], 1) == (meta.taken, meta.torn)


def test_the_deadline_is_that_of_reading_too() -> None:
    class Dripping(Made):
        def read(self, size: int, /) -> bytes:
            time.sleep(0.02)
            return super().read(1)

    with serving() as server:
        meta, file = RequestsMeta(session(), server.url, "v25.0", 3_600, 0.3), Dripping(200)

        assert Uncertain("deadline") == meta.upload(NUMBER, "t", file, "application/pdf", "a.pdf")
    assert len(file.asked) < 200, "not to its end"
