"""`/api/external/webhooks/deliveries*`: the log of an app's deliveries, and sending again."""

from dataclasses import dataclass
from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from hkreach.domain.webhook_answer import MOST_KEPT
from hkreach.edge.authentication import authenticate
from hkreach.edge.delivery_body import (
    LOG_NAMES,
    OneDelivery,
    ResendEvent,
    ResendRange,
    read_log_request,
    read_resend,
    shown_delivery,
)
from hkreach.edge.http_api import json_response
from hkreach.edge.query import expect_query
from hkreach.usecases.manage_app_deliveries import ManageDeliveries

_ROOT = "/api/external/webhooks/deliveries"


@dataclass(frozen=True, slots=True)
class DeliveryRoutes:
    """What each route answers."""

    api: APIGatewayRestResolver
    deliveries: ManageDeliveries

    def add(self) -> None:
        """Let the API answer them."""
        self.api.route(_ROOT, "GET")(self.log)
        self.api.route(f"{_ROOT}/resend", "POST")(self.resend)

    def log(self) -> Response[str]:
        """Deliveries, newest first; or one of them, with its whole body."""
        app_name = self._app_name(*LOG_NAMES)
        asked = read_log_request(self.api.current_event)
        if isinstance(asked, OneDelivery):
            row = self.deliveries.one(app_name, asked.key(app_name))
            return json_response(HTTPStatus.OK, {"deliveries": [shown_delivery(row, MOST_KEPT)], "nextCursor": None})
        log = self.deliveries.log(app_name, asked.endpoint_id, asked.query, asked.after, asked.most)
        shown = [shown_delivery(row) for row in log.deliveries]
        return json_response(HTTPStatus.OK, {"deliveries": shown, "nextCursor": log.next})

    def resend(self) -> Response[str]:
        """What is sent again: the delivery, or how many."""
        app_name = self._app_name()
        match read_resend(self.api.current_event):
            case OneDelivery() as one:
                row = self.deliveries.resend(app_name, one.key(app_name))
            case ResendEvent(endpoint_id, source):
                row = self.deliveries.resend_event(app_name, endpoint_id, source)
            case ResendRange(endpoint_id, query, events, after):
                resent = self.deliveries.resend_range(app_name, endpoint_id, query, events, after)
                return json_response(HTTPStatus.ACCEPTED, {"resent": resent.count, "nextCursor": resent.next})
        return json_response(HTTPStatus.ACCEPTED, {"resent": 1, "delivery": shown_delivery(row)})

    def _app_name(self, *names: str) -> str:
        """Who asks, with nothing but `names` in the query."""
        app = authenticate(self.api.current_event, self.deliveries.manage_app.apps)
        expect_query(self.api.current_event, *names)
        return app.app_name
