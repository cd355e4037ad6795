"""GET /api/external/message*: what became of a message."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.aws import client
from hkreach.adapters.clock import now
from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.dynamodb_messages import DynamoDBMessages
from hkreach.domain.message import OutboundMessage, Status
from hkreach.edge.authentication import authenticate
from hkreach.edge.http_api import http_api, json_response, required_query
from hkreach.edge.query import expect_query
from hkreach.settings import ReadMessageSettings
from hkreach.usecases.read_message import read_message, timeline

logger = Logger(service="hkreach", step="read_message")
settings = ReadMessageSettings.from_environment()
dynamodb = client("dynamodb")
apps = DynamoDBApps(dynamodb, settings.apps_table, settings.app_cache_seconds)
messages = DynamoDBMessages(dynamodb, settings.messages_table, now)
api = http_api()


@api.get("/api/external/message/status")
def message_status() -> Response[str]:
    """The status, and with `failed` the reason."""
    message = _message()
    body: dict[str, Any] = {"status": message.status.value, "messageId": message.message_id}
    if message.status is Status.FAILED and message.error is not None:
        body["error"] = message.error.as_dict()
    return json_response(HTTPStatus.OK, body)


@api.get("/api/external/message")
def message_timeline() -> Response[str]:
    """Everything that is known of it, and in words why it waits."""
    return json_response(HTTPStatus.OK, timeline(_message()))


def _message() -> OutboundMessage:
    app = authenticate(api.current_event, apps)
    expect_query(api.current_event, "messageId")
    message_id = required_query(api.current_event, "messageId", "Say which message.")
    return read_message(app, message_id, messages=messages)


@logger.inject_lambda_context(clear_state=True, correlation_id_path="requestContext.requestId")
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """API Gateway's proxy event in, its answer out."""
    logger.info("request")
    return api.resolve(event, context)
