"""The routes under /api/external/leads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from hkreach.domain.app import App
from hkreach.domain.lead import Move, Note, Stage
from hkreach.edge.authentication import authenticate
from hkreach.edge.http_api import http_api, json_response, required_query
from hkreach.edge.lead_body import (
    BY_THE_APP,
    LIST_NAMES,
    read_body,
    read_customer,
    read_limit,
    read_number,
    read_one,
    read_patch,
    read_query,
    shown_lead,
    shown_note,
    shown_pipeline,
    shown_with_history,
)
from hkreach.edge.lead_fields import MoveFields, NewLeadFields, NoteFields, StagesFields
from hkreach.edge.query import expect_query
from hkreach.ports import Apps
from hkreach.usecases.manage_leads import ManageLeads

logger = Logger(service="hkreach", child=True)

PATH = "/api/external/leads"


@dataclass(frozen=True, slots=True)
class LeadRoutes:
    """What each route does. Neither names, nor numbers, nor what was written about a lead is logged."""

    api: APIGatewayRestResolver
    apps: Apps
    manage_leads: ManageLeads
    local_targets: frozenset[str] = frozenset()

    def create(self) -> Response[str]:
        """The customer's lead; 201 if it was made now."""
        app, fields = self._app(), read_body(self.api.current_event, NewLeadFields)
        lead, made = self.manage_leads.create(app, read_customer(fields), fields.by or BY_THE_APP)
        self._log("lead made" if made else "lead found", app, lead.lead_id)
        return json_response(HTTPStatus.CREATED if made else HTTPStatus.OK, shown_lead(lead))

    def look(self) -> Response[str]:
        """One lead, or a page of them."""
        app = self._app("leadId", *LIST_NAMES)
        lead_id = read_one(self.api.current_event)
        if lead_id:
            return json_response(HTTPStatus.OK, shown_with_history(self.manage_leads.show(app, lead_id)))
        page = self.manage_leads.page(app, *read_query(self.api.current_event))
        shown = [shown_lead(lead) for lead in page.leads]
        return json_response(HTTPStatus.OK, {"leads": shown, "nextCursor": page.next})

    def change(self) -> Response[str]:
        """Name, score, assignee, reminder."""
        app, lead_id = self._app("leadId"), self._lead_id()
        patch = read_patch(self.api.current_event, app.language_code, self.local_targets)
        lead = self.manage_leads.change(app, lead_id, patch)
        self._log("lead changed", app, lead_id)
        return json_response(HTTPStatus.OK, shown_lead(lead))

    def forget(self) -> Response[str]:
        """Erase a lead."""
        app, lead_id = self._app("leadId"), self._lead_id()
        self.manage_leads.forget(app, lead_id)
        self._log("lead erased", app, lead_id)
        return Response(HTTPStatus.NO_CONTENT, body="")

    def move(self) -> Response[str]:
        """Into another stage."""
        app, lead_id = self._app("leadId"), self._lead_id()
        fields = read_body(self.api.current_event, MoveFields)
        lead = self.manage_leads.move(app, lead_id, fields.to, fields.expected_stage, fields.by)
        self._log("lead moved", app, lead_id)
        return json_response(HTTPStatus.OK, shown_lead(lead))

    def moves(self) -> Response[str]:
        """The lead's history, the latest first."""
        moves = self.manage_leads.moves(*self._part_of_a_list())
        return self._list("moves", moves, Move.as_dict)

    def add_note(self) -> Response[str]:
        """One note more."""
        app, lead_id = self._app("leadId"), self._lead_id()
        fields = read_body(self.api.current_event, NoteFields)
        note = self.manage_leads.add_note(app, lead_id, fields.author, fields.text)
        self._log("note added", app, lead_id)
        return json_response(HTTPStatus.CREATED, shown_note(note))

    def notes(self) -> Response[str]:
        """The lead's notes, the latest first."""
        return self._list("notes", self.manage_leads.notes(*self._part_of_a_list()), shown_note)

    def stages(self) -> Response[str]:
        """The app's stages."""
        return json_response(HTTPStatus.OK, shown_pipeline(self.manage_leads.pipeline(self._app())))

    def set_stages(self) -> Response[str]:
        """The app's stages from now on."""
        app, fields = self._app(), read_body(self.api.current_event, StagesFields)
        pipeline = self.manage_leads.set_stages(app, [Stage(each.name, each.closed) for each in fields.stages])
        logger.info("stages set", app_name=app.app_name, stages=len(pipeline.stages))
        return json_response(HTTPStatus.OK, shown_pipeline(pipeline))

    def _app(self, *names: str) -> App:
        """Who asks, with nothing but `names` in the query."""
        app = authenticate(self.api.current_event, self.apps)
        expect_query(self.api.current_event, *names)
        return app

    def _lead_id(self) -> str:
        return required_query(self.api.current_event, "leadId", "Say which lead.")

    def _part_of_a_list(self) -> tuple[App, str, int, int | None]:
        event = self.api.current_event
        return self._app("leadId", "limit", "cursor"), self._lead_id(), read_limit(event), read_number(event)

    def _list[Fact: Move | Note](
        self, name: str, facts: Sequence[Fact], shown: Callable[[Fact], dict[str, Any]]
    ) -> Response[str]:
        """The first of all is number 1: behind it there is nothing."""
        more = facts and facts[-1].number > 1
        following = str(facts[-1].number) if more else None
        return json_response(HTTPStatus.OK, {name: [shown(fact) for fact in facts], "nextCursor": following})

    def _log(self, what: str, app: App, lead_id: str) -> None:
        logger.info(what, app_name=app.app_name, lead_id=lead_id)


def lead_api(apps: Apps, manage_leads: ManageLeads, local_targets: frozenset[str]) -> APIGatewayRestResolver:
    """A resolver with all routes of leads. `local_targets`: see the send routes."""
    api = http_api()
    routes = LeadRoutes(api, apps, manage_leads, local_targets)
    api.post(PATH)(routes.create)
    api.get(PATH)(routes.look)
    api.patch(PATH)(routes.change)
    api.delete(PATH)(routes.forget)
    api.post(f"{PATH}/move")(routes.move)
    api.get(f"{PATH}/moves")(routes.moves)
    api.post(f"{PATH}/notes")(routes.add_note)
    api.get(f"{PATH}/notes")(routes.notes)
    api.get(f"{PATH}/stages")(routes.stages)
    api.put(f"{PATH}/stages")(routes.set_stages)
    return api
