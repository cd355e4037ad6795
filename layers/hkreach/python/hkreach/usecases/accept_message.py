"""Accept a send request: store its file, then commit it with one conditional write."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from hkreach.domain.app import App
from hkreach.domain.errors import Conflict, Fault, IdempotencyConflict, Invalid, NotFound, ReachError
from hkreach.domain.header import LocationHeader, TextHeader
from hkreach.domain.media import Media, MediaAddress, clean_filename, recognise, typed_filename
from hkreach.domain.message import (
    KEPT_FOR,
    TIME_TO_SEND,
    OutboundMessage,
    SendPurpose,
    Status,
    derived_message_id,
    new_message_id,
)
from hkreach.domain.sized_reader import BytesReader
from hkreach.domain.template import Template
from hkreach.domain.time import SECOND
from hkreach.ports import Clock, Messages
from hkreach.ports.media import MediaStore, MediaUploads
from hkreach.usecases.manage_media import Ready, RefusedMedia, Waiting, manage_media


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file as the caller sent it."""

    content: bytes
    filename: str | None = None
    is_named: bool = False
    """Whether the caller wants this very name; else it is the one that the file happens to have."""


@dataclass(frozen=True, slots=True)
class SendRequest:
    """A validated request. A template with a file, or with the id of one, has it as its header."""

    to: str
    template: Template
    third_party_app_name: str | None = None
    file: IncomingFile | None = None
    idempotency_key: str | None = None
    purpose: SendPurpose = "utility"
    ttl_seconds: int | None = None
    """How long it may wait to be sent; by default what its purpose allows."""
    media_id: str | None = None
    """Of a file that was uploaded before."""
    filename: str | None = None
    """The name that the user sees, if it is not that of the upload."""
    media_address: MediaAddress | None = None
    """Where the header's file is to be fetched from, instead of `file`."""

    @property
    def time_to_send(self) -> int:
        """The same in milliseconds, whoever decided it."""
        return self.ttl_seconds * SECOND if self.ttl_seconds is not None else TIME_TO_SEND[self.purpose]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the caller gets. `replayed`: the same request came before, and nothing was done now."""

    message_id: str
    replayed: bool = False


def accept_message(
    app: App, request: SendRequest, *, messages: Messages, media: MediaStore, uploads: MediaUploads, now: Clock
) -> Receipt:
    """Write the message that `request` asks for; from then on it will be sent.

    Raises Invalid for a file that WhatsApp does not take or that was not uploaded yet, NotFound for an id that is no
    file of this app, Conflict if the app has no number yet, and IdempotencyConflict if its Idempotency-Key came with
    another request.
    """
    key = request.idempotency_key
    message = replace(
        message_of(app, request, derived_message_id(app.app_name, key) if key else new_message_id(), now()),
        media=_store(app, request.file, media) if request.file else None,
        request_digest=_digest(request) if key else None,
    )
    if request.media_id is not None:
        try:
            uploaded = _uploaded(app, request.media_id, request.filename, uploads, now)
        except ReachError:
            # A message outlives its file: whoever repeats its request still gets its first answer.
            if key and _is_repeated(message, messages.get(message.message_id)):
                return Receipt(message.message_id, replayed=True)
            raise
        message = replace(message, media=uploaded)
    earlier = messages.add(message)
    return Receipt(message.message_id, replayed=_is_repeated(message, earlier))


def message_of(app: App, request: SendRequest, message_id: str, accepted_at: int) -> OutboundMessage:
    """The message that `request` asks for, without a file. Raises Conflict if the app has no number yet."""
    if app.meta is None:
        raise Conflict("This app has no WhatsApp number yet: ask the operator of this stack to set its Meta account.")
    return OutboundMessage(
        message_id=message_id,
        app_name=app.app_name,
        phone_number_id=app.meta.phone_number_id,
        to=request.to,
        template=request.template,
        third_party_app_name=request.third_party_app_name,
        media_address=request.media_address,
        facts={Status.QUEUED: accepted_at},
        expires_at=accepted_at + KEPT_FOR,
        deadline=accepted_at + request.time_to_send,
        purpose=request.purpose,
    )


def _is_repeated(message: OutboundMessage, earlier: OutboundMessage | None) -> bool:
    if earlier is not None and earlier.request_digest != message.request_digest:
        raise IdempotencyConflict(
            "This Idempotency-Key came with another request before: use a new key for a new message."
        )
    return earlier is not None


def _uploaded(app: App, media_id: str, filename: str | None, uploads: MediaUploads, now: Clock) -> Media:
    try:
        state = manage_media(app, media_id, uploads=uploads, now=now)
    except NotFound as error:
        raise NotFound(error.detail, [Fault("headerMediaId", "headerMediaId is no media of this app")]) from None
    match state:
        case Ready(media):
            return replace(media, filename=clean_filename(filename, media.mime_type)) if filename else media
        case Waiting():
            fault = "was not uploaded yet: upload it with the form that came with the id, then send this again"
        case RefusedMedia(fault):
            pass
    raise Invalid("The file cannot be sent.", [Fault("headerMediaId", f"headerMediaId {fault}")])


def _store(app: App, file: IncomingFile, media: MediaStore) -> Media:
    try:
        mime_type = recognise(BytesReader(file.content))
    except ValueError as fault:
        raise Invalid("The file cannot be sent.", [Fault("file", f"file {fault}")]) from None
    filename = (clean_filename if file.is_named else typed_filename)(file.filename, mime_type)
    key = media.put(app.app_name, file.content, mime_type, app.media_days)
    return Media(key, mime_type, len(file.content), filename)


def _digest(request: SendRequest) -> str:
    template = request.template
    params, header = template.body_params, template.header
    # What came later is not in the digest of a request without it: it would be another than its first answer's.
    canonical: dict[str, Any] = {
        "name": template.name,
        "language_code": template.language_code,
        "body_params": dict(params) if isinstance(params, Mapping) else list(params),
        "header_text": header.text if isinstance(header, TextHeader) else None,
    }
    if isinstance(header, LocationHeader):
        canonical["location"] = asdict(header)
    if template.buttons:
        canonical["buttons"] = [asdict(button) for button in template.buttons]
    if request.media_id is not None:
        canonical["media"] = [request.media_id, request.filename]
    if request.media_address:
        canonical["media_address"] = asdict(request.media_address)
    file = request.file and [hashlib.sha256(request.file.content).hexdigest(), request.file.filename]
    text = json.dumps(
        [request.to, canonical, request.third_party_app_name, file, request.time_to_send, request.purpose],
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(text.encode()).hexdigest()
