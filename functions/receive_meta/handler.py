"""Meta's callbacks, on a function URL: the handshake, statuses and inbound messages. And the status queue."""

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
from hkreach.adapters.sqs_queue import SQSVisibility
from hkreach.adapters.sqs_statuses import SQSStatusQueue, read_early
from hkreach.adapters.ssm_meta_app import SSMMetaApp
from hkreach.domain.errors import Unauthorized
from hkreach.edge.meta_url import challenge_of, raw_body
from hkreach.edge.queue_batch import is_of_queue, work_on_batch
from hkreach.settings import ReceiveMetaSettings
from hkreach.usecases.receive_meta import ReceiveMeta

logger = Logger(service="hkreach", step="receive_meta")
settings = ReceiveMetaSettings.from_environment()
dynamodb, sqs = client("dynamodb"), client("sqs")
meta_app = SSMMetaApp(client("ssm"), settings.meta_app_parameters)
receive_meta = ReceiveMeta(
    messages=DynamoDBMessages(dynamodb, settings.messages_table, now),
    apps=DynamoDBApps(dynamodb, settings.apps_table, settings.app_cache_seconds),
    secrets=meta_app,
    now=now,
    numbers=DynamoDBNumbers(dynamodb, settings.numbers_table),
    inbound=DynamoDBInbound(dynamodb, settings.messages_table, now),
    statuses=SQSStatusQueue(sqs, settings.status_queue_url),
    limits=settings.limits,
)
visibility, api = SQSVisibility(sqs, settings.status_queue_url), LambdaFunctionUrlResolver()


@api.get("/")
def handshake() -> Response[str]:
    """Meta sends this when the callback's address is set: the challenge back, if the token is ours."""
    challenge = challenge_of(api.current_event.query_string_parameters, meta_app.verify_token())
    if challenge is None:
        logger.warning("handshake refused")
        return Response(HTTPStatus.FORBIDDEN, "text/plain", "the verify token is not this stack's")
    return Response(HTTPStatus.OK, "text/plain", challenge)


@api.post("/")
def callback() -> Response[str]:
    """Anything but 200 makes Meta repeat the callback, for up to seven days."""
    event = api.current_event
    try:
        fates = receive_meta(raw_body(event.raw_event), event.headers.get("X-Hub-Signature-256", ""))
    except Unauthorized:
        logger.warning("callback refused: the signature is not over these bytes")
        return Response(HTTPStatus.UNAUTHORIZED, "text/plain", "the signature is missing or wrong")
    logger.info("callback received", fates=fates)
    return Response(HTTPStatus.OK, "text/plain", "")


@logger.inject_lambda_context(clear_state=True, correlation_id_path="requestContext.requestId")
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function URL's event in, its answer out; or records of the status queue, and the partial batch answer."""
    if is_of_queue(event):
        return work_on_batch(event, context, lambda one: receive_meta.look_again(read_early(one.body)), visibility)
    return api.resolve(event, context)
