"""The numbers table in memory."""

from collections.abc import Callable
from threading import Lock
from typing import Any

from hkreach.domain.meta_media import MetaMedia
from hkreach.domain.number import MetaState, NumberState
from hkreach.domain.pair_pace import PairPace
from hkreach.ports import Contended
from tests.fakes.faults import Faulty


class FakeNumbers(Faulty):
    """Implements the port `Numbers`. `contended` of the next changes find that somebody was quicker too often."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, Any] = {}
        self.writes: list[str] = []
        self.contended = 0
        self._lock = Lock()

    def number[T](self, phone_number_id: str, decide: Callable[[NumberState], tuple[NumberState, T]]) -> T:
        self._called("number")
        return self._change(f"number#{phone_number_id}", NumberState(), decide)

    def pair[T](self, phone_number_id: str, to: str, decide: Callable[[PairPace], tuple[PairPace, T]]) -> T:
        self._called("pair")
        return self._change(f"pair#{phone_number_id}#{to}", PairPace(), decide)

    def media[T](self, phone_number_id: str, content: str, decide: Callable[[MetaMedia], tuple[MetaMedia, T]]) -> T:
        self._called("media")
        return self._change(f"media#{phone_number_id}#{content}", MetaMedia(), decide)

    def meta[T](self, decide: Callable[[MetaState], tuple[MetaState, T]]) -> T:
        self._called("meta")
        return self._change("meta", MetaState(), decide)

    def _change[State, T](self, key: str, new: State, decide: Callable[[State], tuple[State, T]]) -> T:
        if self.contended:
            self.contended -= 1
            raise Contended(key)
        while True:
            state = self.states.get(key, new)
            after, told = decide(state)
            if after == state or self._swap(key, state, after):
                return told

    def _swap(self, key: str, state: Any, after: Any) -> bool:
        """Write it, unless another thread was quicker."""
        with self._lock:
            if self.states.get(key, state) is not state:
                return False
            self.states[key] = after
            self.writes.append(key)
            return True
