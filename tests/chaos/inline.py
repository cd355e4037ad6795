"""Threads would make a run depend on the machine: here their work is done at once, in the order of its coming."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class InlineExecutor(Executor):
    """Takes the place of a `ThreadPoolExecutor`."""

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__()

    def submit[Result](self, work: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        future: Future[Result] = Future()
        try:
            future.set_result(work(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - as a pool's thread does; who asks for the result gets it
            future.set_exception(error)
        return future
