"""The messages table's stream: publish new facts and inbound messages on the bus."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.aws import client
from hkreach.adapters.eventbridge_bus import EventBridgeBus
from hkreach.edge.message_stream import failed_from, read_changes
from hkreach.settings import RelayEventsSettings
from hkreach.usecases.relay_events import relay_events

logger = Logger(service="hkreach", step="relay_events")
settings = RelayEventsSettings.from_environment()
bus = EventBridgeBus(client("events"), settings.event_bus_name)


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Stream records in; the partial batch answer out."""
    changes = read_changes(event)
    refused = relay_events(changes, bus=bus)
    logger.info("relayed to the bus", records=len(changes), refused=len(refused))
    return failed_from(refused)
