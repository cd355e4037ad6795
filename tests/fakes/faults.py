"""Faults that a test orders: the next call of a method raises."""


class Faulty:
    """Base of the fakes: `fails("put", error)` makes the next `put` raise."""

    def __init__(self) -> None:
        self._faults: dict[str, list[Exception]] = {}
        self.calls: list[str] = []
        """The methods called, in their order."""

    def fails(self, method: str, *errors: Exception) -> None:
        """The next calls of a method raise these, one each."""
        self._faults.setdefault(method, []).extend(errors)

    def _called(self, method: str) -> None:
        self.calls.append(method)
        if self._faults.get(method):
            raise self._faults[method].pop(0)
