"""Files that apps upload by themselves: give the form, tell what became of it, and hand out what may be sent."""

from dataclasses import dataclass
from mimetypes import guess_extension
from uuid import uuid4

from hkreach.domain.app import App
from hkreach.domain.errors import Conflict, NotFound
from hkreach.domain.inbound import InboundMessage
from hkreach.domain.inbound_file import StoredFile
from hkreach.domain.media import Media, recognise, typed_filename
from hkreach.domain.message import is_message_id
from hkreach.domain.time import DAY, MINUTE, to_rfc3339
from hkreach.domain.upload import (
    FORM_LIVES,
    MAX_UPLOAD_BYTES,
    Announced,
    Sealed,
    Upload,
    Uploaded,
    UploadForm,
    usable_for,
)
from hkreach.ports import Clock
from hkreach.ports.inbound import Inbound
from hkreach.ports.media import MediaLinks, MediaUploads

LINK_SECONDS = 60
"""How long the address of a file can be used."""


@dataclass(frozen=True, slots=True)
class StartedUpload:
    """What the caller gets. Times are in milliseconds."""

    media_id: str
    form: UploadForm
    expires_at: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing was uploaded yet; the form can be used until then."""

    until: int


@dataclass(frozen=True, slots=True)
class Ready:
    """It was looked at and may be sent; by new messages until then."""

    media: Media
    until: int


@dataclass(frozen=True, slots=True)
class RefusedMedia:
    """WhatsApp does not take it: `fault` says what it is and what would be right."""

    fault: str


type MediaState = Waiting | Ready | RefusedMedia
"""What became of an upload."""


def start_upload(
    app: App, filename: str | None, size: int | None, *, uploads: MediaUploads, now: Clock
) -> StartedUpload:
    """Give an id, and the form that uploads its file: of this very size in bytes, if it is known before."""
    media_id, started_at = str(uuid4()), now()
    form = uploads.announce(app.app_name, media_id, filename, size or 1, size or MAX_UPLOAD_BYTES, app.media_days)
    return StartedUpload(media_id, form, started_at + FORM_LIVES)


def manage_media(app: App, media_id: str, *, uploads: MediaUploads, now: Clock) -> MediaState:
    """What became of the upload; a file that is looked at for the first time is sealed if WhatsApp takes it.

    Raises NotFound for an id that is another app's, too old, or never was: all look the same.
    """
    # Its form is checked first: it becomes a part of a key.
    found = uploads.find(app.app_name, media_id) if is_message_id(media_id) else None
    media_days = found.media_days if isinstance(found, Sealed) else app.media_days
    until = _usable_until(found, media_days)
    if found is None or until <= now():
        raise NotFound(_no_such_media(media_days))
    if isinstance(found, Announced):
        return Waiting(until)
    if isinstance(found, Sealed):
        return Ready(found.media, until)
    try:
        mime_type = recognise(found.file)
    except ValueError as fault:
        return RefusedMedia(str(fault))
    filename = typed_filename(found.filename, mime_type)
    return Ready(uploads.seal(app.app_name, found, mime_type, filename, app.media_days), until)


def _usable_until(found: Upload | None, media_days: int) -> int:
    """When an id says nothing any more: its form, if nothing came by it, or its file."""
    match found:
        case None:
            return 0
        case Announced(at):
            return at + FORM_LIVES
        case Uploaded() | Sealed():
            return found.uploaded_at + usable_for(media_days)


def _no_such_media(media_days: int) -> str:
    days = usable_for(media_days) // DAY
    return (
        f"This app has no media with this id; a form can be used for {FORM_LIVES // MINUTE} minutes, and a file for "
        f"{days} {'day' if days == 1 else 'days'} after its upload. POST /api/external/media gives a new one."
    )


def content_of_media(
    app: App, media_id: str, *, inbound: Inbound, uploads: MediaUploads, links: MediaLinks, now: Clock
) -> str:
    """A short-lived address of a file: one that a customer sent, or that the app uploaded.

    Raises NotFound for an id that is another app's, too old, or never was, and for a file that Meta did not give;
    Conflict for one that is not there yet, or that WhatsApp does not take.
    """
    message = inbound.get(media_id) if is_message_id(media_id) else None
    if message is not None and message.app_name == app.app_name and message.file is not None:
        stored = _stored(message, now())
        name = message.file.filename or f"file{guess_extension(stored.served_as, strict=False) or ''}"
        return links.link(stored.key, stored.served_as, name, LINK_SECONDS)
    match manage_media(app, media_id, uploads=uploads, now=now):
        case Ready(media):
            return links.link(media.key, media.mime_type, media.filename, LINK_SECONDS)
        case Waiting():
            raise Conflict("Its file was not uploaded yet.")
        case RefusedMedia(fault):
            raise Conflict(f"The file {fault}.")


def _stored(message: InboundMessage, now: int) -> StoredFile:
    if message.error is not None:
        raise NotFound(f"There is no file: {message.error.details} The event messages.received says so too.")
    if message.stored is None:
        raise Conflict("Its file is still being fetched; messages.received tells when it is there.")
    if message.stored.kept_until <= now:
        raise NotFound(f"The file was kept until {to_rfc3339(message.stored.kept_until)}; it is gone.")
    return message.stored
