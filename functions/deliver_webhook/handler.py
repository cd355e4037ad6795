"""The two webhook queues: deliver events to the apps' servers, and again what one of them did not take."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.aws import client
from hkreach.adapters.clock import now
from hkreach.adapters.delivery_items import read_record_body
from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.dynamodb_deliveries import DynamoDBDeliveries
from hkreach.adapters.dynamodb_endpoint_healths import DynamoDBEndpointHealths
from hkreach.adapters.dynamodb_event_facts import DynamoDBEventFacts
from hkreach.adapters.eventbridge_bus import EventBridgeBus
from hkreach.adapters.guarded_webhooks import GuardedWebhooks
from hkreach.adapters.kms_secrets import KMSSecrets
from hkreach.adapters.overdue import overdue
from hkreach.adapters.sqs_deliveries import SQSDeliveryQueue
from hkreach.adapters.sqs_queue import SQSVisibility
from hkreach.domain.progress import Progress
from hkreach.edge.queue_batch import work_on_batch
from hkreach.settings import DeliverWebhookSettings
from hkreach.usecases.deliver_webhook import DeliverWebhook
from hkreach.usecases.deliver_webhook_try import TryDelivery

logger = Logger(service="hkreach", step="deliver_webhook")
settings = DeliverWebhookSettings.from_environment()
dynamodb, sqs = client("dynamodb"), client("sqs")
attempt = TryDelivery(
    deliveries=DynamoDBDeliveries(dynamodb, settings.deliveries_table, now),
    healths=DynamoDBEndpointHealths(dynamodb, settings.deliveries_table),
    queue=SQSDeliveryQueue(sqs, settings.webhook_retry_queue_url),
    bus=EventBridgeBus(client("events"), settings.event_bus_name),
    secrets=KMSSecrets(client("kms")),
    client=GuardedWebhooks(settings.local_targets, settings.answer_seconds, now),
    now=now,
    plan=settings.plan,
    limits=settings.limits,
    draw=random.random,
    overdue=overdue,
)
apps = DynamoDBApps(dynamodb, settings.apps_table, settings.app_cache_seconds)
deliver_webhook = DeliverWebhook(apps, DynamoDBEventFacts(dynamodb, settings.fact_tables, now), attempt)
visibility = SQSVisibility(sqs, settings.webhook_retry_queue_url)  # of no record: each is done, or raises


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Records of one queue in, each with an event or a delivery's key; the partial batch answer out."""
    posts = ThreadPoolExecutor(50, thread_name_prefix="post")  # ten records, each with up to five endpoints, at once

    def work(record: SQSRecord) -> Progress:
        body, again = json.loads(record.body), int(record.attributes.approximate_receive_count) > 1
        if woken := read_record_body(body):
            deliver_webhook.in_turn(woken, context.get_remaining_time_in_millis)
        elif "endpointId" in body:
            deliver_webhook.forwarded(body["event"], body["endpointId"], again=again)
        else:
            deliver_webhook(body["detail"], posts.map, again=again)
        return "done"

    try:
        return work_on_batch(event, context, work, visibility)
    finally:
        posts.shutdown(wait=False)
