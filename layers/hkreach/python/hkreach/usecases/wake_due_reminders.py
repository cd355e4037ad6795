"""Send the messages of leads' reminders whose time has come: each once."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from aws_lambda_powertools import Logger

from hkreach.domain.lead import Lead, LeadChange, next_version
from hkreach.domain.lead_follow_up import begun, ended
from hkreach.domain.message import KEPT_FOR, OutboundMessage, Status
from hkreach.domain.time import SECOND
from hkreach.ports import Apps, Clock, Messages
from hkreach.ports.leads import DueReminder, Leads

logger = Logger(service="hkreach", child=True)

MOST_AT_ONCE = 1_000
_TIME_TO_FINISH = 10 * SECOND
_TRIES = 10


def wake_due_reminders(
    *,
    leads: Leads,
    messages: Messages,
    apps: Apps,
    now: Clock,
    time_left: Callable[[], int],
    each: Callable[[Callable[[DueReminder], bool], Iterable[DueReminder]], Iterable[bool]] = map,
) -> int:
    """Write the messages of reminders that are due to the Outbox; returns how many.

    First the lead's item says that it is being sent, on condition that nobody changed or closed the lead: that decides.
    Then the message is put, under the one id that it can have, and then the lead says that it was sent. Who dies
    between leaves the first mark, and the reminder comes due again: it is sent, unless the lead was closed by
    then. `each` may work on them at once.
    """

    def one(due: DueReminder) -> bool:
        if time_left() < _TIME_TO_FINISH:
            return False
        try:
            return _send(due, leads, messages, apps, now)
        except Exception:
            # It stays due, and the others are not to wait for it.
            logger.exception("reminder was not sent", lead_id=due.lead_id, app_name=due.app_name)
            return False

    return sum(each(one, leads.due(now(), MOST_AT_ONCE)))


def _send(due: DueReminder, leads: Leads, messages: Messages, apps: Apps, now: Clock) -> bool:
    before = leads.get(due.app_name, due.lead_id)
    lead = begun(before, now()) if before is not None else None
    if before is None or lead is None or lead.follow_up is None:
        return False
    number, was_put = lead.follow_up.number, _was_put(before, messages)
    # Closed meanwhile: the stage by the app, or the lead after somebody began to send, and died before the message.
    if not was_put and leads.pipeline(lead.app_name).is_closed(lead.stage):
        leads.write([LeadChange(before, next_version(before, follow_up=None))])
        return False
    if not leads.write([LeadChange(before, lead)]):
        return False
    error = None if was_put else _put(lead, messages, apps, now())
    _end(lead, number, error, leads, now)
    return error is None and not was_put


def _was_put(lead: Lead, messages: Messages) -> bool:
    """Whether somebody who began to send put the message, and died before the last mark.

    Whoever began is no more by now: a function lives for a minute, and is followed after five.
    """
    follow_up = lead.follow_up
    if follow_up is None or follow_up.message is None or follow_up.state == "waiting":
        return False
    return messages.get(follow_up.message.message_id) is not None


def _put(lead: Lead, messages: Messages, apps: Apps, now: int) -> str | None:
    """Put the message; why not, in words for the app, if it cannot be made."""
    app = apps.get(lead.app_name)
    if app is None or app.meta is None:
        return "The app had no WhatsApp number when the reminder was due."
    if lead.customer.phone is None or lead.follow_up is None or lead.follow_up.message is None:
        return "The customer's phone number was not known any more when the reminder was due."
    message = _as_of(now, lead.follow_up.message, app.meta.phone_number_id, lead.customer.phone)
    messages.add(message)
    logger.info("reminder sent", lead_id=lead.lead_id, message_id=message.message_id, app_name=lead.app_name)
    return None


def _as_of(now: int, message: OutboundMessage, phone_number_id: str, to: str) -> OutboundMessage:
    """The message as of now, from the number that the app has by now to the one that the customer has."""
    return replace(
        message,
        phone_number_id=phone_number_id,
        to=to,
        facts={Status.QUEUED: now},
        deadline=now + message.deadline - message.facts[Status.QUEUED],
        expires_at=now + KEPT_FOR,
    )


def _end(lead: Lead | None, number: int, error: str | None, leads: Leads, now: Clock) -> None:
    """Whoever changes the lead meanwhile leaves its reminder as it is: it is written to what the lead is by then."""
    for _ in range(_TRIES):
        after = ended(lead, number, now(), error) if lead is not None else None
        if lead is None or after is None or leads.write([LeadChange(lead, after)]):
            return
        lead = leads.get(lead.app_name, lead.lead_id)
