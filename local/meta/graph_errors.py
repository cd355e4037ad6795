"""Meta's error codes with their HTTP statuses and titles, and the one exception that answers them."""

from typing import NamedTuple

from local.meta.wire import new_trace_id
from local.typed_json import JsonObject


class KnownError(NamedTuple):
    """What Meta's table says of a code."""

    status: int
    title: str


KNOWN_ERRORS: dict[int, KnownError] = {
    0: KnownError(401, "AuthException"),
    1: KnownError(500, "API Unknown"),
    2: KnownError(503, "API Service"),
    3: KnownError(500, "API Method"),
    4: KnownError(429, "API Too Many Calls"),
    10: KnownError(403, "Permission Denied"),
    17: KnownError(429, "API User Too Many Calls"),
    32: KnownError(429, "Page request limit reached"),
    33: KnownError(400, "Parameter value is not valid"),
    100: KnownError(400, "Invalid parameter"),
    102: KnownError(401, "Session key invalid or no longer valid"),
    104: KnownError(401, "An access token is required to request this resource."),
    190: KnownError(401, "Access token has expired"),
    200: KnownError(403, "API Permission"),
    341: KnownError(429, "Application limit reached"),
    368: KnownError(403, "Temporarily blocked for policies violations"),
    613: KnownError(429, "Calls to this api have exceeded the rate limit"),
    2500: KnownError(400, "An active access token must be used to query information about the current user."),
    80007: KnownError(429, "Rate limit issues"),
    80008: KnownError(400, "There have been too many calls to this WhatsApp Business account"),
    130403: KnownError(400, "User blocked"),
    130429: KnownError(429, "Rate limit hit"),
    130472: KnownError(400, "User's number is part of an experiment"),
    130497: KnownError(400, "Business account is restricted from messaging users in this country"),
    131000: KnownError(500, "Something went wrong"),
    131005: KnownError(403, "Access denied"),
    131008: KnownError(400, "Required parameter is missing"),
    131009: KnownError(400, "Parameter value is not valid"),
    131016: KnownError(500, "Service unavailable"),
    131021: KnownError(400, "Recipient cannot be sender"),
    131026: KnownError(400, "Message undeliverable"),
    131030: KnownError(400, "Recipient phone number not in allowed list"),
    131031: KnownError(403, "Business Account locked"),
    131037: KnownError(400, "Display name approval needed"),
    131042: KnownError(400, "Business eligibility payment issue"),
    131044: KnownError(400, "Payment account not set up"),
    131045: KnownError(500, "Incorrect certificate"),
    131047: KnownError(400, "Re-engagement message"),
    131048: KnownError(400, "Spam rate limit hit"),
    131049: KnownError(400, "This message was not delivered to maintain healthy ecosystem engagement"),
    131050: KnownError(400, "User opted out of marketing messages"),
    131051: KnownError(400, "Unsupported message type"),
    131052: KnownError(400, "Media download error"),
    131053: KnownError(400, "Media upload error"),
    131055: KnownError(400, "Method not allowed"),
    131056: KnownError(400, "(Business Account, Consumer Account) pair rate limit hit"),
    131057: KnownError(500, "Account in maintenance mode"),
    131062: KnownError(400, "Business-scoped user id is not supported for this message"),
    131063: KnownError(400, "Marketing templates are disabled on Cloud API"),
    131064: KnownError(400, "Messaging limit due to template mis-classification"),
    132000: KnownError(400, "Number of parameters does not match the expected number of params"),
    132001: KnownError(404, "Template name does not exist in the translation"),
    132005: KnownError(400, "Translated text too long"),
    132007: KnownError(400, "Template format character policy violated"),
    132008: KnownError(400, "Template parameter format mismatch"),
    132012: KnownError(400, "Parameter format does not match format in the created template"),
    132015: KnownError(400, "Template is paused"),
    132016: KnownError(400, "Template is disabled"),
    132018: KnownError(400, "There are issues with the parameters in your template"),
    132068: KnownError(400, "Flow is in blocked state"),
    132069: KnownError(400, "Flow is in throttled state"),
    133000: KnownError(500, "Incomplete deregistration"),
    133004: KnownError(503, "Server temporarily unavailable"),
    133005: KnownError(400, "Two-step verification PIN mismatch"),
    133006: KnownError(400, "Phone number re-verification needed"),
    133008: KnownError(400, "Too many two-step verification PIN guesses"),
    133009: KnownError(400, "Two-step verification PIN guessed too fast"),
    133010: KnownError(400, "Phone number not registered"),
    133015: KnownError(400, "Please wait a few minutes before attempting to register this phone number"),
    133016: KnownError(400, "Account register or deregister rate limit exceeded"),
    134011: KnownError(400, "Payments terms of service not accepted"),
    134100: KnownError(400, "Only marketing messages supported"),
    134101: KnownError(400, "Template is syncing"),
    134102: KnownError(500, "Template unavailable for use"),
    135000: KnownError(400, "Generic user error"),
    137000: KnownError(400, "Recipient identity key hash mismatch"),
    139200: KnownError(400, "Direct send is blocked"),
    2494100: KnownError(500, "Account in maintenance mode"),
}
UNKNOWN_ERROR = KnownError(400, "Unknown error")
ERROR_CODES_PAGE = "/documentation/business-messaging/whatsapp/support/error-codes"


class GraphError(Exception):
    """A refusal, to be answered in the Graph API's error form."""

    def __init__(
        self,
        code: int,
        details: str | None = None,
        *,
        message: str | None = None,
        status: int | None = None,
        subcode: int | None = None,
        kind: str = "OAuthException",
        is_transient: bool | None = None,
    ) -> None:
        known = KNOWN_ERRORS.get(code, UNKNOWN_ERROR)
        self.code = code
        self.status = status or known.status
        self.message = message or f"(#{code}) {known.title}"
        self._details = details
        self._subcode = subcode
        self._kind = kind
        self._is_transient = is_transient
        super().__init__(self.message)

    def body(self) -> JsonObject:
        """Return the body of the HTTP answer."""
        error: JsonObject = {"message": self.message, "type": self._kind, "code": self.code}
        if self._details is not None:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self._details}
        if self._subcode is not None:
            error["error_subcode"] = self._subcode
        if self._is_transient is not None:
            error["is_transient"] = self._is_transient
        return {"error": {**error, "fbtrace_id": new_trace_id()}}


def unknown_object(method: str, node_id: str) -> GraphError:
    """Return Meta's answer for an id that does not exist or is not the token's: it does not say which."""
    return GraphError(
        100,
        message=(
            f"Unsupported {method.lower()} request. Object with ID '{node_id}' does not exist, cannot be "
            "loaded due to missing permissions, or does not support this operation. Please read the Graph "
            "API documentation at https://developers.facebook.com/docs/graph-api"
        ),
        subcode=33,
        kind="GraphMethodException",
    )


def webhook_error(code: int, details: str | None) -> JsonObject:
    """Return the same error as a callback carries it: a title, and no type."""
    title = KNOWN_ERRORS.get(code, UNKNOWN_ERROR).title
    return {
        "code": code,
        "title": title,
        "message": title,
        "error_data": {"details": details or f"{title}."},
        "href": ERROR_CODES_PAGE,
    }
