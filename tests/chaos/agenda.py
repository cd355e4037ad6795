"""Things that come due at a time: cheap however many there are."""

from heapq import heappop, heappush
from itertools import count
from random import Random


class Agenda[Thing]:
    """Holds each thing until its time has come; of those whose time has come, any may be next."""

    def __init__(self) -> None:
        self._later: list[tuple[int, int, Thing]] = []
        self._due: list[Thing] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._later) + len(self._due)

    def add(self, at: int, thing: Thing) -> None:
        heappush(self._later, (at, next(self._order), thing))

    def is_due(self, now: int) -> bool:
        """Whether anything is; time only goes forward."""
        while self._later and self._later[0][0] <= now:
            self._due.append(heappop(self._later)[2])
        return bool(self._due)

    def take(self, now: int, random: Random) -> Thing | None:
        """Any of the things that are due, taken out."""
        if not self.is_due(now):
            return None
        place = random.randrange(len(self._due))
        self._due[place], self._due[-1] = self._due[-1], self._due[place]
        return self._due.pop()
