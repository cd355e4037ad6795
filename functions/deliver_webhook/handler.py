"""The webhook queue: deliver events to the apps' servers."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.aws import client
from hkreach.adapters.clock import now
from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.guarded_webhooks import GuardedWebhooks
from hkreach.adapters.kms_secrets import KMSSecrets
from hkreach.adapters.sqs_queue import SQSVisibility
from hkreach.domain.progress import Progress
from hkreach.edge.queue_batch import work_on_batch
from hkreach.settings import DeliverWebhookSettings
from hkreach.usecases.deliver_webhook import deliver_webhook

logger = Logger(service="hkreach", step="deliver_webhook")
settings = DeliverWebhookSettings.from_environment()
apps = DynamoDBApps(client("dynamodb"), settings.apps_table, settings.app_cache_seconds)
secrets = KMSSecrets(client("kms"))
webhooks = GuardedWebhooks(settings.local_targets, settings.answer_seconds, now)
visibility = SQSVisibility(client("sqs"), settings.webhook_queue_url)
_MOST_POSTS = 50


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Queue records in, each with an event of the bus; the partial batch answer out."""
    # Ten records, each with up to five endpoints: all at once, so that none waits for another's server.
    posts = ThreadPoolExecutor(_MOST_POSTS, thread_name_prefix="post")

    def work(record: SQSRecord) -> Progress:
        detail = json.loads(record.body)["detail"]
        return deliver_webhook(detail, apps=apps, secrets=secrets, client=webhooks, now=now, each=posts.map)

    try:
        return work_on_batch(event, context, work, visibility, settings.retry_base_seconds)
    finally:
        posts.shutdown(wait=False)
