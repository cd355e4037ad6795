"""The streams of messages and of leads: publish what is new on the bus; a customer's first message makes a lead.

And the queue of the messages whose leads could not be made at once.
"""

import json
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.aws import client
from hkreach.adapters.clock import now
from hkreach.adapters.dynamodb_inbound import DynamoDBInbound
from hkreach.adapters.dynamodb_leads import DynamoDBLeads
from hkreach.adapters.eventbridge_bus import EventBridgeBus
from hkreach.adapters.sqs_leads import SQSLeadQueue
from hkreach.adapters.sqs_queue import SQSVisibility
from hkreach.domain.progress import Progress
from hkreach.edge.lead_stream import is_of_leads, read_moves
from hkreach.edge.message_stream import failed_from, read_changes
from hkreach.edge.queue_batch import is_of_queue, work_on_batch
from hkreach.settings import RelayEventsSettings
from hkreach.usecases.relay_events import relay_events
from hkreach.usecases.relay_events_leads import make_lead, make_leads, relay_moves

logger = Logger(service="hkreach", step="relay_events")
settings = RelayEventsSettings.from_environment()
dynamodb, sqs = client("dynamodb"), client("sqs")
bus = EventBridgeBus(client("events"), settings.event_bus_name)
leads = DynamoDBLeads(dynamodb, settings.leads_table, settings.lead_cache_seconds)
inbound = DynamoDBInbound(dynamodb, settings.messages_table, now)
lead_queue = SQSLeadQueue(sqs, settings.lead_queue_url)
visibility = SQSVisibility(sqs, settings.lead_queue_url)


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Records of a stream or of the lead queue in; the partial batch answer out."""
    if is_of_queue(event):
        return work_on_batch(event, context, _make_lead, visibility, 0)  # a fault: the queue's own visibility
    if is_of_leads(event):
        refused = relay_moves(read_moves(event), bus=bus)
    else:
        changes, left = read_changes(event), context.get_remaining_time_in_millis
        refused = relay_events(changes, bus=bus) | make_leads(changes, leads=leads, queue=lead_queue, time_left=left)
    logger.info("relayed to the bus", records=len(event["Records"]), refused=len(refused))
    return failed_from(refused)


def _make_lead(record: SQSRecord) -> Progress:
    make_lead(json.loads(record.body)["messageId"], inbound=inbound, leads=leads)
    return "done"
