"""Sign an event and deliver it to its app's server."""

import json

from aws_lambda_powertools import Logger

from hkreach.domain.event import Event
from hkreach.domain.progress import Progress
from hkreach.domain.signature import sign
from hkreach.ports import Apps, SealedSecrets, WebhookClient

logger = Logger(service="hkreach", child=True)


def deliver_webhook(event: Event, *, apps: Apps, secrets: SealedSecrets, client: WebhookClient) -> Progress:
    """POST the event, signed over the very bytes sent. `later`: the server did not take it.

    An app without a webhook gets none; one without a secret gets it unsigned.
    """
    app = apps.get(event["appName"])
    if app is None or app.webhook is None:
        logger.info("no webhook for this event", event_id=event["id"], app_name=event["appName"])
        return "done"
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "HK-Reach-Webhooks/1"}
    if app.webhook.secret is not None:
        headers["X-HKReach-Signature"] = sign(secrets.open(app.app_name, "webhook_secret", app.webhook.secret), body)
    failure = client.post(app.webhook.url, body, headers)
    logger.info("webhook tried", event_id=event["id"], app_name=app.app_name, failure=failure)
    return "later" if failure else "done"
