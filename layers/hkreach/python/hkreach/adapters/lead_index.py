"""How an app's leads are looked through: by which index, and where a page goes on."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hkreach.adapters.dynamodb_items import to_item
from hkreach.adapters.lead_items import lead_key, lead_sk, stage_key
from hkreach.ports.leads import LeadQuery


@dataclass(frozen=True, slots=True)
class LeadIndex:
    """One way through an app's leads: `by` is the attribute that they are sorted by."""

    name: str
    by: str
    key: Mapping[str, str]
    """The attribute that must be equal, and its value."""
    below: int | None = None
    """What `by` must be less than; the table refuses to go on behind a place that is not."""

    def start(self, app_name: str, cursor: str) -> dict[str, Any]:
        """The key to go on behind. Raises ValueError for what is no cursor of ours.

        A cursor of another app opens nothing: all but the place in the line is the request's own.
        """
        try:
            place, lead_id = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        except (ValueError, TypeError, binascii.Error, RecursionError):
            raise ValueError("must be the nextCursor of a page") from None
        if not isinstance(place, int) or not isinstance(lead_id, str) or not 0 < place < 10**15:
            raise ValueError("must be the nextCursor of a page")
        if self.below is not None and place >= self.below:
            raise ValueError("must be the nextCursor of a page of the same query")
        return to_item({self.by: place, **self.key}) | lead_key(app_name, lead_sk(lead_id))

    def cursor(self, item: Mapping[str, Any]) -> str:
        """The place behind an item, or a key, of the index."""
        place = [int(item[self.by]["N"]), item["sk"]["S"].partition("#")[2]]
        return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode()


def index_of(app_name: str, query: LeadQuery) -> LeadIndex:
    """The index that leaves the least to be filtered."""
    if query.follow_up_before is not None:
        return LeadIndex("followUp", "followUpAt", {"app": app_name}, below=query.follow_up_before)
    if query.stage is not None:
        return LeadIndex("stage", "createdAt", {"stageKey": stage_key(app_name, query.stage)})
    return LeadIndex("created", "createdAt", {"app": app_name})


def expressions(index: LeadIndex, app_name: str, query: LeadQuery) -> dict[str, Any]:
    """What `query` needs to find them in it: those with a reminder from the earliest on, others from the newest."""
    ((attribute, value),) = index.key.items()
    condition, filters = f"{attribute} = :key", []
    values: dict[str, Any] = {":key": value}
    if query.follow_up_before is not None:
        condition += " AND followUpAt < :before"
        values[":before"] = query.follow_up_before
        if query.stage is not None:
            filters.append("stageKey = :stage")
            values[":stage"] = stage_key(app_name, query.stage)
    if query.assignee is not None:
        filters.append("assignee = :assignee")
        values[":assignee"] = query.assignee
    return {
        "IndexName": index.name,
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": to_item(values),
        "ScanIndexForward": query.follow_up_before is not None,
        **({"FilterExpression": " AND ".join(filters)} if filters else {}),
    }
