"""The messages table's stream: put new outbound messages on their queues, and what lacks a file on the media queue."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.aws import client
from hkreach.adapters.sqs_queue import SQSSendQueue
from hkreach.edge.message_stream import failed_from, read_changes
from hkreach.settings import RelayOutboxSettings
from hkreach.usecases.relay_outbox import relay_outbox

logger = Logger(service="hkreach", step="relay_outbox")
settings = RelayOutboxSettings.from_environment()
queue = SQSSendQueue(client("sqs"), settings.send_queue_urls)


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Stream records in; the partial batch answer out."""
    changes = read_changes(event)
    refused = relay_outbox(changes, queue=queue)
    logger.info("relayed to the send queue", records=len(changes), refused=len(refused))
    return failed_from(refused)
