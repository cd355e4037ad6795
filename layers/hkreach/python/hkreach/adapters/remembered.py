"""What an adapter remembers for a while."""

from collections.abc import Hashable
from threading import Lock

from cachetools import TTLCache


class Remembered[Key: Hashable, Value]:
    """Values by key, each for some seconds; 0 seconds: none.

    A batch is worked on by several threads, and a bare TTLCache is neither made for that nor sure to still have what
    it said a moment ago it has.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._values: TTLCache[Key, Value] = TTLCache(most, seconds)
        self._lock = Lock()

    def get(self, key: Key) -> Value | None:
        """The value, if it is still remembered."""
        with self._lock:
            try:
                return self._values[key]
            except KeyError:
                return None

    def set(self, key: Key, value: Value) -> None:
        """Remember a value from now on."""
        with self._lock:
            self._values[key] = value

    def forget(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
