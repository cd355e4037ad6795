"""What an integrator's server said to one webhook."""

from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime

from hkreach.domain.time import SECOND

MOST_KEPT = 16_384
"""Bytes of the body."""
NO_ANSWER = "no answer"
"""Nobody was reached, or is to be: which of both is told to nobody."""
NOT_IN_TIME = "no answer in time"
BAD_CERTIFICATE = "no answer: its certificate is not valid"
_LONGEST_WAIT_SECONDS = 10**9


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` None: no answer. `retry_after`: the milliseconds that it asks for, from its answer on."""

    status: int | None
    retry_after: int | None = None
    body: bytes = field(default=b"", repr=False)
    """The first `MOST_KEPT` bytes, as far as they came."""
    ours: bool = False
    """There is no answer for a reason of this machine's: not the endpoint's fault, and not counted."""

    lack: str = field(default=NO_ANSWER, compare=False)
    """What there is instead of an answer, in words."""

    @property
    def failure(self) -> str | None:
        """Why the event was not taken, in words; None: it was, with a 2xx."""
        if self.status is None:
            return self.lack
        return None if 200 <= self.status < 300 else f"HTTP {self.status}"


def parse_retry_after(header: str | None, now: int) -> int | None:
    """The milliseconds that a `Retry-After` asks for (RFC 9110 §10.2.3: seconds or a date); None if it asks nothing."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:12]), _LONGEST_WAIT_SECONDS) * SECOND
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0, round(at.timestamp() * SECOND) - now)
