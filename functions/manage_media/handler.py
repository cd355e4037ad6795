"""/api/external/media: files that apps upload by themselves."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from hkreach.adapters.aws import client
from hkreach.adapters.clock import now
from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.s3_uploads import S3Uploads
from hkreach.edge.authentication import authenticate
from hkreach.edge.http_api import http_api, json_response, required_query
from hkreach.edge.media_body import read_upload_request, started_upload, state_of_media
from hkreach.settings import ManageMediaSettings
from hkreach.usecases.manage_media import manage_media, start_upload

logger = Logger(service="hkreach", step="manage_media")
settings = ManageMediaSettings.from_environment()
apps = DynamoDBApps(client("dynamodb"), settings.apps_table, settings.app_cache_seconds)
uploads = S3Uploads(client("s3"), settings.media_bucket)
api = http_api()


@api.post("/api/external/media")
def announce() -> Response[str]:
    """An id, and the form that uploads its file."""
    app = authenticate(api.current_event, apps)
    fields = read_upload_request(api.current_event)
    started = start_upload(app, fields.filename, fields.size, uploads=uploads, now=now)
    logger.info("upload announced", media_id=started.media_id, app_name=app.app_name)
    return json_response(HTTPStatus.CREATED, started_upload(started))


@api.get("/api/external/media")
def state() -> Response[str]:
    """What became of an upload."""
    app = authenticate(api.current_event, apps)
    media_id = required_query(api.current_event, "mediaId", "Say which media.")
    found = manage_media(app, media_id, uploads=uploads, now=now)
    return json_response(HTTPStatus.OK, state_of_media(media_id, found))


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """API Gateway's proxy event in, its answer out."""
    logger.info("request")
    return api.resolve(event, context)
