"""One try of one event at one endpoint: the one place where webhooks are signed."""

import json

from hkreach.domain.endpoint import Endpoint
from hkreach.domain.event import Event
from hkreach.domain.webhook_answer import Answer
from hkreach.domain.webhook_signature import signature_headers
from hkreach.ports import SealedSecrets, WebhookClient


def post_event(endpoint: Endpoint, event: Event, at: int, *, secrets: SealedSecrets, client: WebhookClient) -> Answer:
    """POST the event, signed at `at` (milliseconds) over the very bytes sent.

    The endpoint is one of the event's app: the secret of another app's raises as `SealedSecrets.open` does, and nothing
    is sent. Without a secret it goes unsigned.
    """
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    sealed = [secret for secret in (endpoint.secret, endpoint.live_old_secret(at)) if secret is not None]
    live = [secrets.open(event["appName"], "webhook_secret", secret) for secret in sealed]
    headers = {"Content-Type": "application/json", "User-Agent": "HK-Reach-Webhooks/1"}
    return client.post(endpoint.url, body, headers | signature_headers(live, event["id"], at, body))
