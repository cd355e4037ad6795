"""POST /api/external/send/*: accept a message."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.aws import client
from hkreach.adapters.clock import now
from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.dynamodb_messages import DynamoDBMessages
from hkreach.adapters.s3_media import S3Media
from hkreach.adapters.s3_uploads import S3Uploads
from hkreach.domain.app import App
from hkreach.edge.authentication import authenticate
from hkreach.edge.http_api import http_api, json_response
from hkreach.edge.query import expect_query
from hkreach.edge.send_body import read_document_request, read_template_request
from hkreach.settings import AcceptMessageSettings
from hkreach.usecases.accept_message import SendRequest, accept_message

logger = Logger(service="hkreach", step="accept_message")
settings = AcceptMessageSettings.from_environment()
dynamodb = client("dynamodb")
apps = DynamoDBApps(dynamodb, settings.apps_table, settings.app_cache_seconds)
messages = DynamoDBMessages(dynamodb, settings.messages_table, now)
s3 = client("s3")
media = S3Media(s3, settings.media_bucket)
uploads = S3Uploads(s3, settings.media_bucket)
api = http_api()


@api.post("/api/external/send/template")
def send_template() -> Response[str]:
    """A template with parameters, as JSON."""
    app = authenticate(api.current_event, apps)
    expect_query(api.current_event)
    return _accept(app, read_template_request(api.current_event, app.language_code, settings.local_targets))


@api.post("/api/external/send/document")
def send_document() -> Response[str]:
    """A template with a file as its header, as a form."""
    app = authenticate(api.current_event, apps)
    expect_query(api.current_event)
    return _accept(app, read_document_request(api.current_event, app.language_code))


def _accept(app: App, request: SendRequest) -> Response[str]:
    receipt = accept_message(app, request, messages=messages, media=media, uploads=uploads, now=now)
    logger.info("message accepted", message_id=receipt.message_id, app_name=app.app_name, replayed=receipt.replayed)
    headers = {"Idempotency-Replayed": "true"} if receipt.replayed else {}
    return json_response(HTTPStatus.ACCEPTED, {"messageId": receipt.message_id, "status": "queued"}, headers)


@logger.inject_lambda_context(clear_state=True, correlation_id_path="requestContext.requestId")
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """API Gateway's proxy event in, its answer out."""
    return api.resolve(event, context)
