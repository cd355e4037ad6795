"""The bodies of the media routes."""

from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from hkreach.domain.errors import Invalid
from hkreach.domain.time import to_rfc3339
from hkreach.edge.http_api import json_body
from hkreach.edge.send_faults import validate
from hkreach.edge.send_fields import MediaFields
from hkreach.usecases.manage_media import MediaState, Ready, RefusedMedia, StartedUpload, Waiting

MAX_JSON_BYTES = 10_000


def read_upload_request(event: APIGatewayProxyEvent) -> MediaFields:
    """What is told of a file before it is uploaded. Raises the error that names every fault."""
    fields, faults = validate(MediaFields, json_body(event, MAX_JSON_BYTES))
    if fields is None:
        raise Invalid("The request names what is wrong in errors.", faults)
    return fields


def started_upload(started: StartedUpload) -> dict[str, Any]:
    """The id, and the form as a program needs it."""
    upload = {"method": "POST", "url": started.form.url, "fields": dict(started.form.fields)}
    return {"mediaId": started.media_id, "upload": upload, "expiresAt": to_rfc3339(started.expires_at)}


def state_of_media(media_id: str, state: MediaState) -> dict[str, Any]:
    """`state` is waiting, ready or refused; the rest tells what a caller can do with it."""
    match state:
        case Waiting(until):
            return {"mediaId": media_id, "state": "waiting", "expiresAt": to_rfc3339(until)}
        case Ready(media, until):
            return {
                "mediaId": media_id,
                "state": "ready",
                "kind": media.kind,
                "mimeType": media.mime_type,
                "size": media.size,
                "filename": media.filename,
                "expiresAt": to_rfc3339(until),
            }
        case RefusedMedia(fault):
            return {"mediaId": media_id, "state": "refused", "reason": f"The file {fault}."}
