"""Servers on 127.0.0.1 that hold a call as long as it lets them, and see when it lets go."""

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.contracts.server import OK

PAUSE = 0.02
"""Seconds between two pieces: no single read of the other side lasts long."""
PATIENCE = 20
"""Seconds after which a server gives up too, so that a broken test ends."""
CERTIFIED = ["localhost", "files.example.com"]

type Manner = Callable[[socket.socket, "Stubborn"], None]


@dataclass
class Stubborn:
    port: int
    given_up: threading.Event = field(default_factory=threading.Event)
    """Set by the test when its call has come back."""
    let_go: threading.Event = field(default_factory=threading.Event)
    """Set by the server when it sees that the other side has closed the connection."""
    received: bytearray = field(default_factory=bytearray)
    """Of the request that it is stubborn with."""

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"


def dripping(start: bytes, piece: bytes) -> Manner:
    """Read some of the request, send `start`, and then a piece now and again, for ever."""

    def talk(connection: socket.socket, server: Stubborn) -> None:
        server.received += connection.recv(65_536)
        connection.sendall(start)
        while not server.given_up.wait(PAUSE):
            connection.sendall(piece)

    return talk


def reading(size: int) -> Manner:
    """Read so many bytes now and again, and say nothing."""

    def talk(connection: socket.socket, server: Stubborn) -> None:
        while not server.given_up.wait(PAUSE):
            if size:
                server.received += connection.recv(size)

    return talk


def then(manner: Manner) -> Manner:
    """Answer one small request of Meta's first: the next comes on a connection that stands, so no load delays that."""

    def talk(connection: socket.socket, server: Stubborn) -> None:
        request = b""
        while not request.endswith((b"{}", b"--\r\n")):
            request += connection.recv(65_536)
        connection.sendall(OK)
        manner(connection, server)

    return talk


@contextmanager
def stubborn(manner: Manner, tls: ssl.SSLContext | None = None) -> Iterator[Stubborn]:
    """A server of one connection."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    listening.settimeout(PATIENCE)
    server = Stubborn(listening.getsockname()[1])
    thread = threading.Thread(target=_serve, args=(listening, server, manner, tls), daemon=True)
    with listening:
        thread.start()
        try:
            yield server
        finally:
            server.given_up.set()
            thread.join()


def _serve(listening: socket.socket, server: Stubborn, manner: Manner, tls: ssl.SSLContext | None) -> None:
    connection, _ = listening.accept()
    connection.settimeout(PATIENCE)
    with suppress(TimeoutError):
        try:
            with tls.wrap_socket(connection, server_side=True) if tls else connection as talking:
                manner(talking, server)
                while talking.recv(65_536):
                    pass
        except (ssl.SSLError, ConnectionError):
            pass
        server.let_go.set()


def certificate(folder: Path) -> Path:
    """A self-signed certificate of the names in `CERTIFIED` and its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in CERTIFIED]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = folder / "server.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file
