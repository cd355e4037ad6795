"""Many workers at one file."""

import threading
from typing import Any

from hkreach.domain.meta_outcome import Outcome
from tests.fakes.outside import FakeMeta


class Crowd(FakeMeta):
    """Answers an upload when each worker but the one that makes it has been told to come back."""

    def __init__(self, others: int) -> None:
        super().__init__()
        self.others, self.told, self.all_told = others, set[int](), threading.Event()

    def upload(self, *args: Any) -> Outcome:
        assert self.all_told.wait(20)
        return super().upload(*args)

    def came_back(self) -> None:
        self.told.add(threading.get_ident())
        if len(self.told) >= self.others:
            self.all_told.set()
