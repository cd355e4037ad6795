"""Deliver an event to the endpoints of its app that take it."""

from collections.abc import Callable, Iterable

from aws_lambda_powertools import Logger

from hkreach.domain.endpoint import Endpoint, in_order
from hkreach.domain.event import Event
from hkreach.domain.progress import Progress
from hkreach.domain.webhook_answer import Answer
from hkreach.ports import Apps, Clock, SealedSecrets, WebhookClient
from hkreach.usecases.deliver_webhook_post import post_event

logger = Logger(service="hkreach", child=True)

type Each = Callable[[Callable[[Endpoint], Answer], Iterable[Endpoint]], Iterable[Answer]]
"""How the endpoints of one event are gone through: like `map`, or all at once."""


def deliver_webhook(
    event: Event, *, apps: Apps, secrets: SealedSecrets, client: WebhookClient, now: Clock, each: Each = map
) -> Progress:
    """POST the event to each active endpoint that takes it. `later`: one of them did not; then all get it again."""
    app = apps.get(event["appName"])
    endpoints = in_order(app.endpoints.values()) if app is not None else []
    takers = [endpoint for endpoint in endpoints if endpoint.state == "active" and endpoint.takes(event)]
    if not takers:
        logger.info("no webhook for this event", event_id=event["id"], app_name=event["appName"])
        return "done"

    def post(endpoint: Endpoint) -> Answer:
        return post_event(endpoint, event, now(), secrets=secrets, client=client)

    failures = []
    for endpoint, answer in zip(takers, each(post, takers), strict=True):
        logger.info(
            "webhook tried",
            event_id=event["id"],
            app_name=event["appName"],
            endpoint_id=endpoint.endpoint_id,
            failure=answer.failure,
        )
        failures.append(answer.failure)
    return "later" if any(failures) else "done"
