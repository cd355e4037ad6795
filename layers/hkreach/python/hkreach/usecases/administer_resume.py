"""What waits for a number that was stopped goes when that is over, at the number's pace."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hkreach.domain.app import App
from hkreach.domain.errors import Conflict
from hkreach.domain.message import DueMessage, Status
from hkreach.domain.moved_up import moved_up, what_stopped
from hkreach.domain.number import BREAKER, HALTED, NumberState
from hkreach.domain.time import SECOND
from hkreach.ports import Clock, Contended, Messages, Numbers
from hkreach.ports.stopped import StoppedMessages

ANYTHING, THE_TOKEN = frozenset({HALTED, BREAKER}), frozenset({HALTED})
"""What was mended."""
_RESERVE = 5 * SECOND
"""Left of an invocation's time for what was begun, and for the answer."""


@dataclass(frozen=True, slots=True)
class ResumeWaiting:
    """Moves messages up to the first free places in their number's line. It may be repeated at any time."""

    messages: Messages
    stopped: StoppedMessages
    numbers: Numbers
    now: Clock

    def __call__(
        self,
        app: App,
        mended: frozenset[str],
        not_before: int,
        after: str | None,
        time_left: Callable[[], int],
    ) -> dict[str, Any]:
        """Those that `mended` stopped come due, not before then; one-time codes at once.

        Answers how many, and whether there is `more`: then another call goes on at `next`, its `after`. Raises Conflict
        if others change the number's state again and again.
        """
        resumed = 0
        while time_left() > _RESERVE:
            page = self.stopped.waiting(app.app_name, after)
            waiting = [message for message in page.messages if self._waits_for(message, mended)]
            for message, at in zip(waiting, self._places(app, waiting, not_before), strict=True):
                if time_left() <= _RESERVE:
                    return {"resumed": resumed, "more": True, "next": after}
                resumed += at < message.due_at and self.stopped.move_up(message, at)
            if page.next is None:
                return {"resumed": resumed, "more": False, "next": None}
            after = page.next
        return {"resumed": resumed, "more": True, "next": after}

    def _waits_for(self, message: DueMessage, mended: frozenset[str]) -> bool:
        if message.waits_for is not None:
            return message.waits_for.partition(":")[0] in mended
        tried = self.messages.get(message.message_id)  # its last attempt tells why it waits
        if tried is None or tried.status is not Status.QUEUED or not tried.attempts:
            return False
        return what_stopped(tried.attempts[-1].code) in mended

    def _places(self, app: App, waiting: Sequence[DueMessage], not_before: int) -> list[int]:
        def decide(state: NumberState) -> tuple[NumberState, list[int]]:
            return moved_up(state, self.now(), not_before, waiting, app.messages_per_second)

        if app.meta is None or not waiting:
            return [message.due_at for message in waiting]
        try:
            return self.numbers.number(app.meta.phone_number_id, decide)
        except Contended:
            raise Conflict("Not all that waits was made due: make the same call again.") from None
