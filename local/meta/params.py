"""Reads a request's parameters; what is wrong becomes a Graph error that names the parameter."""

from collections.abc import Collection
from typing import Self

from local.meta.graph_errors import GraphError


class Params:
    """One object of a request's JSON, with its path from the root for the errors."""

    def __init__(self, value: object, path: str = "") -> None:
        if not isinstance(value, dict):
            raise GraphError(100, f"Param {path or 'body'} must be a JSON object.")
        self._value = value
        self._path = path

    def __contains__(self, key: str) -> bool:
        return key in self._value

    def path(self, key: str) -> str:
        """Return the name of a parameter as Meta writes it: template['name']."""
        return f"{self._path}['{key}']" if self._path else key

    def allow_only(self, *keys: str) -> None:
        """Refuse any parameter besides these."""
        for key in self._value:
            if key not in keys:
                raise GraphError(100, f'Unexpected key "{key}" on param "{self._path or "body"}".')

    def text(self, key: str, *, at_most: int | None = None, empty: bool = False) -> str:
        """Return a required text; empty counts as missing unless `empty`."""
        value = self._required(key)
        if not isinstance(value, str):
            raise GraphError(100, f"Param {self.path(key)} must be a string.")
        if not value and not empty:
            raise GraphError(131008, f"Parameter {self.path(key)} is missing a value.")
        if at_most is not None and len(value) > at_most:
            raise GraphError(100, f"Param {self.path(key)} must be at most {at_most} characters long.")
        return value

    def optional_text(self, key: str, *, at_most: int | None = None) -> str | None:
        """Return a text that may be absent."""
        return self.text(key, at_most=at_most, empty=True) if key in self._value else None

    def choice(self, key: str, options: Collection[str], *, code: int = 100) -> str:
        """Return a required text that must be one of the options, which are case-sensitive."""
        value = self.text(key)
        if value not in options:
            raise GraphError(code, f'Param {self.path(key)} must be one of {{{", ".join(options)}}}, got "{value}".')
        return value

    def flag(self, key: str) -> None:
        """Refuse a value that is present and is not a boolean."""
        if not isinstance(self._value.get(key, False), bool):
            raise GraphError(100, f"Param {self.path(key)} must be a boolean.")

    def whole(self, key: str) -> int:
        """Return a required whole number."""
        value = self._required(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise GraphError(100, f"Param {self.path(key)} must be an integer.")
        return value

    def index(self, key: str) -> int:
        """Return a position from 0 to 9, given as a number or as its text: Meta's own examples have both."""
        value = self._required(key)
        if isinstance(value, bool) or str(value) not in _POSITIONS:
            raise GraphError(100, f"Param {self.path(key)} must be a number from 0 to 9.")
        return int(str(value))

    def coordinate(self, key: str, limit: float) -> None:
        """Refuse a latitude or longitude that is no number, or out of range; text is as good as a number."""
        value = self._required(key)
        try:
            degrees = float(value) if isinstance(value, str | int | float) else None
        except ValueError:
            degrees = None
        if degrees is None or not -limit <= degrees <= limit:
            raise GraphError(131009, f"Parameter {self.path(key)} is not a valid coordinate.")

    def child(self, key: str) -> Self:
        """Return a required object."""
        return type(self)(self._required(key), self.path(key))

    def children(self, key: str, *, at_least: int = 0, at_most: int | None = None) -> list[Self]:
        """Return a required list of objects."""
        value = self._required(key)
        if not isinstance(value, list):
            raise GraphError(100, f"Param {self.path(key)} must be an array.")
        if len(value) < at_least or (at_most is not None and len(value) > at_most):
            raise GraphError(
                131009,
                f"Parameter {self.path(key)} must have {at_least} to {at_most} elements, got {len(value)}.",
            )
        return [type(self)(item, f"{self.path(key)}[{index}]") for index, item in enumerate(value)]

    def _required(self, key: str) -> object:
        value = self._value.get(key)
        if value is None:
            raise GraphError(131008, f"Parameter {self.path(key)} is missing.")
        return value


_POSITIONS = frozenset("0123456789")
