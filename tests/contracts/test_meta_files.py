"""MetaFiles: Meta's address and then the file, both with the token, for Meta's hosts alone; in time and size."""

import json
from collections.abc import Iterator

import pytest

from hkreach.adapters.requests_meta_files import BLOCK, RequestsMetaFiles
from hkreach.adapters.requests_session import session
from hkreach.domain.inbound_file import FileNotGiven
from hkreach.ports.inbound import MetaFiles
from tests.builders import NUMBER
from tests.contracts.server import CLOSE, RESET, SILENCE, Server, answer, refused_port, serving
from tests.fakes.outside import FakeMetaFiles

pytestmark = pytest.mark.loopback

MOST = 1_000_000


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def _files(server: Server, seconds: float = 20) -> RequestsMetaFiles:
    return RequestsMetaFiles(session(), server.url, "v25.0", seconds)


def _node(url: str) -> bytes:
    return answer(200, json.dumps({"id": "7", "url": url, "mime_type": "image/png", "file_size": 3}).encode())


def _got(files: MetaFiles, most: int = MOST) -> list[bytes]:
    with files.open("7", NUMBER, "EAAtoken", most) as blocks:
        return list(blocks)


def _failure(files: MetaFiles, most: int = MOST) -> tuple[str, bool]:
    with pytest.raises(FileNotGiven) as caught:
        _got(files, most)
    return caught.value.code, caught.value.retryable


@pytest.mark.parametrize("which", ["fake", "requests"])
@pytest.mark.parametrize("size", [1, BLOCK, BLOCK + 1, MOST])
def test_the_bytes_as_they_are(server: Server, which: str, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    fake = FakeMetaFiles()
    fake.files["7"] = [content[:size]]
    server.script += [_node(f"{server.url}/_media/1"), answer(200, content[:size])]
    files: MetaFiles = fake if which == "fake" else _files(server)

    assert content[:size] == b"".join(_got(files))


def test_both_calls_carry_the_token_and_a_name(server: Server) -> None:
    server.script += [_node(f"{server.url}/_media/1"), answer(200, b"png")]
    _got(_files(server))

    node, file = server.requests
    assert f"GET /v25.0/7?phone_number_id={NUMBER} HTTP/1.1" == node[0]
    assert "GET /_media/1 HTTP/1.1" == file[0]
    for _, headers, _ in server.requests:
        assert ("Bearer EAAtoken", "HK-Reach", "identity") == (
            headers["authorization"], headers["user-agent"], headers["accept-encoding"],
        )  # fmt: skip


@pytest.mark.parametrize(
    "url",
    [
        "http://lookaside.fbsbx.com/x",
        "https://lookaside.fbsbx.com:8443/x",
        "https://user@lookaside.fbsbx.com/x",
        "https://fbsbx.com.evil.example/x",
        "https://evilfbsbx.com/x",
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "http://localhost:1/x",
        "file:///etc/passwd",
        "",
        "//lookaside.fbsbx.com/x",
    ],
)
def test_the_token_goes_nowhere_else(server: Server, url: str) -> None:
    server.script += [_node(url)]

    assert ("media_address", True) == _failure(_files(server))
    assert 1 == len(server.requests)


@pytest.mark.parametrize("host", ["lookaside.fbsbx.com", "LOOKASIDE.fbsbx.com", "scontent.xx.fbcdn.net", "fbsbx.com"])
def test_metas_hosts(server: Server, host: str) -> None:
    assert _files(server)._is_metas(f"https://{host}/whatsapp_business/attachments/?mid=1&hash=x")


def test_a_redirect_is_not_followed(server: Server) -> None:
    server.script += [_node(f"{server.url}/1"), answer(302, b"", "Location: https://evil.example/")]

    assert ("media_status", True) == _failure(_files(server))
    assert 2 == len(server.requests)


GRAPH = {"message": "x", "type": "OAuthException"}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": GRAPH | {"code": 100, "error_subcode": 33}}, ("media_gone", False)),
        (400, {"error": GRAPH | {"code": 131052}}, ("media_gone", False)),
        (401, {"error": GRAPH | {"code": 190}}, ("meta_190", True)),
        (429, {"error": GRAPH | {"code": 4}}, ("meta_4", True)),
        (503, {"error": GRAPH | {"code": 2}}, ("meta_2", True)),
        (500, "<html>", ("media_unavailable", True)),
        (200, {}, ("media_unavailable", True)),
        (200, {"url": 7}, ("media_unavailable", True)),
        (200, {"url": "https://[x"}, ("media_unavailable", True)),
        (200, [], ("media_unavailable", True)),
    ],
)
def test_what_meta_says_instead_of_an_address(
    server: Server, status: int, body: object, expected: tuple[str, bool]
) -> None:
    server.script += [answer(status, json.dumps(body).encode())]

    assert expected == _failure(_files(server))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (answer(404, b"URL signature expired"), ("media_status", True)),
        (answer(200, b""), ("media_empty", True)),
        (answer(200, b"x", "Content-Encoding: gzip"), ("media_encoding", True)),
        (answer(200, b"x" * (MOST + 1)), ("media_too_large", False)),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * (MOST + 1), ("media_too_large", False)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nshort", ("media_unavailable", True)),
        (CLOSE, ("media_unavailable", True)),
        (RESET, ("media_unavailable", True)),
    ],
    ids=["expired", "empty", "gzip", "large", "large, and silent of it", "short", "close", "reset"],
)
def test_what_comes_instead_of_the_file(server: Server, told: bytes, expected: tuple[str, bool]) -> None:
    server.script += [_node(f"{server.url}/1"), told]

    assert expected == _failure(_files(server))


def test_silence_ends_in_time(server: Server) -> None:
    server.script += [SILENCE]
    assert ("media_unavailable", True) == _failure(_files(server, 0.3))
    server.script += [_node(f"{server.url}/1"), SILENCE]
    assert ("media_unavailable", True) == _failure(_files(server, 0.3))


def test_nobody_is_there() -> None:
    files = RequestsMetaFiles(session(), f"http://127.0.0.1:{refused_port()}", "v25.0", 5)

    assert ("media_unavailable", True) == _failure(files)
