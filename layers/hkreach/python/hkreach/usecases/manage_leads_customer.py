"""Find a customer's lead, or make one: of any number who try at once one makes it, and the others find it."""

from collections.abc import Mapping

from hkreach.domain.errors import Conflict, Unavailable
from hkreach.domain.lead import Customer, Lead, LeadChange, new_lead
from hkreach.domain.lead_customer import recognised
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


def being_erased(lead_id: str) -> Conflict:
    """What is answered while a lead is half erased."""
    return Conflict(f"This customer's lead is being erased: DELETE {lead_id} again, then try again.")


def _changes(
    app_name: str, customer: Customer, by: str, at: int, known: Mapping[str, str], leads: Leads
) -> list[LeadChange]:
    new = new_lead(new_message_id(), app_name, customer, leads.pipeline(app_name).first, by, at)
    by_user, by_phone = (
        _lead(app_name, known.get(identity), leads) if identity is not None else None
        for identity in (_identity("user", customer.user_id), _identity("phone", customer.phone))
    )
    return recognised(customer, by_user, by_phone, new)


def _identity(kind: str, value: str | None) -> str | None:
    return f"{kind}#{value}" if value is not None else None


def _lead(app_name: str, lead_id: str | None, leads: Leads) -> Lead | None:
    lead = leads.get(app_name, lead_id) if lead_id is not None else None
    if lead is not None and lead.forgotten:
        raise being_erased(lead.lead_id)
    return lead
