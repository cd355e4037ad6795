"""How many messages Meta takes: in a second at one number, and from one number to one recipient."""

from collections import deque

from local.meta.clock import Clock
from local.meta.graph_errors import GraphError
from local.meta.recipients import Recipient
from local.meta.settings import Number, Settings

type _Pair = tuple[str, str]

_SPARE_PAIRS = 1000


class Limits:
    """Counts messages against both limits. What is refused costs nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._recent: dict[str, deque[float]] = {}
        self._borrowed: dict[_Pair, tuple[float, float]] = {}
        """How many messages a pair was ahead of its rate, and when; it gives back one each `pair_seconds`."""
        self._sweep_at = _SPARE_PAIRS

    def take(self, number: Number, recipient: Recipient, settings: Settings) -> float:
        """Count a message to a recipient and return when that was, or raise what Meta answers."""
        now = self._clock()
        recent = self._last_second(number, now)
        if number.throughput is not None and len(recent) >= number.throughput:
            raise GraphError(130429, "Cloud API message throughput has been reached.")
        # A person is the same one by phone number and by user id.
        self._borrow((number.phone_number_id, recipient.user_id or recipient.address), settings, now)
        recent.append(now)
        return now

    def count_inbound(self, number: Number) -> None:
        """Count a customer's message, which is never refused, but uses the number's throughput too."""
        now = self._clock()
        self._last_second(number, now).append(now)

    def clear(self) -> None:
        """Forget all messages."""
        self._recent.clear()
        self._borrowed.clear()

    def _last_second(self, number: Number, now: float) -> deque[float]:
        recent = self._recent.setdefault(number.phone_number_id, deque())
        while recent and recent[0] <= now - 1:
            recent.popleft()
        return recent

    def _borrow(self, pair: _Pair, settings: Settings, now: float) -> None:
        burst, seconds = settings.pair_burst, settings.pair_seconds
        if burst is None or not seconds:
            return
        borrowed = max(0.0, self._still_borrowed(pair, now, seconds))
        if borrowed + 1 > burst:
            raise GraphError(
                131056,
                "Message failed to send because there were too many messages sent from this phone number to the same "
                "phone number in a short period of time.",
            )
        if len(self._borrowed) >= self._sweep_at:
            self._forget_even_pairs(now, seconds)
        self._borrowed[pair] = borrowed + 1, now

    def _still_borrowed(self, pair: _Pair, now: float, seconds: float) -> float:
        borrowed, then = self._borrowed.get(pair, (0.0, now))
        return borrowed - (now - then) / seconds

    def _forget_even_pairs(self, now: float, seconds: float) -> None:
        """Keep what still counts; done each time the pairs have doubled, it costs little for one message."""
        self._borrowed = {
            pair: kept for pair, kept in self._borrowed.items() if self._still_borrowed(pair, now, seconds) > 0
        }
        self._sweep_at = 2 * len(self._borrowed) + _SPARE_PAIRS
