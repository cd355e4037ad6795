"""The numbers table in memory."""

from collections.abc import Callable
from typing import Any

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

    def number[T](self, phone_number_id: str, decide: Callable[[NumberState], tuple[NumberState, T]]) -> T:
        self._called("number")
        return self._change(f"number#{phone_number_id}", NumberState(), decide)

    def pair[T](self, phone_number_id: str, to: str, decide: Callable[[PairPace], tuple[PairPace, T]]) -> T:
        self._called("pair")
        return self._change(f"pair#{phone_number_id}#{to}", PairPace(), decide)

    def meta[T](self, decide: Callable[[MetaState], tuple[MetaState, T]]) -> T:
        self._called("meta")
        return self._change("meta", MetaState(), decide)

    def _change[State, T](self, key: str, new: State, decide: Callable[[State], tuple[State, T]]) -> T:
        if self.contended:
            self.contended -= 1
            raise Contended(key)
        state = self.states.get(key, new)
        after, told = decide(state)
        if after != state:
            self.states[key] = after
            self.writes.append(key)
        return told
