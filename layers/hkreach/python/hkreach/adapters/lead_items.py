"""A lead and its facts as items of the leads table, and a move as an image in the table's stream.

All have the app as their first key. The second: `lead#<id>`, `move#<id>#<number>`, `note#<id>#<number>`,
`user#<business-scoped id>` and `phone#<number>` (whose lead is it), `stages`.
"""

from collections.abc import Mapping
from typing import Any

from hkreach.adapters.due_index import due_shard
from hkreach.adapters.dynamodb_items import Item, from_item, to_item
from hkreach.adapters.message_items import outbound_item, read_message_item
from hkreach.domain.lead import Customer, FollowUp, Lead, Move, Note, Pipeline, Stage
from hkreach.domain.message import OutboundMessage
from hkreach.ports.leads import DueReminder

MOVE = "move"
STAGES = "stages"


def lead_key(app_name: str, sk: str) -> dict[str, Any]:
    """The key of an item."""
    return to_item({"app": app_name, "sk": sk})


def lead_sk(lead_id: str) -> str:
    """The second key of a lead."""
    return f"lead#{lead_id}"


def fact_sk(kind: str, lead_id: str, number: int) -> str:
    """The second key of a lead's move or note; they stand in the order of their numbers."""
    return f"{kind}#{lead_id}#{number:09d}"


def stage_key(app_name: str, stage: str) -> str:
    """The key of the index of leads by their stage. No app's name has a `#` in it."""
    return f"{app_name}#{stage}"


def lead_item(lead: Lead, token: str) -> dict[str, Any]:
    """The item of a lead. What the indexes are made of is left out where a lead is not to be found by it."""
    follow_up = lead.follow_up
    shown = lead.joined_into is None and not lead.forgotten
    due_at = follow_up.due_at if follow_up and not lead.forgotten else None
    item = lead_key(lead.app_name, lead_sk(lead.lead_id)) | to_item(
        {
            "customer": _customer_value(lead.customer),
            "began": lead.created_at,
            "lastMove": _move_value(lead.last_move),
            "identities": list(lead.identities),
            "score": lead.score,
            "assignee": lead.assignee,
            "notes": lead.notes,
            "followUps": lead.follow_ups,
            "joined": list(lead.joined) or None,
            "joinedInto": lead.joined_into,
            "forgotten": lead.forgotten or None,
            "version": lead.version,
            "token": token,
            "createdAt": lead.created_at if shown else None,
            "stageKey": stage_key(lead.app_name, lead.stage) if shown else None,
            "followUpAt": follow_up.at if follow_up and follow_up.is_open and shown else None,
            "dueAt": due_at,
            "dueShard": due_shard(lead.lead_id) if due_at is not None else None,
        }
    )
    return item | ({"followUp": {"M": _follow_up_item(follow_up)}} if follow_up else {})


def read_lead_item(item: Item) -> Lead:
    """The lead in an item."""
    follow_up = item.get("followUp")
    values = from_item({name: value for name, value in item.items() if name != "followUp"})
    lead_id, app_name = values["sk"].partition("#")[2], values["app"]
    return Lead(
        lead_id=lead_id,
        app_name=app_name,
        customer=_customer(values["customer"]),
        created_at=values["began"],
        last_move=_move(lead_id, app_name, values["lastMove"]),
        identities=tuple(values["identities"]),
        score=values.get("score"),
        assignee=values.get("assignee"),
        notes=values["notes"],
        follow_up=_follow_up(follow_up["M"]) if follow_up else None,
        follow_ups=values["followUps"],
        joined=tuple(values.get("joined", ())),
        joined_into=values.get("joinedInto"),
        forgotten=values.get("forgotten", False),
        version=values["version"],
    )


def fact_item(lead: Lead, fact: Move | Note) -> dict[str, Any]:
    """The item of a lead's move or note. Its kind is what the stream is filtered by."""
    if isinstance(fact, Move):
        kind, values = MOVE, _move_value(fact)
    else:
        kind, values = "note", {"at": fact.at, "author": fact.author, "text": fact.text, "number": fact.number}
    key = lead_key(lead.app_name, fact_sk(kind, lead.lead_id, fact.number))
    return key | to_item({"kind": kind, "leadId": lead.lead_id, "fact": values})


def read_move_item(item: Item) -> Move:
    """The move in an item or a stream image."""
    values = from_item(item)
    return _move(values["leadId"], values["app"], values["fact"])


def read_note_item(item: Item) -> Note:
    """The note in an item."""
    values = from_item(item)["fact"]
    return Note(values["number"], values["at"], values["author"], values["text"])


def pipeline_item(app_name: str, pipeline: Pipeline) -> dict[str, Any]:
    """The item of an app's stages."""
    stages = [{"name": stage.name, "closed": stage.closed} for stage in pipeline.stages]
    return lead_key(app_name, STAGES) | to_item({"stages": stages, "version": pipeline.version})


def read_pipeline_item(item: Item) -> Pipeline:
    """The stages in an item."""
    values = from_item(item)
    return Pipeline(tuple(Stage(each["name"], each["closed"]) for each in values["stages"]), values["version"])


def read_due_item(item: Item) -> DueReminder:
    """A lead in an item of the index of reminders to be sent."""
    values = from_item(item)
    return DueReminder(values["app"], values["sk"].partition("#")[2], values["dueAt"])


def _customer_value(customer: Customer) -> dict[str, str]:
    values = {"phone": customer.phone, "userId": customer.user_id, "name": customer.name}
    return {name: value for name, value in values.items() if value is not None}


def _customer(values: Mapping[str, str]) -> Customer:
    return Customer(values.get("phone"), values.get("userId"), values.get("name"))


def _move_value(move: Move) -> dict[str, Any]:
    customer = _customer_value(move.customer)
    values = {"number": move.number, "at": move.at, "by": move.by, "to": move.to_stage, "customer": customer}
    optional = {"from": move.from_stage, "joinedInto": move.joined_into}
    return values | {name: value for name, value in optional.items() if value is not None}


def _move(lead_id: str, app_name: str, values: Mapping[str, Any]) -> Move:
    return Move(
        lead_id=lead_id,
        app_name=app_name,
        number=values["number"],
        at=values["at"],
        by=values["by"],
        from_stage=values.get("from"),
        to_stage=values["to"],
        customer=_customer(values["customer"]),
        joined_into=values.get("joinedInto"),
    )


def _follow_up_item(follow_up: FollowUp) -> dict[str, Any]:
    item = to_item(
        {
            "number": follow_up.number,
            "at": follow_up.at,
            "note": follow_up.note,
            "state": follow_up.state,
            "triedAt": follow_up.tried_at,
            "endedAt": follow_up.ended_at,
            "error": follow_up.error,
        }
    )
    return item | ({"message": {"M": outbound_item(follow_up.message)}} if follow_up.message else {})


def _follow_up(item: Item) -> FollowUp:
    values = from_item({name: value for name, value in item.items() if name != "message"})
    message = read_message_item(item["message"]["M"]) if "message" in item else None
    assert message is None or isinstance(message, OutboundMessage)
    return FollowUp(
        number=values["number"],
        at=values["at"],
        note=values.get("note"),
        message=message,
        state=values["state"],
        tried_at=values.get("triedAt"),
        ended_at=values.get("endedAt"),
        error=values.get("error"),
    )
