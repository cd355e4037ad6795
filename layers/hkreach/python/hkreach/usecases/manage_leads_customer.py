"""Find a customer's lead, or make one: of any number who try at once one makes it, and the others find it."""

from collections.abc import Mapping

from hkreach.domain.errors import Conflict, Unavailable
from hkreach.domain.lead import BY_THE_CUSTOMER, Customer, Lead, LeadChange, new_lead
from hkreach.domain.lead_customer import recognised
from hkreach.domain.lead_renamed import Renamed, followed
from hkreach.domain.message import new_message_id
from hkreach.ports.leads import Leads

TRIES = 10


def lead_of(app_name: str, customer: Customer, by: str, at: int, *, leads: Leads) -> tuple[str, bool]:
    """The id of the customer's lead, and whether it was made now.

    What is new of the customer is kept, and two leads that turn out to be one customer are joined. Raises Conflict
    while the lead is being erased.
    """
    for _ in range(TRIES):
        known = leads.known(app_name, customer)
        if len(known) == len(customer.identities) and len(set(known.values())) == 1:
            return next(iter(known.values())), False
        changes = _changes(app_name, customer, by, at, known, leads)
        if leads.write(changes):
            first = changes[0]
            return first.after.lead_id, first.before is None
    raise Unavailable("This customer's lead is being changed by many at once: try again.")


def follow(app_name: str, renamed: Renamed, at: int, *, leads: Leads) -> str | None:
    """The id of the lead of who is called differently from now on; None if there was none.

    The lead is found by what the customer is called now from then on, and one that this led to already is joined with
    it. Raises Conflict while it is being erased.
    """
    for _ in range(TRIES):
        known, now = leads.known(app_name, renamed.before), leads.known(app_name, renamed.now)
        found = next((known[identity] for identity in renamed.before.identities if identity in known), None)
        if found is None:
            return None
        before = _lead(app_name, found, leads)
        if before is None:
            return None
        if set(now.values()) == {before.lead_id} and len(now) == len(renamed.now.identities):
            return before.lead_id
        new = new_lead(found, app_name, renamed.now, before.stage, BY_THE_CUSTOMER, at)
        by_user, by_phone = _by(app_name, renamed.now, now, leads)
        changes = followed(renamed.now, before, by_user, by_phone, new)
        if leads.write(changes):
            return changes[0].after.lead_id
    raise Unavailable("This customer's lead is being changed by many at once: try again.")


def being_erased(lead_id: str) -> Conflict:
    """What is answered while a lead is half erased."""
    return Conflict(f"This customer's lead is being erased: DELETE {lead_id} again, then try again.")


def _changes(
    app_name: str, customer: Customer, by: str, at: int, known: Mapping[str, str], leads: Leads
) -> list[LeadChange]:
    new = new_lead(new_message_id(), app_name, customer, leads.pipeline(app_name).first, by, at)
    return recognised(customer, *_by(app_name, customer, known, leads), new)


def _by(app_name: str, customer: Customer, known: Mapping[str, str], leads: Leads) -> tuple[Lead | None, Lead | None]:
    """The leads that the customer's id and number lead to."""
    by_user, by_phone = _identity("user", customer.user_id), _identity("phone", customer.phone)
    return (
        _lead(app_name, known.get(by_user), leads) if by_user is not None else None,
        _lead(app_name, known.get(by_phone), leads) if by_phone is not None else None,
    )


def _identity(kind: str, value: str | None) -> str | None:
    return f"{kind}#{value}" if value is not None else None


def _lead(app_name: str, lead_id: str | None, leads: Leads) -> Lead | None:
    """The lead, or the one that it was joined into: what is remembered may be of before that."""
    lead = leads.get(app_name, lead_id) if lead_id is not None else None
    if lead is not None and lead.joined_into is not None:
        return _lead(app_name, lead.joined_into, leads)
    if lead is not None and lead.forgotten:
        raise being_erased(lead.lead_id)
    return lead
