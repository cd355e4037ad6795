"""/api/external/media: files that apps upload by themselves, and those that customers sent."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.aws import client
from hkreach.adapters.clock import now
from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.dynamodb_inbound import DynamoDBInbound
from hkreach.adapters.s3_links import S3Links
from hkreach.adapters.s3_uploads import S3Uploads
from hkreach.edge.authentication import authenticate
from hkreach.edge.http_api import http_api, json_response, required_query
from hkreach.edge.media_body import read_upload_request, started_upload, state_of_media
from hkreach.edge.query import expect_query
from hkreach.settings import ManageMediaSettings
from hkreach.usecases.manage_media import content_of_media, manage_media, start_upload

logger = Logger(service="hkreach", step="manage_media")
settings = ManageMediaSettings.from_environment()
dynamodb, s3 = client("dynamodb"), client("s3")
apps = DynamoDBApps(dynamodb, settings.apps_table, settings.app_cache_seconds)
inbound = DynamoDBInbound(dynamodb, settings.messages_table, now)
uploads, links = S3Uploads(s3, settings.media_bucket), S3Links(s3, settings.media_bucket)
api = http_api()


@api.post("/api/external/media")
def announce() -> Response[str]:
    """An id, and the form that uploads its file."""
    app = authenticate(api.current_event, apps)
    expect_query(api.current_event)
    fields = read_upload_request(api.current_event)
    started = start_upload(app, fields.filename, fields.size, uploads=uploads, now=now)
    logger.info("upload announced", media_id=started.media_id, app_name=app.app_name)
    return json_response(HTTPStatus.CREATED, started_upload(started))


@api.get("/api/external/media")
def state() -> Response[str]:
    """What became of an upload."""
    app = authenticate(api.current_event, apps)
    expect_query(api.current_event, "mediaId")
    media_id = required_query(api.current_event, "mediaId", "Say which media.")
    found = manage_media(app, media_id, uploads=uploads, now=now)
    return json_response(HTTPStatus.OK, state_of_media(media_id, found))


@api.get("/api/external/media/content")
def content() -> Response[str]:
    """Where a file can be had, for a minute."""
    app = authenticate(api.current_event, apps)
    expect_query(api.current_event, "mediaId")
    media_id = required_query(api.current_event, "mediaId", "Say which media.")
    address = content_of_media(app, media_id, inbound=inbound, uploads=uploads, links=links, now=now)
    return Response(HTTPStatus.FOUND, body="", headers={"Location": address, "Cache-Control": "no-store"})


@logger.inject_lambda_context(clear_state=True, correlation_id_path="requestContext.requestId")
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """API Gateway's proxy event in, its answer out."""
    logger.info("request")
    return api.resolve(event, context)
