"""What an app does with its own webhook endpoints."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from hkreach.domain.app import App
from hkreach.domain.endpoint import MAX_ENDPOINTS, Endpoint, in_order, new_endpoint_id
from hkreach.domain.errors import ChangedMeanwhile, Conflict, NotFound
from hkreach.domain.webhook_signature import new_webhook_secret
from hkreach.domain.webhook_test import WebhookTest, new_test_event
from hkreach.ports import Apps, Clock, SealedSecrets, WebhookClient
from hkreach.usecases.deliver_webhook_post import post_event

logger = Logger(service="hkreach", child=True)

_TRIES = 5
_NO_SUCH_ENDPOINT = "This app has no webhook endpoint with this id; GET /api/external/webhooks lists those that it has."
_FULL = (
    f"The app has {MAX_ENDPOINTS} webhook endpoints, the most there can be. Delete one first, "
    "with DELETE /api/external/webhooks?endpointId=…"
)
_UNVERIFIED = (
    "The endpoint has not yet taken a test event. POST /api/external/webhooks/test?endpointId=… sends one, and "
    "activates the endpoint when its server answers with a 2xx."
)


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """What an app says of an endpoint."""

    url: str
    events: frozenset[str]
    description: str


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """The parts to change; None leaves one as it is."""

    url: str | None = None
    events: frozenset[str] | None = None
    description: str | None = None

    def of(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint with these parts."""
        return replace(
            endpoint,
            url=endpoint.url if self.url is None else self.url,
            events=endpoint.events if self.events is None else self.events,
            description=endpoint.description if self.description is None else self.description,
        )


class NotTaken(Exception):
    """The server at an endpoint's new address did not take the test event: nothing was changed."""

    def __init__(self, test: WebhookTest) -> None:
        super().__init__(test.answer.failure)
        self.test = test


@dataclass(frozen=True, slots=True)
class ManageApp:
    """All calls raise NotFound for an endpoint that is not the app's, and ChangedMeanwhile if others were quicker."""

    apps: Apps
    secrets: SealedSecrets
    client: WebhookClient
    now: Clock

    def endpoints(self, app_name: str) -> list[Endpoint]:
        """All of them, oldest first."""
        return in_order(self._app(app_name).endpoints.values())

    def endpoint(self, app_name: str, endpoint_id: str) -> Endpoint:
        """One of them."""
        return _endpoint(self._app(app_name), endpoint_id)

    def create(self, app_name: str, new: NewEndpoint) -> tuple[Endpoint, str, WebhookTest]:
        """Make an endpoint, active if its server takes a test event; its secret is told here and never again.

        Raises Conflict if the app has as many as it can have.
        """
        _check_room(self._app(app_name))
        secret = new_webhook_secret()
        sealed = self.secrets.seal(app_name, "webhook_secret", secret)
        endpoint = Endpoint(new_endpoint_id(), new.url, new.events, self.now(), sealed, new.description)
        test = self._try(app_name, endpoint)
        endpoint = replace(endpoint, state="unverified" if test.answer.failure else "active")

        def with_it(app: App) -> App:
            _check_room(app)
            return _with(app, endpoint)

        self._update(app_name, with_it)
        return endpoint, secret, test

    def change(self, app_name: str, endpoint_id: str, change: EndpointChange) -> tuple[Endpoint, WebhookTest | None]:
        """Change parts of an endpoint. A new address is tested first.

        Raises NotTaken if its server does not take that: the endpoint stays as it was, and gets its events. Only one
        that is unverified anyway gets the address, and stays unverified.
        """
        before = self.endpoint(app_name, endpoint_id)
        test = None
        if change.url is not None and change.url != before.url:
            test = self._try(app_name, change.of(before))

        def changed(endpoint: Endpoint) -> Endpoint:
            after = change.of(endpoint)
            if test is None:
                if after.url != endpoint.url:  # a moment ago it was the same
                    raise ChangedMeanwhile(_AGAIN)
                return after
            if test.answer.failure:
                if endpoint.state != "unverified":
                    raise NotTaken(test)
                return after
            return replace(after, state="active") if endpoint.state == "unverified" else after

        return self._update_one(app_name, endpoint_id, changed), test

    def delete(self, app_name: str, endpoint_id: str) -> None:
        """End an endpoint."""

        def without_it(app: App) -> App:
            _endpoint(app, endpoint_id)
            rest = {key: endpoint for key, endpoint in app.endpoints.items() if key != endpoint_id}
            return replace(app, endpoints=rest)

        self._update(app_name, without_it)

    def rotate(self, app_name: str, endpoint_id: str, old_lives: int) -> tuple[Endpoint, str]:
        """Give an endpoint a new secret, told here and never again; the one before signs too for `old_lives` ms."""
        secret = new_webhook_secret()
        sealed = self.secrets.seal(app_name, "webhook_secret", secret)
        now = self.now()
        rotated = self._update_one(app_name, endpoint_id, lambda one: one.rotated(sealed, now + old_lives, now))
        return rotated, secret

    def test(self, app_name: str, endpoint_id: str) -> tuple[Endpoint, WebhookTest]:
        """Send a test event now, whatever the endpoint's state; an unverified one that takes it becomes active."""
        tested = self.endpoint(app_name, endpoint_id)
        test = self._try(app_name, tested)
        if tested.state != "unverified" or test.answer.failure:
            return tested, test

        def verified(endpoint: Endpoint) -> Endpoint:
            # Not an address that it has got since.
            same = endpoint.state == "unverified" and endpoint.url == tested.url
            return replace(endpoint, state="active") if same else endpoint

        return self._update_one(app_name, endpoint_id, verified), test

    def pause(self, app_name: str, endpoint_id: str) -> Endpoint:
        """Let an endpoint get no events. Raises Conflict if it is unverified: it gets none."""
        return self._update_one(app_name, endpoint_id, lambda one: replace(_verified(one), state="paused"))

    def resume(self, app_name: str, endpoint_id: str) -> Endpoint:
        """Let it get events again. Raises Conflict if it is unverified."""
        return self._update_one(app_name, endpoint_id, lambda one: replace(_verified(one), state="active"))

    def _app(self, app_name: str) -> App:
        app = self.apps.get_fresh(app_name)
        if app is None:
            raise NotFound(_NO_SUCH_ENDPOINT)
        return app

    def _try(self, app_name: str, endpoint: Endpoint) -> WebhookTest:
        sent = self.now()
        event = new_test_event(app_name, endpoint.endpoint_id, sent)
        answer = post_event(endpoint, event, sent, secrets=self.secrets, client=self.client)
        logger.info("test event sent", app_name=app_name, endpoint_id=endpoint.endpoint_id, failure=answer.failure)
        # Blocked and unreachable look the same, as everywhere: no time is told without an answer.
        return WebhookTest(event["id"], answer, None if answer.status is None else self.now() - sent)

    def _update_one(self, app_name: str, endpoint_id: str, decide: Callable[[Endpoint], Endpoint]) -> Endpoint:
        after = self._update(app_name, lambda app: _with(app, decide(_endpoint(app, endpoint_id))))
        return after.endpoints[endpoint_id]

    def _update(self, app_name: str, decide: Callable[[App], App]) -> App:
        """Change the app as it is now, by `decide`, which is asked again if somebody else was quicker."""
        for _ in range(_TRIES):
            before = self._app(app_name)
            after = decide(before)
            if after == before:
                return before
            try:
                self.apps.replace(before, replace(after, version=before.version + 1))
            except Conflict:
                continue
            return after
        raise ChangedMeanwhile(_AGAIN)


_AGAIN = "Somebody else changed the settings of this app at the same time. Look at them, and try again."


def _endpoint(app: App, endpoint_id: str) -> Endpoint:
    endpoint = app.endpoints.get(endpoint_id)
    if endpoint is None:
        raise NotFound(_NO_SUCH_ENDPOINT)
    return endpoint


def _check_room(app: App) -> None:
    if len(app.endpoints) >= MAX_ENDPOINTS:
        raise Conflict(_FULL)


def _verified(endpoint: Endpoint) -> Endpoint:
    if endpoint.state == "unverified":
        raise Conflict(_UNVERIFIED)
    return endpoint


def _with(app: App, endpoint: Endpoint) -> App:
    return replace(app, endpoints={**app.endpoints, endpoint.endpoint_id: endpoint})
