"""Calls of `requests` that end in time, whatever the server does.

Its own timeouts begin anew with every byte: a server that drips them, or takes them one by one, holds a call for ever.
Here each handshake, send and receive gets what is left of the call's total, in the call's own thread.
"""

import io
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from http.client import HTTPResponse
from typing import Any, Self

from requests import Session
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

_CHUNK_HEAD = re.compile(rb"([0-9A-Fa-f]{1,16})[\t ]*(?:;[^\n]*)?\r?\n")
_LONGEST_HEAD = 4_096


class Deadline:
    """`with Deadline(20): session.post(...)`: all of that call, the reading too, ends within 20 seconds.

    What the deadline cuts off fails as a timeout of `requests` or urllib3 does, and its connection is closed.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends = time.monotonic() + seconds

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)

    @property
    def has_passed(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._ends

    def left(self) -> float:
        """The seconds that are left. Raises TimeoutError if there are none: a socket would take 0 as "do not wait"."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the call's deadline has passed")
        return left


def with_deadlines(session: Session) -> Session:
    """The same session; from now on each of its calls needs a `Deadline`, and raises LookupError without one."""
    for adapter in session.adapters.values():
        assert isinstance(adapter, HTTPAdapter)
        adapter.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return session


def with_lookups_in_time(session: Session) -> Session:
    """The same session, of microsoft-antissrf: its own lookup of a name, made for each call, ends in time as well."""
    for adapter in session.adapters.values():
        assert isinstance(adapter, HTTPAdapter)
        look_up = adapter.build_connection_pool_key_attributes  # where the library hooks into `requests`
        adapter.build_connection_pool_key_attributes = partial(_in_time, look_up)  # type: ignore[method-assign]
    return session


_current: ContextVar[Deadline] = ContextVar("deadline")


def _in_a_thread[T](work: Callable[[], T]) -> Future[T]:
    thread = ThreadPoolExecutor(1, thread_name_prefix="connect")
    begun = thread.submit(work)
    thread.shutdown(wait=False)
    return begun


def _in_time[T](look_up: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    return _in_a_thread(partial(look_up, *args, **kwargs)).result(_current.get().left())


class _Received(io.RawIOBase):
    """What the socket receives."""

    def __init__(self, sock: socket.socket, received: io.RawIOBase) -> None:
        self._sock = sock
        self._received = received

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_current.get().left())
        return self._received.readinto(buffer)

    def close(self) -> None:
        self._received.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Received(sock, self.fp.detach()))

    def _read_next_chunk_size(self) -> int:
        """As RFC 9112, 7.1 has it. The base class takes what `int` takes, and after a size of -1 reads all at once."""
        head = _CHUNK_HEAD.fullmatch(self.fp.readline(_LONGEST_HEAD))
        if not head:
            raise ValueError("not the size of a chunk")
        return int(head[1], 16)


class _Connection(HTTPConnection):
    response_class = _Response

    def connect(self) -> None:
        """Of the request nothing has left yet: whatever fails here says so."""
        try:
            super().connect()
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error

    def _new_conn(self) -> socket.socket:
        """Look the name up and connect, in a thread: a lookup takes no timeout, but it can be left behind."""
        attempt = _in_a_thread(super()._new_conn)
        try:
            connected = attempt.result(_current.get().left())
            left = _current.get().left()
            connected.settimeout(min(self.timeout or left, left))  # for the handshake
        except TimeoutError as error:
            attempt.add_done_callback(_close)
            raise ConnectTimeoutError(self, f"no connection to {self.host} before the deadline") from error
        return connected

    def send(self, data: Any) -> None:
        """One `sendall`, whose time is a total, over TLS too."""
        if self.sock is None:
            self.connect()
        self.sock.settimeout(_current.get().left())
        super().send(data)


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _close(attempt: Future[socket.socket]) -> None:
    if attempt.exception() is None:
        attempt.result().close()
