"""Files that apps upload by themselves: give the form, tell what became of it, and hand out what may be sent."""

from dataclasses import dataclass
from uuid import uuid4

from hkreach.domain.app import App
from hkreach.domain.errors import NotFound
from hkreach.domain.media import Media, clean_filename, recognise
from hkreach.domain.message import is_message_id
from hkreach.domain.time import DAY
from hkreach.domain.upload import FORM_LIVES, MAX_UPLOAD_BYTES, Announced, Sealed, UploadForm, usable_for
from hkreach.ports import Clock
from hkreach.ports.media import MediaUploads

NO_SUCH_MEDIA = (
    "This app has no media with this id; a file can be used for {} days after its upload. "
    "POST /api/external/media gives a new one."
)


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
    form = uploads.announce(app.app_name, media_id, filename, size or 1, size or MAX_UPLOAD_BYTES)
    return StartedUpload(media_id, form, started_at + FORM_LIVES)


def manage_media(app: App, media_id: str, *, uploads: MediaUploads, now: Clock) -> MediaState:
    """What became of the upload; a file that is looked at for the first time is sealed if WhatsApp takes it.

    Raises NotFound for an id that is another app's, too old, or never was: all look the same.
    """
    # Its form is checked first: it becomes a part of a key.
    found = uploads.find(app.app_name, media_id) if is_message_id(media_id) else None
    if isinstance(found, Announced):
        return Waiting(found.announced_at + FORM_LIVES)
    usable = usable_for(app.media_days)
    if found is None or found.uploaded_at + usable <= now():
        raise NotFound(NO_SUCH_MEDIA.format(usable // DAY))
    until = found.uploaded_at + usable
    if isinstance(found, Sealed):
        return Ready(found.media, until)
    try:
        mime_type = recognise(found.file)
    except ValueError as fault:
        return RefusedMedia(str(fault))
    filename = clean_filename(found.filename, mime_type)
    return Ready(uploads.seal(app.app_name, found, mime_type, filename, app.media_days), until)
