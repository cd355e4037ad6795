"""Which ports the local stack takes."""

import socket
from collections.abc import Iterator
from io import StringIO

import pytest

from local.progress import CommandError, Progress
from local.stack.ports import ANY_FREE, FREE_RANGE, PREFERRED, Ports, choose_port, is_free, refuse_taken

pytestmark = pytest.mark.loopback


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_that_someone_listens_on_is_not_free(taken: int) -> None:
    assert not is_free(taken)


def test_a_named_port_that_is_taken_is_refused_in_one_line(taken: int) -> None:
    with pytest.raises(CommandError, match=f"^port {taken} is taken: .* META_PORT=…$"):
        choose_port("META_PORT", taken, Progress(StringIO()))


def test_all_named_ports_are_checked_at_once(taken: int) -> None:
    refuse_taken(Ports(None, ANY_FREE, None))
    with pytest.raises(CommandError, match="INBOX_PORT"):
        refuse_taken(Ports(None, ANY_FREE, taken))


def test_a_named_port_that_is_free_is_taken() -> None:
    port = choose_port("AWS_PORT", ANY_FREE, Progress(StringIO()))
    assert port in FREE_RANGE
    assert port == choose_port("AWS_PORT", port, Progress(StringIO()))


def test_a_preferred_port_that_is_taken_is_replaced_and_told(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    monkeypatch.setitem(PREFERRED, "AWS_PORT", taken)
    told = StringIO()
    port = choose_port("AWS_PORT", None, Progress(told))
    assert port in FREE_RANGE
    assert f"port {taken} is taken, using {port} instead" in told.getvalue()
