"""The headers of a template that are no file: a text, or a place on the map. A template has one header at most."""

import math
from dataclasses import dataclass

MAX_HEADER_TEXT = 60
MAX_LOCATION_TEXT = 1_000
"""Of the name and of the address of a place; Meta states no limit."""
MAX_LATITUDE = 90
MAX_LONGITUDE = 180


@dataclass(frozen=True, slots=True)
class TextHeader:
    """The value for the variable in the header's text."""

    text: str


@dataclass(frozen=True, slots=True)
class LocationHeader:
    """A place, in degrees."""

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


type Header = TextHeader | LocationHeader
"""What stands in the message itself. A file is `Media`, beside it: it is known when it is stored."""


def check_degrees(value: float, limit: int) -> float:
    """A latitude (limit 90) or longitude (180). Raises ValueError if there is no such place."""
    if not math.isfinite(value) or not -limit <= value <= limit:
        raise ValueError(f"must be a number of degrees from {-limit} to {limit}")
    return value


def degrees_text(value: float) -> str:
    """Meta wants text: to 7 places, which is a centimetre, and never `1e-05`, as Python would write it."""
    return f"{round(value, 7) + 0.0:.7f}".rstrip("0").rstrip(".")
