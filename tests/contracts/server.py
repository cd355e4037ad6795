"""A server of one's own on 127.0.0.1: it answers from a script, byte by byte if need be, and keeps what it was sent."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CLOSE = b""
"""Read the request and hang up without an answer."""
SILENCE = None
"""Read the request and say nothing."""
RESET = b"RST"
"""Read the request and tear the connection down."""


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Words", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Server:
    port: int = 0
    script: list[bytes | None] = field(default_factory=list)
    """Raw answers, one for each request; when it is empty: OK."""
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    """Request line, headers in lower case, body."""
    together: threading.Barrier | None = None
    """Each answer waits until so many requests are there."""
    connections: list[socket.socket] = field(default_factory=list)
    """All that were opened."""
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def serving(*script: bytes | None) -> Iterator[Server]:
    """A server until the context ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.1)
    server = Server(listening.getsockname()[1], list(script))
    thread = threading.Thread(target=_accept, args=(listening, server), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        for connection in server.connections:
            with suppress(OSError):  # it is closed already
                connection.shutdown(socket.SHUT_RDWR)
        thread.join()
        listening.close()


def refused_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def _accept(listening: socket.socket, server: Server) -> None:
    workers, connections = [], []
    while not server.stopped.is_set():
        with suppress(TimeoutError):
            connection, _ = listening.accept()
            server.connections.append(connection)
            workers.append(threading.Thread(target=_talk, args=(connection, server), daemon=True))
            workers[-1].start()
            connections.append(connection)
    for connection in connections:
        with suppress(OSError):  # a client that still keeps it, as a failed test's, must not hold us
            connection.shutdown(socket.SHUT_RD)
    for worker in workers:
        worker.join()


def _talk(connection: socket.socket, server: Server) -> None:
    with connection, connection.makefile("rb") as stream, suppress(OSError):
        while line := stream.readline():
            headers = {}
            while (header := stream.readline().strip()) != b"":
                name, _, value = header.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            body = stream.read(int(headers.get("content-length", "0")))
            server.requests.append((line.decode().strip(), headers, body))
            told = server.script.pop(0) if server.script else OK
            if server.together:
                server.together.wait(20)
            if told is SILENCE:
                server.stopped.wait()
            if told is RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                stream.close()
                return
            if not told:
                return
            connection.sendall(told)
            if b"connection: close" in told.lower():
                return
