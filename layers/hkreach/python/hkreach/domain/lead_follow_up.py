"""The life of a lead's reminder: set, begun, ended. Who writes the beginning first decides whether it is sent."""

from dataclasses import replace
from uuid import NAMESPACE_URL, uuid5

from hkreach.domain.errors import Conflict, Fault, Invalid, Unavailable
from hkreach.domain.lead import FollowUp, FollowUpState, Lead, Pipeline, changed, next_version
from hkreach.domain.message import OutboundMessage
from hkreach.domain.time import DAY

LONGEST_AHEAD = 366 * DAY
_IDS = uuid5(NAMESPACE_URL, "urn:hkreach:reminder")


def reminder_message_id(lead: Lead) -> str:
    """The one id that the message of the lead's next reminder can have, so that to send it again is the same write."""
    return str(uuid5(_IDS, f"{lead.app_name}\0{lead.lead_id}\0{lead.follow_ups + 1}"))


def with_follow_up(
    lead: Lead, at: int, note: str | None, message: OutboundMessage | None, pipeline: Pipeline, now: int
) -> Lead:
    """The lead with a reminder, instead of the one it has.

    Raises Conflict if it is closed, Unavailable while the old one is being sent, Invalid for a time that is no use.
    """
    if pipeline.is_closed(lead.stage):
        raise Conflict(f"The lead is closed ({lead.stage!r}): move it to an open stage to be reminded of it.")
    if not now < at <= now + LONGEST_AHEAD:
        raise Invalid("The lead was not changed.", [Fault("followUp.at", "followUp.at must lie within the next year")])
    _refuse_while_sending(lead)
    number = lead.follow_ups + 1
    return changed(lead, follow_up=FollowUp(number, at, note, message), follow_ups=number)


def without_follow_up(lead: Lead) -> Lead:
    """The lead without a reminder. Raises Unavailable while that is being sent."""
    _refuse_while_sending(lead)
    return changed(lead, follow_up=None)


def begun(lead: Lead, now: int) -> Lead | None:
    """The lead whose reminder is being sent from now on; None if nothing of it is due."""
    follow_up = lead.follow_up
    if follow_up is None or follow_up.due_at is None or follow_up.due_at > now or lead.forgotten:
        return None
    return next_version(lead, follow_up=replace(follow_up, state="sending", tried_at=now))


def ended(lead: Lead, number: int, now: int, error: str | None = None) -> Lead | None:
    """The lead whose reminder was sent, or was not; None if that is not its reminder any more."""
    follow_up = lead.follow_up
    if follow_up is None or follow_up.number != number or follow_up.state != "sending":
        return None
    state: FollowUpState = "failed" if error else "sent"
    return next_version(lead, follow_up=replace(follow_up, state=state, ended_at=now, error=error))


def _refuse_while_sending(lead: Lead) -> None:
    if lead.follow_up is not None and lead.follow_up.state == "sending":
        raise Unavailable("The lead's reminder is being sent at this moment: try again in a minute.")
