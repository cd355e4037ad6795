"""Tell the senders what Meta says only after it took a message: as its answer to the call would have told them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from hkreach.domain.meta_outcome import NEEDS_THE_OPERATOR, NOT_PROCESSED, Halted, NotSent, in_a_word
from hkreach.domain.number import Limits, NumberState, Request
from hkreach.domain.time import SECOND
from hkreach.ports import Apps, Clock, Numbers
from hkreach.usecases.send_message_admission import fingerprint

logger = Logger(service="hkreach", child=True)


@dataclass(frozen=True, slots=True)
class LateError:
    """An error of Meta's, and when it happened, in milliseconds."""

    phone_number_id: str
    code: int
    at: int

    @property
    def outcome(self) -> Halted | NotSent | None:
        """What it would have been as an answer; None if it says nothing of the whole number."""
        if self.code in NEEDS_THE_OPERATOR:
            return Halted(str(self.code))
        throttle = NOT_PROCESSED.get(self.code)
        return NotSent(str(self.code)) if throttle and throttle.scope == "number" else None


@dataclass(frozen=True, slots=True)
class TellSenders:
    """The part with everything it needs. `limits`: those of the senders."""

    apps: Apps
    numbers: Numbers
    now: Clock
    limits: Limits

    def __call__(self, errors: Iterable[LateError]) -> None:
        """Stop or slow each number once for each code.

        It never raises: what Meta told is written by then, and to be told it again would not help.
        """
        latest = {(error.phone_number_id, error.code): error for error in sorted(errors, key=lambda error: error.at)}
        for error in latest.values():
            try:
                self._tell(error)
            except Exception:
                logger.exception("could not tell the senders", phone_number_id=error.phone_number_id, code=error.code)

    def _tell(self, error: LateError) -> None:
        """An error as old as a halt lasts changes nothing: so none stops again what was resumed long since."""
        number, now, outcome = error.phone_number_id, self.now(), error.outcome
        left = self.limits.halted - max(0, now - error.at) // SECOND
        app_name = self.apps.name_of_number(number) if outcome and left > 0 else None
        app = self.apps.get(app_name) if app_name else None
        account = app.account_of(number) if app else None
        if outcome is None or app is None or account is None:
            return
        # Urgent: what waits is given its place when it comes; an error takes none in the line.
        asked = Request(now, 1, fingerprint(account), app.messages_per_second, urgent=True)
        limits = replace(self.limits, halted=left)

        def decide(state: NumberState) -> tuple[NumberState, bool]:
            if state.breaker.is_open(now) or error.at < state.pace.cut_until:  # it is known
                return state, False
            return state.after(outcome, asked, limits)[0], True

        if self.numbers.number(number, decide):
            # An alarm counts the lines of halted accounts.
            logger.warning("late error of a number", phone_number_id=number, outcome=in_a_word(outcome))
