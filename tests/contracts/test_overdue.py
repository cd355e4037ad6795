"""The clock that rings while its caller waits."""

import logging
from threading import Event

import pytest

from hkreach.adapters.overdue import overdue


def test_it_rings_while_the_block_lasts() -> None:
    rang = Event()
    with overdue(1, rang.set):
        assert rang.wait(30)


def test_it_does_not_ring_for_what_was_in_time() -> None:
    later, rang = Event(), Event()
    with overdue(200, rang.set):
        pass
    with overdue(400, later.set):
        assert later.wait(30)

    assert not rang.is_set()


def test_a_block_that_raises_is_over_too() -> None:
    later, rang = Event(), Event()
    with pytest.raises(OSError, match="no answer"), overdue(200, rang.set):
        raise OSError("no answer")
    with overdue(400, later.set):
        assert later.wait(30)

    assert not rang.is_set()


def test_what_ringing_raises_is_logged_and_stops_nothing() -> None:
    logged = Event()

    class _Told(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "overdue" in record.getMessage():
                logged.set()

    def ring() -> None:
        raise OSError("the table does not answer")

    told = _Told()
    logger = logging.getLogger("hkreach")
    logger.addHandler(told)
    try:
        with overdue(1, ring):
            assert logged.wait(30)
    finally:
        logger.removeHandler(told)
