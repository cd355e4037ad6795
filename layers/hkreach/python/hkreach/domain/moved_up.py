"""What waits for a number that was stopped, when it goes on: which messages, and when."""

from collections.abc import Sequence
from dataclasses import replace

from hkreach.domain.message import DueMessage
from hkreach.domain.meta_outcome import NEEDS_THE_OPERATOR, NO_CONNECTION, NotSent
from hkreach.domain.number import BREAKER, HALTED, NumberState


def what_stopped(code: str) -> str | None:
    """`HALTED` or `BREAKER`, if an attempt that ended so tells that the number may not send; None if it does not."""
    if code == NO_CONNECTION:
        return BREAKER
    if not code.isdecimal():
        return None
    if int(code) in NEEDS_THE_OPERATOR:
        return HALTED
    return BREAKER if NotSent(code).throttle.scope in {"number", "meta"} else None


def moved_up(
    state: NumberState, now: int, not_before: int, waiting: Sequence[DueMessage], messages_per_second: float | None
) -> tuple[NumberState, list[int]]:
    """When each comes due, in milliseconds: at the next free place in the number's line, and never later than it was.

    One-time codes do not stand in line.
    """
    free = max(not_before, state.pace.booked_at)
    in_line = [message for message in waiting if not _is_urgent(message) and message.due_at > free]
    times = {message.message_id: not_before for message in waiting if _is_urgent(message)}
    if in_line:
        pace, places = state.pace.book(free, state.pace.rate(now, messages_per_second), len(in_line))
        state = replace(state, pace=pace)
        times |= {message.message_id: at for message, at in zip(in_line, places, strict=True)}
    return state, [min(message.due_at, times.get(message.message_id, message.due_at)) for message in waiting]


def _is_urgent(message: DueMessage) -> bool:
    return message.purpose == "authentication"
