"""The fields of the lead routes."""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from hkreach.domain.lead import MAX_LABEL, MAX_NAME, MAX_NOTE, MAX_SCORE, MAX_STAGE_NAME, MAX_STAGES
from hkreach.domain.recipient import parse_recipient
from hkreach.edge.send_fields import RequestFields

_MAX_FOLLOW_UP_NOTE = 500
_MAX_TIME = 40


def _printable(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("must be text without control characters")
    return text


def _storable(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must not hold half a character: a \\ud83d, say, needs its second half") from None
    return text


def _user_id(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}", text):
        raise ValueError("must be a business-scoped id of Meta's, such as HK.13491208655302741918")
    return text


def milliseconds(text: str) -> int:
    """`2026-12-01T09:00:00Z` → milliseconds since the epoch. Raises ValueError, saying what is expected."""
    try:
        at = datetime.fromisoformat(text[:_MAX_TIME])
        if at.tzinfo is not None and "T" in text:
            return round(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        pass
    raise ValueError("must be a time like 2026-12-01T09:00:00Z or 2026-12-01T17:00:00+08:00")


def _is_time(text: str) -> str:
    milliseconds(text)
    return text


type _Label = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LABEL), AfterValidator(_printable)]
type _Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME), AfterValidator(_printable)]
type _StageName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_STAGE_NAME), AfterValidator(_printable)]
type _UserId = Annotated[str, AfterValidator(_user_id)]
type _NoteText = Annotated[str, StringConstraints(max_length=MAX_NOTE), AfterValidator(_storable)]
type _FollowUpNote = Annotated[str, StringConstraints(max_length=_MAX_FOLLOW_UP_NOTE), AfterValidator(_storable)]


class NewLeadFields(RequestFields):
    """`POST /api/external/leads`."""

    phone: Annotated[str, AfterValidator(parse_recipient)] | None = None
    user_id: _UserId | None = None
    name: _Name | None = None
    by: _Label | None = None


class FollowUpFields(RequestFields):
    """A reminder. `send` is read as the body of `POST /api/external/send/template` is, without `to`."""

    at: Annotated[str, AfterValidator(_is_time)]
    note: _FollowUpNote | None = None
    send: dict[str, Any] | None = None


class LeadFields(RequestFields):
    """`PATCH /api/external/leads`: what is not given stays; null takes away."""

    name: _Name | None = None
    score: Annotated[int, Field(ge=0, le=MAX_SCORE)] | None = None
    assignee: _Label | None = None
    follow_up: FollowUpFields | None = None
    expected_version: Annotated[int, Field(ge=1)] | None = None


class MoveFields(RequestFields):
    """`POST /api/external/leads/move`."""

    to: _StageName
    expected_stage: _StageName
    by: _Label


class NoteFields(RequestFields):
    """`POST /api/external/leads/notes`."""

    author: _Label
    text: _NoteText


class StageFields(RequestFields):
    """A stage."""

    name: _StageName
    closed: bool = False


class StagesFields(RequestFields):
    """`PUT /api/external/leads/stages`."""

    stages: Annotated[list[StageFields], Field(max_length=MAX_STAGES)]
