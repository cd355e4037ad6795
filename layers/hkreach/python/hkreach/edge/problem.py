"""Errors as RFC 9457 problem+json; the one place where they get an HTTP status."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from hkreach.domain import errors

CONTENT_TYPE = "application/problem+json"
_STATUS: Mapping[type[errors.ReachError], HTTPStatus] = {
    errors.Malformed: HTTPStatus.BAD_REQUEST,
    errors.Unauthorized: HTTPStatus.UNAUTHORIZED,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.ChangedMeanwhile: HTTPStatus.CONFLICT,
    errors.IdempotencyConflict: HTTPStatus.CONFLICT,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
_RETRY_AFTER_SECONDS = 5


class Internal(errors.ReachError):
    """A fault of ours. The caller learns nothing of it but the id to ask for."""

    code = "internal"
    title = "Something went wrong on our side"
    retryable = True

    def __init__(self) -> None:
        super().__init__("Nothing is known to be wrong with the request. Quote requestId to the operator if it lasts.")


def problem_response(error: errors.ReachError, request_id: str) -> Response[str]:
    """The answer for an error: status, headers and a body that says what to do."""
    status = _STATUS.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR)
    headers: dict[str, str | list[str]] = {}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
    return Response(status, CONTENT_TYPE, json.dumps(_problem(error, status, request_id)), headers)


def _problem(error: errors.ReachError, status: HTTPStatus, request_id: str) -> dict[str, Any]:
    problem: dict[str, Any] = {
        "type": f"urn:hkreach:problem:{error.code}",
        "title": error.title,
        "status": status.value,
        "detail": error.detail,
        "code": error.code,
        "retryable": error.retryable,
        "requestId": request_id,
    }
    if error.faults:
        problem["errors"] = [{"field": fault.field, "detail": fault.detail} for fault in error.faults]
    return problem
