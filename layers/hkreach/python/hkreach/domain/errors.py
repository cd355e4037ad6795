"""The errors a caller can cause or meet. Each class says whether the same request may be tried again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one field of a request."""

    field: str
    detail: str


class ReachError(Exception):
    """Base of all errors that are answered to a caller: `detail` says what happened and what to do."""

    code: ClassVar[str]
    title: ClassVar[str]
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults)


class Malformed(ReachError):
    """The body could not be read at all."""

    code = "malformed"
    title = "The request could not be read"


class Unauthorized(ReachError):
    """Missing or wrong credentials, in whatever part: always one and the same text."""

    code = "unauthorized"
    title = "Missing or wrong credentials"

    def __init__(self) -> None:
        super().__init__("Send the app's name in X-App-Name and one of its live keys in X-API-Key.")


class NotFound(ReachError):
    """No such thing, or not the caller's."""

    code = "not_found"
    title = "Not found"


class Conflict(ReachError):
    """The request contradicts what is already there."""

    code = "conflict"
    title = "Conflict"


class ChangedMeanwhile(ReachError):
    """Others changed the same thing at the same time, again and again."""

    code = "changed_meanwhile"
    title = "Changed by somebody else meanwhile"
    retryable = True


class IdempotencyConflict(ReachError):
    """An Idempotency-Key that came before with another request."""

    code = "idempotency_key_reused"
    title = "The Idempotency-Key was used for another request"


class TooLarge(ReachError):
    """A body or a file above a limit."""

    code = "too_large"
    title = "Too large"


class UnsupportedMediaType(ReachError):
    """A body of a content type that the route does not take."""

    code = "unsupported_media_type"
    title = "Unsupported content type"


class Invalid(ReachError):
    """A readable request with wrong values; `faults` names each."""

    code = "invalid"
    title = "The request is not valid"


class Unavailable(ReachError):
    """Something we depend on does not answer."""

    code = "unavailable"
    title = "Temporarily unavailable"
    retryable = True
