"""Files that apps upload by themselves: each has an id, and is the header of as many messages as wanted."""

from collections.abc import Mapping
from dataclasses import dataclass

from hkreach.domain.media import MAX_BYTES, Media
from hkreach.domain.message import MAX_TTL_SECONDS
from hkreach.domain.sized_reader import SizedReader
from hkreach.domain.time import DAY, MINUTE, SECOND

MAX_UPLOAD_BYTES = max(MAX_BYTES.values())
"""The most that Meta takes of any kind."""
FORM_LIVES = 15 * MINUTE
"""How long a form can be used, in milliseconds."""


def usable_for(media_days: int) -> int:
    """How long after its upload a new message may have a file, in milliseconds; it is kept for so many days.

    The longest wait of a message must still find it.
    """
    return media_days * DAY - MAX_TTL_SECONDS * SECOND


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A form that uploads one file: all `fields`, then the file as `file`, by POST to `url`."""

    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Announced:
    """The id was given, and nothing was uploaded yet. Times are in milliseconds."""

    announced_at: int


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file was uploaded that nobody looked at. With the same form it can be replaced: `version` tells them apart."""

    media_id: str
    filename: str | None
    """As the app announced it."""
    uploaded_at: int
    version: str
    file: SizedReader
    """Of this version alone: it fails if the file was replaced."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """The file as it was when it was looked at: what lies under its key never changes."""

    media: Media
    uploaded_at: int
    media_days: int
    """What its app wanted when it was looked at: so long the bucket keeps it."""


type Upload = Announced | Uploaded | Sealed
"""How far an upload came."""
