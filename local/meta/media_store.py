"""Media that was uploaded, until it expires or the memory for it runs out: then the oldest goes."""

import secrets
import time
from dataclasses import dataclass, field

from local.meta.settings import Settings
from local.meta.wire import new_node_id

_MEDIA_SECONDS = 30 * 24 * 3600.0


@dataclass(frozen=True)
class Media:
    """One medium; it belongs to the number that it was uploaded to."""

    phone_number_id: str
    mime_type: str
    filename: str | None
    content: bytes = field(repr=False)
    sha256: str
    media_id: str = field(default_factory=new_node_id)
    uploaded_at: float = field(default_factory=time.monotonic)


class MediaStore:
    """Keeps media by id, and the short-lived addresses they can be downloaded from."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._media: dict[str, Media] = {}
        self._size = 0
        self._addresses: dict[str, tuple[str, float]] = {}

    def add(self, media: Media) -> None:
        """Keep a medium; drop the oldest ones if there is too much."""
        self._media[media.media_id] = media
        self._size += len(media.content)
        while self._size > self.settings.media_bytes_limit and len(self._media) > 1:
            self.remove(next(iter(self._media.values())))

    def get(self, media_id: str) -> Media | None:
        """Return a medium that is there and not yet expired."""
        media = self._media.get(media_id)
        if media is None or media.uploaded_at + _MEDIA_SECONDS < time.monotonic():
            return None
        return media

    def remove(self, media: Media) -> None:
        """Delete a medium."""
        if self._media.pop(media.media_id, None):
            self._size -= len(media.content)

    def new_address(self, media: Media) -> str:
        """Return the secret part of an address at which the medium can be had for some minutes."""
        key = secrets.token_urlsafe(16)
        self._addresses[key] = (media.media_id, time.monotonic() + self.settings.media_url_seconds)
        return key

    def at_address(self, key: str) -> Media | None:
        """Return the medium at an address that has not expired."""
        media_id, until = self._addresses.get(key, ("", 0.0))
        return self.get(media_id) if until > time.monotonic() else None

    def clear(self) -> None:
        """Forget all media."""
        self._media.clear()
        self._addresses.clear()
        self._size = 0
