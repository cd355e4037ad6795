"""Whose lead is it? By Meta's business-scoped id where it gives one, else by phone; both are kept."""

from dataclasses import replace

from hkreach.domain.lead import Customer, Lead, LeadChange, Move, next_version


def recognised(customer: Customer, by_user: Lead | None, by_phone: Lead | None, new: LeadChange) -> list[LeadChange]:
    """What is to be written when somebody was seen: the first change is of the lead that is theirs.

    `by_user`, `by_phone`: the leads that their id and their number lead to; `new` is for who has none. A number that
    another id wrote from before is another person's by now.
    """
    taken = by_phone is not None and customer.user_id is not None and by_phone.customer.user_id is not None
    if by_phone is not None and taken and by_phone != by_user:
        left = _without_phone(by_phone, customer.phone)
        return [_seen(by_user, customer) if by_user else new, left]
    if by_user is None and by_phone is None:
        return [new]
    if by_user is None or by_phone is None or by_user == by_phone:
        lead = by_user or by_phone
        assert lead is not None
        return [_seen(lead, customer)]
    kept, other = sorted((by_user, by_phone), key=lambda lead: (lead.created_at, lead.lead_id))
    return joined(kept, other, customer, new.after.last_move)


def _seen(lead: Lead, customer: Customer) -> LeadChange:
    after = next_version(lead, customer=_both(lead.customer, customer), identities=_all(lead, customer))
    return LeadChange(lead, after)


def joined(kept: Lead, other: Lead, customer: Customer, seen: Move) -> list[LeadChange]:
    """The older lead stays, and takes over a reminder that waits if it has none of its own.

    The other's last move tells whoever follows it where to look from now on. `seen`: when, and by whom.
    """
    waiting = other.follow_up if other.follow_up is not None and other.follow_up.state == "waiting" else None
    follow_up, follow_ups = kept.follow_up, kept.follow_ups
    if waiting is not None and (follow_up is None or not follow_up.is_open):
        follow_ups += 1
        follow_up = replace(waiting, number=follow_ups)
    after = next_version(
        kept,
        customer=_both(_both(kept.customer, other.customer), customer),
        identities=tuple(dict.fromkeys((*_all(kept, customer), *other.identities))),
        score=kept.score if kept.score is not None else other.score,
        assignee=kept.assignee or other.assignee,
        follow_up=follow_up,
        follow_ups=follow_ups,
        joined=(*kept.joined, other.lead_id, *other.joined),
    )
    left = None if waiting is not None else other.follow_up
    last = other.last_move
    number, at = last.number + 1, max(seen.at, last.at)
    move = replace(last, number=number, at=at, by=seen.by, from_stage=last.to_stage, joined_into=kept.lead_id)
    parts = {"identities": (), "joined": (), "joined_into": kept.lead_id, "follow_up": left}
    gone = next_version(other, last_move=move, **parts)
    return [LeadChange(kept, after), LeadChange(other, gone, (move,))]


def _both(before: Customer, seen: Customer) -> Customer:
    """What was seen last counts; a name that is there stays: somebody may have corrected it."""
    return Customer(seen.phone or before.phone, seen.user_id or before.user_id, before.name or seen.name)


def _all(lead: Lead, customer: Customer) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*lead.identities, *customer.identities)))


def _without_phone(lead: Lead, phone: str | None) -> LeadChange:
    """The lead without a number that is another person's now; what waits to be sent there is not."""
    follow_up = lead.follow_up
    if follow_up is not None and follow_up.state == "waiting" and follow_up.message is not None:
        follow_up = replace(follow_up, state="failed", error="The number is another customer's by now.")
    identities = tuple(identity for identity in lead.identities if identity != f"phone#{phone}")
    customer = replace(lead.customer, phone=None) if lead.customer.phone == phone else lead.customer
    return LeadChange(lead, next_version(lead, customer=customer, identities=identities, follow_up=follow_up))
