"""`/api/external/webhooks*`: the routes of an app's own endpoints."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from hkreach.domain.endpoint import Endpoint
from hkreach.edge.authentication import authenticate
from hkreach.edge.delivery_body import shown_health
from hkreach.edge.http_api import json_response, required_query
from hkreach.edge.query import expect_query
from hkreach.edge.webhook_body import (
    expect_no_fields,
    not_taken,
    read_endpoint_change,
    read_new_endpoint,
    read_old_secret_lives,
    shown_endpoint,
    shown_test,
)
from hkreach.usecases.manage_app import ManageApp, NotTaken
from hkreach.usecases.manage_app_deliveries import ManageDeliveries

_ROOT = "/api/external/webhooks"
_HOLDS_A_SECRET = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class WebhookRoutes:
    """What each route answers. `local_targets`: what addresses may name on a developer's machine."""

    api: APIGatewayRestResolver
    manage_app: ManageApp
    deliveries: ManageDeliveries
    local_targets: frozenset[str]

    def add(self) -> None:
        """Let the API answer them."""
        for method, path, answer in (
            ("POST", _ROOT, self.create),
            ("GET", _ROOT, self.show),
            ("PATCH", _ROOT, self.change),
            ("DELETE", _ROOT, self.delete),
            ("POST", f"{_ROOT}/rotate", self.rotate),
            ("POST", f"{_ROOT}/test", self.test),
            ("POST", f"{_ROOT}/pause", self.pause),
            ("POST", f"{_ROOT}/resume", self.resume),
        ):
            self.api.route(path, method)(answer)

    def create(self) -> Response[str]:
        """The new endpoint with its secret, and what its server said to a test event."""
        app_name = self._app_name()
        new = read_new_endpoint(self.api.current_event, self.local_targets)
        endpoint, secret, test = self.manage_app.create(app_name, new)
        body = self._shown(endpoint) | {"secret": secret, "test": shown_test(test)}
        return json_response(HTTPStatus.CREATED, body, _HOLDS_A_SECRET)

    def show(self) -> Response[str]:
        """All endpoints, or the one that the query names."""
        app_name = self._app_name("endpointId")
        if endpoint_id := self.api.current_event.get_query_string_value("endpointId", ""):
            endpoint = self.manage_app.endpoint(app_name, endpoint_id)
            return json_response(HTTPStatus.OK, self._with_health(app_name, endpoint))
        shown = [self._with_health(app_name, endpoint) for endpoint in self.manage_app.endpoints(app_name)]
        return json_response(HTTPStatus.OK, {"endpoints": shown})

    def change(self) -> Response[str]:
        """The endpoint as it is now, and if it has a new address what its server said to a test event."""
        app_name, endpoint_id = self._app_name("endpointId"), self._endpoint_id()
        wanted = read_endpoint_change(self.api.current_event, self.local_targets)
        try:
            endpoint, test = self.manage_app.change(app_name, endpoint_id, wanted)
        except NotTaken as refused:
            raise not_taken(refused.test) from None
        if test is not None and endpoint.state == "active" and not test.answer.failure:  # another server
            self.deliveries.resume(app_name, endpoint_id)
        return json_response(HTTPStatus.OK, self._shown(endpoint) | ({"test": shown_test(test)} if test else {}))

    def delete(self) -> Response[str]:
        """That it is gone."""
        app_name, endpoint_id = self._whose_and_which()
        self.manage_app.delete(app_name, endpoint_id)
        self.deliveries.deleted(app_name, endpoint_id)
        return json_response(HTTPStatus.OK, {"endpointId": endpoint_id, "deleted": True})

    def rotate(self) -> Response[str]:
        """The endpoint with its new secret, and until when the old one signs too."""
        app_name, endpoint_id = self._whose_and_which("oldSecretHours")
        old_lives = read_old_secret_lives(self.api.current_event)
        endpoint, secret = self.manage_app.rotate(app_name, endpoint_id, old_lives)
        return json_response(HTTPStatus.OK, self._shown(endpoint) | {"secret": secret}, _HOLDS_A_SECRET)

    def test(self) -> Response[str]:
        """What the server said to a test event."""
        app_name, endpoint_id = self._whose_and_which()
        endpoint, test = self.manage_app.test(app_name, endpoint_id)
        if endpoint.state == "active" and not test.answer.failure:
            self.deliveries.test_taken(app_name, endpoint_id)
        return json_response(HTTPStatus.OK, self._shown(endpoint) | {"test": shown_test(test)})

    def pause(self) -> Response[str]:
        """The endpoint, which gets no events from now on."""
        app_name, endpoint_id = self._whose_and_which()
        paused = self.manage_app.pause(app_name, endpoint_id)
        self.deliveries.pause(app_name, endpoint_id)
        return json_response(HTTPStatus.OK, self._shown(paused))

    def resume(self) -> Response[str]:
        """The endpoint, which gets events again, those first that wait for it."""
        app_name, endpoint_id = self._whose_and_which()
        resumed = self.manage_app.resume(app_name, endpoint_id)
        self.deliveries.resume(app_name, endpoint_id)
        return json_response(HTTPStatus.OK, self._shown(resumed))

    def _whose_and_which(self, *also: str) -> tuple[str, str]:
        app_name, endpoint_id = self._app_name("endpointId", *also), self._endpoint_id()
        expect_no_fields(self.api.current_event)
        return app_name, endpoint_id

    def _app_name(self, *names: str) -> str:
        """Who asks, with nothing but `names` in the query."""
        app = authenticate(self.api.current_event, self.manage_app.apps)
        expect_query(self.api.current_event, *names)
        return app.app_name

    def _endpoint_id(self) -> str:
        return required_query(self.api.current_event, "endpointId", "Say which endpoint.")

    def _with_health(self, app_name: str, endpoint: Endpoint) -> dict[str, Any]:
        health = self.deliveries.health(app_name, endpoint.endpoint_id)
        return self._shown(endpoint) | {"health": shown_health(health)}

    def _shown(self, endpoint: Endpoint) -> dict[str, Any]:
        return shown_endpoint(endpoint, self.manage_app.now())
