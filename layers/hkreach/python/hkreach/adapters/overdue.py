"""A clock that rings while its caller waits for somebody else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer

from aws_lambda_powertools import Logger

logger = Logger(service="hkreach", child=True)


@contextmanager
def overdue(milliseconds: int, ring: Callable[[], None]) -> Iterator[None]:
    """Implements the port `Overdue`: each block has a thread. What `ring` raises is logged, for nobody waits for it."""

    def in_time() -> None:
        try:
            ring()
        except Exception:
            logger.exception("what was overdue could not be told")

    timer = Timer(milliseconds / 1000, in_time)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
