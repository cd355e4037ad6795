"""The port to the files that apps upload by themselves."""

from typing import Protocol

from hkreach.domain.media import Media
from hkreach.domain.upload import Upload, Uploaded, UploadForm


class MediaUploads(Protocol):
    """The files that apps upload by themselves. Each app has its own."""

    def announce(self, app_name: str, media_id: str, filename: str | None, least: int, most: int) -> UploadForm:
        """Remember that a file may come; returns the form that uploads it, of `least` to `most` bytes."""

    def find(self, app_name: str, media_id: str) -> Upload | None:
        """How far it came; None if this app has no such id."""

    def seal(self, app_name: str, uploaded: Uploaded, mime_type: str, filename: str) -> Media:
        """Keep what was looked at where nobody can replace it. Fails if it was replaced meanwhile; can be repeated."""
