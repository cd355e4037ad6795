"""The bodies of the lead routes, and leads as the API shows them."""

from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from hkreach.domain.errors import Fault, Invalid
from hkreach.domain.lead import Customer, FollowUp, Lead, Note, Pipeline
from hkreach.domain.time import to_rfc3339
from hkreach.edge.http_api import json_body
from hkreach.edge.lead_fields import FollowUpFields, LeadFields, NewLeadFields, milliseconds
from hkreach.edge.send_body import request_of
from hkreach.edge.send_faults import validate
from hkreach.edge.send_fields import RequestFields, TemplateFields
from hkreach.ports.leads import LeadQuery
from hkreach.usecases.accept_message import SendRequest
from hkreach.usecases.manage_leads import SHOWN_AT_ONCE, LeadPatch, NewFollowUp, ShownLead

MAX_JSON_BYTES = 256_000
BY_THE_APP = "api"
"""Who made a lead, if the request does not say."""
LIST_NAMES = ("stage", "assignee", "followUpBefore", "limit", "cursor")
"""What a query for a page of leads may name."""
_MOST_AT_ONCE = 100
_NOBODY = "0000000"
_NOT_IN_A_REMINDER = {
    "to": "is not a field of a reminder: it goes to the lead",
    "headerMediaId": "cannot go into a reminder, for an upload lives 23 days: headerMediaUrl can",
}


def read_body[Fields: RequestFields](event: APIGatewayProxyEvent, model: type[Fields]) -> Fields:
    """The fields of a request. Raises the error that names every fault."""
    fields, faults = validate(model, json_body(event, MAX_JSON_BYTES))
    if fields is None:
        raise Invalid("The request names what is wrong in errors; nothing was changed.", faults)
    return fields


def read_customer(fields: NewLeadFields) -> Customer:
    """Whose lead is asked for."""
    if fields.phone is None and fields.user_id is None:
        raise Invalid("Say whose lead.", [Fault("phone", "phone or userId is required")])
    return Customer(fields.phone, fields.user_id, fields.name)


def read_patch(event: APIGatewayProxyEvent, default_language: str, local_targets: frozenset[str]) -> LeadPatch:
    """What is to be changed. Raises the error that names every fault."""
    fields = read_body(event, LeadFields)
    follow_up = fields.follow_up
    return LeadPatch(
        given=frozenset(fields.model_fields_set) - {"expected_version"},
        name=fields.name,
        score=fields.score,
        assignee=fields.assignee,
        follow_up=_follow_up(follow_up, default_language, local_targets) if follow_up else None,
        expected_version=fields.expected_version,
    )


def read_one(event: APIGatewayProxyEvent) -> str | None:
    """The one lead that is asked for. Raises Invalid if a page is asked for too."""
    query = event.query_string_parameters
    if query.get("leadId") and len(query) > 1:
        raise Invalid("Nothing is shown.", [Fault("leadId", "leadId goes with nothing else")])
    return query.get("leadId")


def read_query(event: APIGatewayProxyEvent) -> tuple[LeadQuery, int, str | None]:
    """Which leads, how many, and behind which cursor."""
    before = event.get_query_string_value("followUpBefore", "")
    try:
        follow_up_before = milliseconds(before) if before else None
    except ValueError as fault:
        raise Invalid("Say which leads.", [Fault("followUpBefore", f"followUpBefore {fault}")]) from None
    stage, assignee = (event.get_query_string_value(name, "") or None for name in ("stage", "assignee"))
    return LeadQuery(stage, assignee, follow_up_before), read_limit(event), read_cursor(event)


def read_limit(event: APIGatewayProxyEvent) -> int:
    """How many of a list."""
    text = event.get_query_string_value("limit", "") or str(SHOWN_AT_ONCE)
    if not (text.isascii() and text.isdecimal() and len(text) < 4 and 1 <= int(text) <= _MOST_AT_ONCE):
        raise Invalid("Say how many.", [Fault("limit", f"limit must be a whole number from 1 to {_MOST_AT_ONCE}")])
    return int(text)


def read_cursor(event: APIGatewayProxyEvent) -> str | None:
    """The `nextCursor` of the page before."""
    return event.get_query_string_value("cursor", "") or None


def read_number(event: APIGatewayProxyEvent) -> int | None:
    """The same for moves and notes: the number that the page before ended with."""
    cursor = read_cursor(event)
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 10):
        raise Invalid("There is no such page.", [Fault("cursor", "cursor must be the nextCursor of a page")])
    return int(cursor)


def shown_lead(lead: Lead) -> dict[str, Any]:
    """A lead, as the API shows it; what is not known is null."""
    shown = {
        "leadId": lead.lead_id,
        "phone": lead.customer.phone,
        "userId": lead.customer.user_id,
        "name": lead.customer.name,
        "stage": lead.stage,
        "score": lead.score,
        "assignee": lead.assignee,
        "followUp": _shown_follow_up(lead.follow_up) if lead.follow_up else None,
        "lastMove": lead.last_move.as_dict(),
        "createdAt": to_rfc3339(lead.created_at),
        "version": lead.version,
    }
    return shown | ({"joinedInto": lead.joined_into} if lead.joined_into else {})


def shown_with_history(shown: ShownLead) -> dict[str, Any]:
    """A lead with its latest moves and notes."""
    return shown_lead(shown.lead) | {
        "moves": [move.as_dict() for move in shown.moves],
        "notes": [shown_note(note) for note in shown.notes],
    }


def shown_note(note: Note) -> dict[str, Any]:
    """A note."""
    return {"number": note.number, "author": note.author, "text": note.text, "at": to_rfc3339(note.at)}


def shown_pipeline(pipeline: Pipeline) -> dict[str, Any]:
    """An app's stages."""
    return {"stages": [{"name": stage.name, "closed": stage.closed} for stage in pipeline.stages]}


def _shown_follow_up(follow_up: FollowUp) -> dict[str, Any]:
    shown: dict[str, Any] = {"at": to_rfc3339(follow_up.at), "note": follow_up.note, "state": follow_up.state}
    if follow_up.message is not None:
        template = follow_up.message.template
        shown["send"] = {"templateName": template.name, "languageCode": template.language_code}
    if follow_up.state == "sent" and follow_up.message is not None:
        shown["messageId"] = follow_up.message.message_id
    if follow_up.ended_at is not None:
        shown["endedAt"] = to_rfc3339(follow_up.ended_at)
    if follow_up.error is not None:
        shown["error"] = follow_up.error
    return shown


def _follow_up(fields: FollowUpFields, default_language: str, local_targets: frozenset[str]) -> NewFollowUp:
    request = _request(fields.send, default_language, local_targets) if fields.send is not None else None
    return NewFollowUp(milliseconds(fields.at), fields.note, request)


def _request(send: dict[str, Any], default_language: str, local_targets: frozenset[str]) -> SendRequest:
    """What is to be sent, read as any other request to send is; whom to is put in when the lead is known."""
    faults = [Fault(name, f"{name} {words}") for name, words in _NOT_IN_A_REMINDER.items() if name in send]
    allowed = {name: value for name, value in send.items() if name not in _NOT_IN_A_REMINDER}
    fields, more = validate(TemplateFields, allowed | {"to": _NOBODY}, local_targets=local_targets)
    faults += more
    if fields is None or faults:
        named = [Fault(f"followUp.send.{fault.field}", f"followUp.send.{fault.detail}") for fault in faults]
        raise Invalid("The request names what is wrong in errors; nothing was changed.", named)
    return request_of(fields, default_language)
