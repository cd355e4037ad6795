"""A status that came without the echo before Meta's id for the message was known: it is looked for again and again."""

from dataclasses import dataclass

from hkreach.domain.message import StatusCallback
from hkreach.domain.time import MINUTE, SECOND

FIRST_LOOK = 5
"""Seconds: most often our own answer is written by then, and the index knows it."""
_LONGEST = 60
_PATIENCE = 3 * MINUTE
"""A call and the write after it are over in one; what makes Meta's id known later is another status with the echo."""


@dataclass(frozen=True, slots=True)
class EarlyStatus:
    """What came for a number of this app, and when, in milliseconds."""

    status: StatusCallback
    app_name: str
    since: int

    def next_look(self, now: int) -> int | None:
        """In how many seconds to look again, each time twice as late; None: it was looked for long enough."""
        age = now - self.since
        return min(_LONGEST, max(FIRST_LOOK, age // SECOND)) if age < _PATIENCE else None


def may_be_early(status: StatusCallback) -> bool:
    """Whether a status whose message was not found may be of one that is found later: it has no echo at all."""
    return status.message_id is None and not status.is_foreign
