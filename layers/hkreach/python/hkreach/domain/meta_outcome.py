"""What an answer of Meta's means for the message: the one place where its error codes are read.

Source: Meta, "Cloud API error codes"; the division follows from there being no idempotency key and no way to ask
what became of a call: only an answer that says the message was not processed allows a second call.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

from hkreach.domain.lenient_json import storable
from hkreach.domain.message import MessageError

type Scope = Literal["message", "recipient", "number", "meta"]
"""Whom a refusal stops: this message, this number's messages to one recipient, all of this number's, or everybody's."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """Whom a refusal before processing stops, and for how many seconds at least, if that is known."""

    scope: Scope
    seconds: int | None = None


NOT_PROCESSED: Mapping[int, Throttle] = {
    2: Throttle("meta"),  # temporary, overloaded
    4: Throttle("meta", 60),  # the Meta app's call limit
    17: Throttle("message"),
    32: Throttle("message"),
    341: Throttle("message"),
    613: Throttle("message"),
    80007: Throttle("number", 60),  # the WABA's call limit
    80008: Throttle("number", 60),
    130429: Throttle("number"),  # throughput: the number's rate was too high
    131016: Throttle("meta"),  # service unavailable
    131056: Throttle("recipient"),  # pair rate
    131057: Throttle("number", 60),  # maintenance, as when its throughput is raised
    2494100: Throttle("number", 60),
    133004: Throttle("meta"),  # server temporarily unavailable
    134101: Throttle("message", 600),  # its template is still syncing
}
"""Graph codes that say the message was refused before processing: throttled, overloaded or in maintenance."""
RATE_LIMITS = frozenset({4, 17, 32, 341, 613, 80007, 80008, 130429})
"""Those of them for which Meta's usage headers tell how long they last."""
LONGEST_HINT = 24 * 60 * 60
"""Seconds; Meta's larger hints count as this."""
NO_CONNECTION = "no_connection"
"""The word for a connection that never opened."""
PERHAPS_PROCESSED = frozenset({1, 131000})
"""Graph codes that may follow a real send, unless `is_transient` says otherwise."""
UNKNOWN_OBJECT, MEDIA_ERROR = (100, 33), 131053
"""Code and subcode, and the code, that may tell of a media id that Meta does not know."""
NEEDS_THE_OPERATOR = frozenset(
    {0, 3, 10, 102, 104, 190, *range(200, 300), 368, 2500, 131005, 131031, 131037, 131042, 131044, 131045}
    | {131048, 131064, 133000, 133005, 133006, 133008, 133009, 133010, 133015, 133016, 134011}
)
"""Token, permission or account trouble: the same message can go once an operator has mended it."""
ASKED_BY_HAND_ONLY = frozenset({0, 368, 131048, 133016})
"""Those of them after which Meta wants no further call until then: a dead token, a restricted or a spamming account."""
MAX_TITLE, MAX_DETAILS = 256, 2_000
"""Characters that are kept of an error's words, which go into a fact and its event."""
_MAX_CODE = 10**9
_MAX_ID = 512
"""Of what Meta calls a message or an upload: as long as an id in a callback may be."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Meta took it; `meta_id` is the wamid of a message or the id of an upload."""

    meta_id: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """It certainly did not go: try again. `code` is Meta's, or `NO_CONNECTION`."""

    code: str
    retry_after: int | None = None
    """Seconds that Meta asks to wait, 1 to `LONGEST_HINT`, if it said so."""

    @property
    def throttle(self) -> Throttle:
        """Whom it stops."""
        if self.code == NO_CONNECTION:
            return Throttle("meta")
        return NOT_PROCESSED.get(int(self.code), Throttle("message"))

    @property
    def seconds(self) -> int:
        """For how long at least; 0 if nothing says so."""
        return max(self.throttle.seconds or 0, self.retry_after or 0)


@dataclass(frozen=True, slots=True)
class Halted:
    """Meta refuses the app's account, not the message: it waits until an operator has mended that."""

    code: str

    @property
    def by_hand_only(self) -> bool:
        """Whether no message may ask in between."""
        return int(self.code) in ASKED_BY_HAND_ONLY


@dataclass(frozen=True, slots=True)
class Refused:
    """It will not go as it is."""

    error: MessageError
    lost_media: bool = False
    """Meta may have forgotten the file that the message names: it can go with another upload."""


@dataclass(frozen=True, slots=True)
class Uncertain:
    """It may have gone or not. Never resent blindly."""

    reason: str


type Outcome = Accepted | NotSent | Halted | Refused | Uncertain


def in_a_word(outcome: Outcome) -> str:
    """What may be logged: Meta's ids and details can hold the customer's number or the message's text."""
    match outcome:
        case Accepted():
            return "accepted"
        case NotSent(code):
            return f"not sent: {code}"
        case Halted(code):
            return f"halted: {code}"
        case Refused(error):
            return f"refused: {error.code}"
        case Uncertain(reason):
            return f"uncertain: {reason}"


def read_answer(http_status: int, body: bytes, headers: Mapping[str, str] = MappingProxyType({})) -> Outcome:
    """The outcome told by an HTTP answer of `/messages` or `/media`. `headers`: found whatever their case."""
    answer = _json_object(body)
    error = answer.get("error")
    if isinstance(error, Mapping) and type(error.get("code")) is int:
        return _read_error(http_status, error, headers)
    meta_id = _meta_id(answer) if 200 <= http_status < 300 else None
    return Accepted(meta_id) if meta_id else Uncertain(f"HTTP {http_status} without a Graph error or an id")


def message_error(node: object) -> MessageError:
    """Meta's error object, of an answer or of a status callback, as ours; `unspecified` where it says nothing."""
    error: Mapping[str, Any] = node if isinstance(node, dict) else {}
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, Mapping) else data
    title = error.get("title") or error.get("message") or "Meta gave no reason"
    words = _words(title, MAX_TITLE), _words(details or title, MAX_DETAILS)
    code = error.get("code")
    if type(code) is not int or abs(code) > _MAX_CODE:  # `true` is one for isinstance
        return MessageError("unspecified", *words)
    return MessageError(str(code), *words, code in NOT_PROCESSED.keys() | NEEDS_THE_OPERATOR)


def _words(node: object, most: int) -> str:
    """What should be a text, cut: a fact and its event hold it. It may end in half an emoji, or be no text at all."""
    return storable(str(node))[:most]


def lost_media_error(error: MessageError) -> MessageError:
    """Of a message that Meta took, and then had no file for: sent anew it goes with another upload."""
    details = f"Meta no longer had the uploaded file; send the message again. Meta says: {error.details}"
    return replace(error, details=details, retryable=True)


def _read_error(http_status: int, error: Mapping[str, Any], headers: Mapping[str, str]) -> Outcome:
    code = error["code"]
    if code in NOT_PROCESSED or error.get("is_transient") is True or http_status == 429:
        hints = [*_asked_to_wait(headers), *(_until_regained(headers) if code in RATE_LIMITS else ())]
        return NotSent(str(code), math.ceil(min(max(hints), LONGEST_HINT)) if hints else None)
    if code in NEEDS_THE_OPERATOR:
        return Halted(str(code))
    known = 100 <= code <= 299 or 130_000 <= code <= 139_999
    if code in PERHAPS_PROCESSED or (http_status >= 500 and not known):
        return Uncertain(f"Meta's error {code}")
    return Refused(message_error(error), code == MEDIA_ERROR or (code, error.get("error_subcode")) == UNKNOWN_OBJECT)


def _asked_to_wait(headers: Mapping[str, str]) -> Iterator[float]:
    """`Retry-After`: seconds, or a date, which the answer's own `Date` turns into seconds: its clock, not ours."""
    asked = headers.get("Retry-After", "")
    try:
        if asked.isdecimal():
            seconds = float(asked)
        else:
            seconds = (_http_date(asked) - _http_date(headers.get("Date", ""))).total_seconds()
    except ValueError:
        return
    if seconds > 0:
        yield seconds


def _http_date(text: str) -> datetime:
    return datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)


def _until_regained(headers: Mapping[str, str]) -> Iterator[float]:
    """Meta's estimates, by WABA id and kind of call, in minutes; `x-app-usage` holds none."""
    for uses in _json_object(headers.get("x-business-use-case-usage", "")).values():
        for use in uses if isinstance(uses, list) else ():
            minutes: object = use.get("estimated_time_to_regain_access") if isinstance(use, Mapping) else None
            if isinstance(minutes, int | float) and not isinstance(minutes, bool) and minutes > 0:
                yield min(minutes, LONGEST_HINT) * 60


def _json_object(text: bytes | str) -> Mapping[str, Any]:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):  # RecursionError: some hundred thousand brackets
        return {}
    return answer if isinstance(answer, dict) else {}


def _meta_id(answer: Mapping[str, Any]) -> str | None:
    messages = answer.get("messages")
    node = messages[0] if isinstance(messages, list) and messages else answer
    meta_id = node.get("id") if isinstance(node, Mapping) else None
    return storable(meta_id)[:_MAX_ID] if isinstance(meta_id, str) and meta_id else None
