"""The test event: what an endpoint must take before it gets others."""

from dataclasses import dataclass
from uuid import uuid4

from hkreach.domain.endpoint import TEST_EVENT
from hkreach.domain.event import Event
from hkreach.domain.time import to_rfc3339
from hkreach.domain.webhook_answer import Answer


@dataclass(frozen=True, slots=True)
class WebhookTest:
    """What became of one test event. `milliseconds`: until the server's answer; None if there was none."""

    event_id: str
    answer: Answer
    milliseconds: int | None


def new_test_event(app_name: str, endpoint_id: str, now: int) -> Event:
    """`webhooks.test`, each with an id of its own: it is made from no fact."""
    return {
        "id": f"evt_{uuid4().hex}",
        "event": TEST_EVENT,
        "createdAt": to_rfc3339(now),
        "appName": app_name,
        "data": {"endpointId": endpoint_id},
    }
