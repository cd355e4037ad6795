"""What an adapter remembers for a while."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock

from cachetools import TTLCache


class Remembered[Key: Hashable, Value]:
    """Values by key, each for some seconds; 0 seconds: none.

    A batch is worked on by several threads, and a bare TTLCache is neither made for that nor sure to still have what
    it said a moment ago it has.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._values: TTLCache[Key, Value] = TTLCache(most, seconds)
        self._loading: dict[Key, Future[Value]] = {}
        self._lock = Lock()

    def get(self, key: Key) -> Value | None:
        """The value, if it is still remembered."""
        with self._lock:
            return self._look(key)

    def get_or_load(self, key: Key, load: Callable[[], Value]) -> Value:
        """The value, or else what `load` gives; that is remembered from now on, unless it is None.

        Of the threads that miss a key at once, one loads it and the others take what it got. If that one fails, it
        alone does: the others load for themselves.
        """
        with self._lock:
            value = self._look(key)
            if value is not None:
                return value
            others = self._loading.get(key)
            if others is None:
                own: Future[Value] = Future()
                self._loading[key] = own
        if others is not None:
            return others.result() if others.exception() is None else self._load(key, load)
        try:
            value = self._load(key, load)
        except BaseException as error:
            self._loaded(key)
            own.set_exception(error)
            raise
        self._loaded(key)
        own.set_result(value)
        return value

    def set(self, key: Key, value: Value) -> None:
        """Remember a value from now on."""
        with self._lock:
            self._values[key] = value

    def forget(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()

    def _look(self, key: Key) -> Value | None:
        try:
            return self._values[key]
        except KeyError:
            return None

    def _load(self, key: Key, load: Callable[[], Value]) -> Value:
        value = load()
        if value is not None:
            self.set(key, value)
        return value

    def _loaded(self, key: Key) -> None:
        with self._lock:
            del self._loading[key]
