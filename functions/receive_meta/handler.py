"""Meta's callbacks, on a function URL: the handshake, statuses and inbound messages."""

import base64
import hmac
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.aws import client
from hkreach.adapters.clock import now
from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.dynamodb_inbound import DynamoDBInbound
from hkreach.adapters.dynamodb_messages import DynamoDBMessages
from hkreach.adapters.dynamodb_numbers import DynamoDBNumbers
from hkreach.adapters.ssm_meta_app import SSMMetaApp
from hkreach.domain.errors import Unauthorized
from hkreach.settings import ReceiveMetaSettings
from hkreach.usecases.receive_meta import ReceiveMeta

logger = Logger(service="hkreach", step="receive_meta")
settings = ReceiveMetaSettings.from_environment()
dynamodb = client("dynamodb")
meta_app = SSMMetaApp(client("ssm"), settings.meta_app_parameters)
receive_meta = ReceiveMeta(
    messages=DynamoDBMessages(dynamodb, settings.messages_table, now),
    apps=DynamoDBApps(dynamodb, settings.apps_table, settings.app_cache_seconds),
    secrets=meta_app,
    now=now,
    numbers=DynamoDBNumbers(dynamodb, settings.numbers_table),
    inbound=DynamoDBInbound(dynamodb, settings.messages_table, now),
)
api = LambdaFunctionUrlResolver()


@api.get("/")
def handshake() -> Response[str]:
    """Meta sends this when the callback's address is set: the challenge back, if the token is ours."""
    query, token = api.current_event.query_string_parameters, meta_app.verify_token()
    given = query.get("hub.verify_token", "")
    if query.get("hub.mode") != "subscribe" or not token or not hmac.compare_digest(given.encode(), token.encode()):
        logger.warning("handshake refused")
        return _plain(HTTPStatus.FORBIDDEN, "the verify token is not this stack's")
    return _plain(HTTPStatus.OK, query.get("hub.challenge", ""))


@api.post("/")
def callback() -> Response[str]:
    """Anything but 200 makes Meta repeat the callback, for up to seven days."""
    event = api.current_event
    body = base64.b64decode(event.body or "") if event.is_base64_encoded else (event.body or "").encode()
    try:
        fates = receive_meta(body, event.headers.get("X-Hub-Signature-256", ""))
    except Unauthorized:
        logger.warning("callback refused: the signature is not over these bytes")
        return _plain(HTTPStatus.UNAUTHORIZED, "the signature is missing or wrong")
    logger.info("callback received", fates=fates)
    return _plain(HTTPStatus.OK, "")


def _plain(status: HTTPStatus, text: str) -> Response[str]:
    return Response(status, "text/plain", text)


@logger.inject_lambda_context(clear_state=True, correlation_id_path="requestContext.requestId")
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function URL's event in, its answer out."""
    return api.resolve(event, context)
