"""The tests' own rule: no test reaches out, and those that are marked reach this machine only."""

import socket

import pytest
from pytest_socket import SocketBlockedError, SocketConnectBlockedError

# pytest-socket warns before it raises, and warnings are errors here.
pytestmark = pytest.mark.filterwarnings("ignore:A test tried to use socket")


def test_sockets_are_closed() -> None:
    with pytest.raises(SocketBlockedError):
        socket.create_connection(("127.0.0.1", 9))


@pytest.mark.loopback
def test_loopback_opens_this_machine_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 443), timeout=1)
