"""The router of the functions behind API Gateway, with our answers for all that goes wrong."""

import base64
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from botocore.exceptions import BotoCoreError, ClientError

from hkreach.domain.errors import (
    Fault,
    Invalid,
    Malformed,
    NotFound,
    ReachError,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from hkreach.edge.problem import Internal, problem_response

logger = Logger(service="hkreach", child=True)

# A write whose answer was lost may have been made, so this promises nothing of what happened.
_TRY_AGAIN = (
    "A part of this service does not answer just now. Try again; with the same Idempotency-Key nothing is sent twice."
)


def http_api() -> APIGatewayRestResolver:
    """A resolver that answers every error as problem+json, without a trace."""
    api = APIGatewayRestResolver()

    def answer(error: ReachError) -> Response[str]:
        return problem_response(error, api.current_event.request_context.request_id or "")

    @api.exception_handler(ReachError)  # type: ignore[untyped-decorator]
    def of_the_caller(error: ReachError) -> Response[str]:
        # Not which fields: their names are the caller's, and anything can be one.
        logger.info("request refused", code=error.code, faults=len(error.faults))
        return answer(error)

    @api.exception_handler([BotoCoreError, ClientError])  # type: ignore[untyped-decorator]
    def of_aws(error: Exception) -> Response[str]:
        logger.error("aws call failed", exc_info=error)
        return answer(Unavailable(_TRY_AGAIN))

    @api.exception_handler(Exception)  # type: ignore[untyped-decorator]
    def of_ours(error: Exception) -> Response[str]:
        logger.error("request failed", exc_info=error)
        return answer(Internal())

    @api.not_found
    def no_route(error: Exception) -> Response[str]:
        return answer(NotFound("There is no such route: see the API's documentation for the paths and methods."))

    return api


def json_response(
    status: HTTPStatus, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response[str]:
    """A JSON answer."""
    return Response(status, "application/json", json.dumps(body, ensure_ascii=False), dict(headers or {}))


def required_query(event: APIGatewayProxyEvent, name: str, detail: str) -> str:
    """The one value of a query's parameter. Raises Invalid, with `detail`, if it is missing or empty."""
    value = event.get_query_string_value(name, "")
    if not value:
        raise Invalid(detail, [Fault(name, f"{name} is required in the query")])
    return value


def require_content_type(event: APIGatewayProxyEvent, wanted: str) -> None:
    """Raises UnsupportedMediaType unless the request says that its body is of the type."""
    given = (event.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    if given != wanted:
        raise UnsupportedMediaType(f"This route takes {wanted}; the request says {given[:100] or 'nothing'!r}.")


def json_body(event: APIGatewayProxyEvent, limit: int) -> Any:
    """What the JSON body says. Raises UnsupportedMediaType, TooLarge or Malformed."""
    require_content_type(event, "application/json")
    try:
        return json.loads(body_bytes(event, limit))
    except (ValueError, RecursionError):
        raise Malformed("The body is not valid JSON.") from None


def body_bytes(event: APIGatewayProxyEvent, limit: int, advice: str = "") -> bytes:
    """The body as the caller sent it.

    Raises TooLarge above `limit` bytes (its text ends with `advice`), Malformed if it is not what it says it is.
    """
    text = event.body or ""
    size = len(text) * 3 // 4 if event.is_base64_encoded else len(text)
    if size <= limit + 2:  # base64's padding
        try:
            body = base64.b64decode(text, validate=True) if event.is_base64_encoded else text.encode()
        except ValueError:
            raise Malformed("The body is not valid base64 or not valid UTF-8.") from None
        size = len(body)
        if size <= limit:
            return body
    raise TooLarge(f"The body has {size:,} bytes; at most {limit:,} are taken here.{advice}")
