"""The streams of messages and of leads: publish what is new on the bus; a customer's first message makes a lead."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.aws import client
from hkreach.adapters.dynamodb_leads import DynamoDBLeads
from hkreach.adapters.eventbridge_bus import EventBridgeBus
from hkreach.edge.lead_stream import is_of_leads, read_moves
from hkreach.edge.message_stream import failed_from, read_changes
from hkreach.settings import RelayEventsSettings
from hkreach.usecases.relay_events import relay_events
from hkreach.usecases.relay_events_leads import make_leads, relay_moves

logger = Logger(service="hkreach", step="relay_events")
settings = RelayEventsSettings.from_environment()
bus = EventBridgeBus(client("events"), settings.event_bus_name)
leads = DynamoDBLeads(client("dynamodb"), settings.leads_table, settings.lead_cache_seconds)


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Stream records in; the partial batch answer out."""
    if is_of_leads(event):
        refused = relay_moves(read_moves(event), bus=bus)
    else:
        changes = read_changes(event)
        refused = relay_events(changes, bus=bus) | make_leads(changes, leads=leads)
    logger.info("relayed to the bus", records=len(event["Records"]), refused=len(refused))
    return failed_from(refused)
