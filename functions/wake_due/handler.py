"""Every minute: put back on its queue whatever is due in the next, and send the reminders that are due."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.aws import client
from hkreach.adapters.clock import now
from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.dynamodb_deliveries import DynamoDBDeliveries
from hkreach.adapters.dynamodb_endpoint_healths import DynamoDBEndpointHealths
from hkreach.adapters.dynamodb_leads import DynamoDBLeads
from hkreach.adapters.dynamodb_messages import DynamoDBMessages
from hkreach.adapters.sqs_deliveries import SQSDeliveryQueue
from hkreach.adapters.sqs_queue import SQSSendQueue
from hkreach.settings import WakeDueSettings
from hkreach.usecases.wake_due import wake_due
from hkreach.usecases.wake_due_deliveries import WakeDeliveries
from hkreach.usecases.wake_due_jobs import do_all
from hkreach.usecases.wake_due_reminders import wake_due_reminders

logger = Logger(service="hkreach", step="wake_due")
settings = WakeDueSettings.from_environment()
dynamodb, sqs = client("dynamodb"), client("sqs")
apps = DynamoDBApps(dynamodb, settings.apps_table, settings.app_cache_seconds)
leads = DynamoDBLeads(dynamodb, settings.leads_table)
messages = DynamoDBMessages(dynamodb, settings.messages_table, now)
queue = SQSSendQueue(sqs, settings.send_queue_urls)
deliveries = DynamoDBDeliveries(dynamodb, settings.deliveries_table, now)
healths = DynamoDBEndpointHealths(dynamodb, settings.deliveries_table, remembers=False)
delivery_queue = SQSDeliveryQueue(sqs, settings.webhook_retry_queue_url)
_WRITERS = 16


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """The schedule's event in, which says nothing; how many were woken, and reminders sent, out."""
    left = context.get_remaining_time_in_millis
    # Writers of its own for each: what one's table holds up is not missing to the others.
    with (
        ThreadPoolExecutor(_WRITERS) as some,
        ThreadPoolExecutor(_WRITERS) as more,
        ThreadPoolExecutor(_WRITERS) as rest,
    ):
        pace = settings.backlog_per_second
        wake_deliveries = WakeDeliveries(deliveries, healths, delivery_queue, now, pace, rest.map)
        done = do_all(
            {
                "woken": lambda: wake_due(messages=messages, queue=queue, now=now, each=some.map, time_left=left),
                "reminded": lambda: wake_due_reminders(
                    leads=leads, messages=messages, apps=apps, now=now, each=more.map, time_left=left
                ),
                "deliveries": lambda: wake_deliveries(left),
            }
        )
    logger.info("woke what was due", **done)
    return done
