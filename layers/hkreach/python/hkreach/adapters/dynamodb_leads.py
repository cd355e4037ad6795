"""The leads table."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hkreach.adapters.due_index import query_due
from hkreach.adapters.dynamodb_items import to_item
from hkreach.adapters.lead_index import expressions, index_of
from hkreach.adapters.lead_items import (
    MOVE,
    STAGES,
    fact_item,
    fact_sk,
    lead_item,
    lead_key,
    lead_sk,
    pipeline_item,
    read_due_item,
    read_lead_item,
    read_move_item,
    read_note_item,
    read_pipeline_item,
)
from hkreach.adapters.remembered import Remembered
from hkreach.domain.lead import Customer, Lead, LeadChange, Move, Note, Pipeline
from hkreach.ports.leads import DueReminder, LeadPage, LeadQuery

_MOST_REMEMBERED = 10_000
_READ_AT_ONCE = 100
_MOST_READS = 10
"""Of one page: a filter that few leads pass must not hold a request for long."""
_NEVER_WRITTEN = "attribute_not_exists(sk)"


class DynamoDBLeads:
    """Implements the port `Leads`. `remember_seconds`: how long it is remembered that a customer has a lead."""

    def __init__(self, client: Any, table: str, remember_seconds: int = 0) -> None:
        self._client = client
        self._table = table
        self._known: Remembered[tuple[str, ...], str] = Remembered(_MOST_REMEMBERED, remember_seconds)

    def get(self, app_name: str, lead_id: str) -> Lead | None:
        """See the port."""
        item = self._item(app_name, lead_sk(lead_id))
        return read_lead_item(item) if item else None

    def known(self, app_name: str, customer: Customer) -> Mapping[str, str]:
        """See the port."""
        identities = customer.identities
        remembered = self._known.get((app_name, *identities))
        if remembered is not None:
            return dict.fromkeys(identities, remembered)
        items = {identity: self._item(app_name, identity) for identity in identities}
        found: dict[str, str] = {identity: item["leadId"]["S"] for identity, item in items.items() if item}
        if len(found) == len(identities) and len(set(found.values())) == 1:
            self._known.set((app_name, *identities), found[identities[0]])
        return found

    def write(self, changes: Sequence[LeadChange]) -> bool:
        """See the port. The SDK repeats a write whose answer got lost: the token tells our own from another's."""
        token = secrets.token_hex(8)
        puts = [self._put_lead(change, token) for change in changes]
        for change in changes:
            puts += [self._put(fact_item(change.after, fact), _NEVER_WRITTEN) for fact in change.facts]
            had = change.before.identities if change.before else ()
            gained = (identity for identity in change.after.identities if identity not in had)
            puts += [self._put_identity(identity, change.after, changes) for identity in gained]
        if self._all_or_nothing(puts):
            return True
        first = changes[0].after
        stands = self._item(first.app_name, lead_sk(first.lead_id))
        return bool(stands and stands["token"]["S"] == token)

    def page(self, app_name: str, query: LeadQuery, limit: int, after: str | None) -> LeadPage:
        """See the port."""
        index = index_of(app_name, query)
        start = index.start(app_name, after) if after is not None else None
        found: list[Lead] = []
        for _ in range(_MOST_READS):
            answer = self._client.query(
                TableName=self._table,
                **expressions(index, app_name, query),
                Limit=_READ_AT_ONCE,
                **({"ExclusiveStartKey": start} if start else {}),
            )
            items, start = answer["Items"], answer.get("LastEvaluatedKey")
            for position, item in enumerate(items, 1):
                found.append(read_lead_item(item))
                if len(found) == limit:
                    return LeadPage(found, index.cursor(item) if start or position < len(items) else None)
            if not start:
                return LeadPage(found, None)
        assert start is not None
        return LeadPage(found, index.cursor(start))

    def moves(self, app_name: str, lead_id: str, limit: int, before: int | None = None) -> Sequence[Move]:
        """See the port."""
        return self._facts(MOVE, read_move_item, app_name, lead_id, limit, before)

    def notes(self, app_name: str, lead_id: str, limit: int, before: int | None = None) -> Sequence[Note]:
        """See the port."""
        return self._facts("note", read_note_item, app_name, lead_id, limit, before)

    def pipeline(self, app_name: str) -> Pipeline:
        """See the port."""
        item = self._item(app_name, STAGES)
        return read_pipeline_item(item) if item else Pipeline()

    def set_pipeline(self, app_name: str, pipeline: Pipeline) -> bool:
        """See the port."""
        before = pipeline.version - 1
        condition, values = ("version = :before", {":before": before}) if before else (_NEVER_WRITTEN, {})
        return self._all_or_nothing([self._put(pipeline_item(app_name, pipeline), condition, values)])

    def has_leads_in(self, app_name: str, stage: str) -> bool:
        """See the port."""
        return bool(self.page(app_name, LeadQuery(stage=stage), 1, None).leads)

    def due(self, now: int, most: int) -> Sequence[DueReminder]:
        """See the port."""
        return [read_due_item(item) for item in query_due(self._client, self._table, now, most)]

    def erase(self, lead: Lead) -> None:
        """See the port. What leads to it goes with it at once, so that nobody finds half of it."""
        for lead_id in (*lead.joined, lead.lead_id):
            for kind in (MOVE, "note"):
                self._delete_facts(kind, lead.app_name, lead_id)
        for joined in lead.joined:
            self._client.delete_item(TableName=self._table, Key=lead_key(lead.app_name, lead_sk(joined)))
        values = to_item({":id": lead.lead_id})
        self._all_or_nothing(
            [
                self._delete(lead.app_name, lead_sk(lead.lead_id), "attribute_exists(forgotten)", {}),
                *(self._delete(lead.app_name, identity, "leadId = :id", values) for identity in lead.identities),
            ]
        )

    def _item(self, app_name: str, sk: str) -> Mapping[str, Any] | None:
        answer = self._client.get_item(TableName=self._table, Key=lead_key(app_name, sk), ConsistentRead=True)
        item: Mapping[str, Any] | None = answer.get("Item")
        return item

    def _put_lead(self, change: LeadChange, token: str) -> dict[str, Any]:
        item = lead_item(change.after, token)
        if change.before is None:
            return self._put(item, _NEVER_WRITTEN)
        return self._put(item, "version = :before", {":before": change.before.version})

    def _put_identity(self, identity: str, lead: Lead, changes: Sequence[LeadChange]) -> dict[str, Any]:
        """Taken from another lead only if that is changed with it."""
        item = lead_key(lead.app_name, identity) | to_item({"leadId": lead.lead_id})
        values = {f":lead{n}": change.after.lead_id for n, change in enumerate(changes)}
        return self._put(item, f"{_NEVER_WRITTEN} OR leadId IN ({', '.join(values)})", values)

    def _put(self, item: Mapping[str, Any], condition: str, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        optional = {"ExpressionAttributeValues": to_item(values)} if values else {}
        return {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": condition} | optional}

    def _delete(self, app_name: str, sk: str, condition: str, values: Mapping[str, Any]) -> dict[str, Any]:
        optional = {"ExpressionAttributeValues": values} if values else {}
        key = lead_key(app_name, sk)
        return {"Delete": {"TableName": self._table, "Key": key, "ConditionExpression": condition} | optional}

    def _all_or_nothing(self, writes: Sequence[dict[str, Any]]) -> bool:
        """A transaction costs twice what its writes do: one alone needs none."""
        errors = self._client.exceptions
        try:
            if len(writes) == 1 and "Put" in writes[0]:
                self._client.put_item(**writes[0]["Put"])
            else:
                self._client.transact_write_items(TransactItems=list(writes))
        except (errors.ConditionalCheckFailedException, errors.TransactionConflictException):
            return False
        except errors.TransactionCanceledException as refused:
            codes = {reason.get("Code", "None") for reason in refused.response.get("CancellationReasons", [])}
            if codes & {"ConditionalCheckFailed", "TransactionConflict"}:  # the latter: another is writing just now
                return False
            raise
        return True

    def _facts[Fact](
        self,
        kind: str,
        read: Callable[[Mapping[str, Any]], Fact],
        app_name: str,
        lead_id: str,
        limit: int,
        before: int | None,
    ) -> list[Fact]:
        last = (before if before is not None else 10**9) - 1
        if last < 1:
            return []
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="app = :app AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=to_item(
                {":app": app_name, ":first": fact_sk(kind, lead_id, 1), ":last": fact_sk(kind, lead_id, last)}
            ),
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=limit,
        )
        return [read(item) for item in answer["Items"]]

    def _delete_facts(self, kind: str, app_name: str, lead_id: str) -> None:
        values = to_item({":app": app_name, ":kind": f"{kind}#{lead_id}#"})
        while True:
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="app = :app AND begins_with(sk, :kind)",
                ExpressionAttributeValues=values,
                ProjectionExpression="app, sk",
                ConsistentRead=True,
            )
            for item in answer["Items"]:
                self._client.delete_item(TableName=self._table, Key=item)
            if "LastEvaluatedKey" not in answer:
                return
