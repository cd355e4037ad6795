"""`python -m tests.bench.media_upload`: what an upload of 100 MB costs, beside plainer ways of the same bytes.

Each way is a process of its own, in turns, to one server in another process that throws away what it gets. The source
makes its bytes at no cost; ours reads them from S3 too (a server that sends them, with their digest). CPU is the
process's own, user and system, as multiples of the raw copy of the same round. Peak memory is ru_maxrss above that of
a process that has the same modules and connections and uploads one byte.
"""

import base64
import hashlib
import multiprocessing
import resource
import socket
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

from requests_toolbelt import MultipartEncoder

from hkreach.adapters.aws import client
from hkreach.adapters.requests_deadline import Deadline
from hkreach.adapters.requests_meta import RequestsMeta
from hkreach.adapters.requests_session import session
from hkreach.adapters.s3_media import S3Media
from hkreach.domain.meta_outcome import Accepted
from tests.aws import ENVIRONMENT, environment

SIZE = 100_000_000
ROUNDS = 5
MOST_MEGABYTES = 16
MOST_CPU: Mapping[str, float] = {"ours": 8, "ours, from S3 with its SHA-256": 24}
"""In raw copies, some three times what was measured (docs/decisions/010-uploads.md): a machine's own ratios differ."""
_PIECE = bytes(256 * 1024)
_SENT = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"id": "1"}'
_PROCESSES = multiprocessing.get_context("spawn")


class Made:
    """So many zeros, from one piece of memory. It is what the encoder and the port need of a file."""

    def __init__(self, size: int) -> None:
        self.len = self._size = size

    def __len__(self) -> int:
        return self._size

    def read(self, size: int, /) -> bytes:
        block = _PIECE[: min(size, self.len)] if size < len(_PIECE) else _PIECE[: self.len]
        self.len -= len(block)
        return block


class Left(Made):
    """The same for the encoder alone: its length is what is left."""

    def __len__(self) -> int:
        return self.len


def raw(graph: str, _: str, size: int) -> None:
    """One socket, blocks of 256 KB."""
    host, _, port = graph.removeprefix("http://").partition(":")
    made = Made(size)
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode())
        while block := made.read(len(_PIECE)):
            connection.sendall(block)
        assert connection.recv(1_000)


def toolbelt(graph: str, _: str, size: int) -> None:
    """The encoder as its documentation gives it to requests, in http.client's blocks of 8 KB."""
    form = MultipartEncoder(
        {"messaging_product": "whatsapp", "type": "video/mp4", "file": ("a", Left(size), "video/mp4")}
    )
    made = session()
    for adapter in made.adapters.values():
        adapter.poolmanager.connection_pool_kw["blocksize"] = 8_192  # type: ignore[attr-defined]
    with Deadline(60):
        made.post(graph, data=form, headers={"Content-Type": form.content_type}, timeout=60)


def ours(graph: str, _: str, size: int) -> None:
    """The adapter."""
    meta = RequestsMeta(session(), graph, "v25.0", 60, 60)
    assert Accepted("1") == meta.upload("1", "t", Made(size), "video/mp4", "a.mp4")


def from_s3(graph: str, s3: str, size: int) -> None:
    """The adapter, with the file from the other adapter."""
    with environment(ENVIRONMENT | {"AWS_ENDPOINT_URL": s3}):
        store = S3Media(client("s3"), "media")
    meta = RequestsMeta(session(), graph, "v25.0", 60, 60)
    with store.open(str(size)) as file:
        assert Accepted("1") == meta.upload("1", "t", file, "video/mp4", "a.mp4")


def digest_alone(_graph: str, _s3: str, size: int) -> None:
    """What botocore computes on the way from S3."""
    made, digest = Made(size), hashlib.sha256()
    while block := made.read(len(_PIECE)):
        digest.update(block)


WAYS: Mapping[str, Callable[[str, str, int], None]] = {
    "a raw copy": raw,
    "toolbelt in blocks of 8 KB": toolbelt,
    "ours": ours,
    "ours, from S3 with its SHA-256": from_s3,
    "that SHA-256 alone": digest_alone,
}


def main() -> int:
    servers = [_started(each) for each in (_take, _give)]
    graph, s3 = (f"http://127.0.0.1:{port}" for _, port in servers)
    seen: dict[str, list[float]] = {name: [] for name in WAYS}
    above: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(ROUNDS):
        for name in WAYS:
            (cpu, peak), (idle_cpu, idle_peak) = (_measured(name, graph, s3, size) for size in (SIZE, 1))
            seen[name].append(cpu - idle_cpu)
            above[name].append(peak - idle_peak)
    for process, _ in servers:
        process.terminate()
    ratios = {
        name: statistics.median(own / copy for own, copy in zip(seen[name], seen["a raw copy"], strict=True))
        for name in WAYS
    }
    for name, ratio in ratios.items():
        per_mb = statistics.median(seen[name]) / (SIZE / 1e6) * 1e3
        sys.stdout.write(
            f"{name:32} CPU {ratio:5.2f} of a raw copy's, {per_mb:.2f} ms a MB; "
            f"memory {max(above[name]):.1f} MB above idle\n"
        )
    bounds = ", ".join(f"{most} ({name})" for name, most in MOST_CPU.items())
    sys.stdout.write(
        f"{SIZE // 10**6} MB, {ROUNDS} rounds; bounds: memory {MOST_MEGABYTES} MB, CPU in raw copies {bounds}\n"
    )
    return int(any(max(above[name]) > MOST_MEGABYTES or ratios[name] > most for name, most in MOST_CPU.items()))


def _measured(name: str, graph: str, s3: str, size: int) -> tuple[float, float]:
    """Seconds of CPU and peak memory in MB of one upload in a process of its own."""
    here, there = _PROCESSES.Pipe()
    process = _PROCESSES.Process(target=_upload, args=(there, name, graph, s3, size), daemon=True)
    process.start()
    figures: tuple[float, float] = here.recv()
    process.join()
    return figures


def _upload(parent: Connection, name: str, graph: str, s3: str, size: int) -> None:
    before = time.process_time()
    WAYS[name](graph, s3, size)
    parent.send((time.process_time() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def _started(serve: Callable[[socket.socket, bytearray, str], None]) -> tuple[Any, int]:
    here, there = _PROCESSES.Pipe()
    process = _PROCESSES.Process(target=_serve, args=(there, serve), daemon=True)
    process.start()
    return process, here.recv()


def _serve(parent: Connection, answer: Callable[[socket.socket, bytearray, str], None]) -> None:
    """One connection after the other, each with one request."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        parent.send(listening.getsockname()[1])
        room = bytearray(1024 * 1024)
        while True:
            connection, _ = listening.accept()
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65_536)
                answer(connection, room, head.decode("latin-1"))


def _take(connection: socket.socket, room: bytearray, head: str) -> None:
    """Meta: read as many bytes as are said to come, and answer."""
    headers, _, body = head.partition("\r\n\r\n")
    (length,) = [line.partition(":")[2] for line in headers.split("\r\n") if line.lower().startswith("content-length:")]
    left = int(length) - len(body)
    while left > 0:
        left -= connection.recv_into(room)
    connection.sendall(_SENT)


def _give(connection: socket.socket, _: bytearray, head: str) -> None:
    """S3: the key is the length; so many zeros, and their digest."""
    size = int(head.split()[1].rpartition("/")[2].partition("?")[0])
    digest = _digests.setdefault(size, base64.b64encode(hashlib.sha256(bytes(size)).digest()).decode())
    connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nx-amz-checksum-sha256: {digest}\r\n\r\n".encode())
    made = Made(size)
    while block := made.read(len(_PIECE)):
        connection.sendall(block)


_digests: dict[int, str] = {}

if __name__ == "__main__":
    sys.exit(main())
