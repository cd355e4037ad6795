"""Invoked by the operator with IAM: apps, keys and secrets, and messages that are stuck."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.aws import client
from hkreach.adapters.clock import now
from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.dynamodb_endpoint_healths import DynamoDBEndpointHealths
from hkreach.adapters.dynamodb_inbound import DynamoDBUnread
from hkreach.adapters.dynamodb_messages import DynamoDBMessages
from hkreach.adapters.dynamodb_numbers import DynamoDBNumbers
from hkreach.adapters.dynamodb_stopped import DynamoDBStopped
from hkreach.adapters.dynamodb_unsettled import DynamoDBUnsettled
from hkreach.adapters.kms_secrets import KMSSecrets
from hkreach.adapters.sqs_dead_letters import SQSDeadLetters, lane_of_letter
from hkreach.adapters.ssm_meta_app import SSMMetaApp
from hkreach.edge.operator_call import perform
from hkreach.settings import AdministerSettings
from hkreach.usecases.administer import Administer
from hkreach.usecases.administer_messages import AdministerMessages
from hkreach.usecases.administer_resume import ResumeWaiting

logger = Logger(service="hkreach", step="administer")
settings = AdministerSettings.from_environment()
dynamodb, sqs = client("dynamodb"), client("sqs")
apps = DynamoDBApps(dynamodb, settings.apps_table, settings.app_cache_seconds)
numbers = DynamoDBNumbers(dynamodb, settings.numbers_table, remembers=False)
messages = DynamoDBMessages(dynamodb, settings.messages_table, now)
administer = Administer(
    apps=apps,
    numbers=numbers,
    secrets=KMSSecrets(client("kms"), settings.secrets_key_id),
    meta_app=SSMMetaApp(client("ssm"), settings.meta_app_parameters, settings.secrets_key_id),
    now=now,
    healths=DynamoDBEndpointHealths(dynamodb, settings.deliveries_table, remembers=False),
    local_targets=settings.local_targets,
    resume_waiting=ResumeWaiting(messages, DynamoDBStopped(dynamodb, settings.messages_table), numbers, now),
)
administer_messages = AdministerMessages(
    messages=messages,
    unsettled=DynamoDBUnsettled(dynamodb, settings.messages_table, now),
    apps=apps,
    dead_letters={
        "send": SQSDeadLetters(
            sqs, settings.send_dead_letter_queue_url, lane_of_letter(messages, settings.send_queue_urls)
        ),
        "media": SQSDeadLetters(sqs, settings.media_dead_letter_queue_url, settings.media_queue_url),
        "webhooks": SQSDeadLetters(sqs, settings.webhook_dead_letter_queue_url, settings.webhook_queue_url),
        "leads": SQSDeadLetters(sqs, settings.lead_dead_letter_queue_url, settings.lead_queue_url),
        "statuses": SQSDeadLetters(sqs, settings.status_dead_letter_queue_url, settings.status_queue_url),
    },
    now=now,
    unread=DynamoDBUnread(dynamodb, settings.messages_table, now),
)


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """`{"action": …}` in; what the operator is to see, or `{"error": {code, detail, errors}}`, out."""
    logger.info("operator call", action=str(event.get("action"))[:40], app_name=str(event.get("appName"))[:64])
    return perform(administer, administer_messages, event, context.get_remaining_time_in_millis)
