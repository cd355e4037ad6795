"""`webhooks.warning`: an endpoint keeps failing, or gets nothing any more. Its app's other endpoints are told."""

from uuid import NAMESPACE_URL, uuid5

from hkreach.domain.delivery import EndpointKey
from hkreach.domain.endpoint_health import EndpointHealth
from hkreach.domain.event import Event
from hkreach.domain.event_models import WebhookWarningData
from hkreach.domain.time import to_rfc3339

WARNING = "webhooks.warning"
_IDS = uuid5(NAMESPACE_URL, "urn:hkreach:webhook-warning")


def warning_event(endpoint: EndpointKey, health: EndpointHealth, patience: int) -> Event:
    """The warning that its health just came to.

    It says what was reached and not when that was seen: made again, it is the same, but for one that answered 410.
    """
    assert health.failing_since is not None, "who is warned of fails"
    reached = health.failing_since + patience * health.warned // 100
    at = to_rfc3339(health.disabled_at if health.why == "410" and health.disabled_at is not None else reached)
    data: WebhookWarningData = {
        "endpointId": endpoint.endpoint_id,
        "state": "failing" if health.disabled_at is None else "disabled",
        "level": health.warned,
        "failingSince": to_rfc3339(health.failing_since),
        "timestamp": at,
    }
    if health.disabled_at is None:
        data["disablesAt"] = to_rfc3339(health.failing_since + patience)
    else:
        data["reason"] = health.why or ""
    named = "\0".join((endpoint.app_name, endpoint.endpoint_id, str(health.failing_since), str(health.warned)))
    event_id = f"evt_{uuid5(_IDS, named).hex}"
    return {"id": event_id, "event": WARNING, "createdAt": at, "appName": endpoint.app_name, "data": dict(data)}
