"""The ports to files: where they lie, how they come in, and what apps upload by themselves."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from hkreach.domain.media import Media
from hkreach.domain.sized_reader import SizedReader
from hkreach.domain.upload import Upload, Uploaded, UploadForm


class SizedStream(Protocol):
    """A file that is read once, from its beginning."""

    def __len__(self) -> int:
        """All its bytes."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, up to so many; nothing: that was all. Raises whatever keeps it from its end."""


class MediaGone(Exception):
    """There is no file under this key any more."""


class MediaStore(Protocol):
    """The files of messages. What lies under a key never changes."""

    def put(self, app_name: str, content: bytes, mime_type: str, media_days: int) -> str:
        """Store a file for some days under its app and content; returns its key. The same file twice is one object."""

    def open(self, key: str) -> AbstractContextManager[SizedStream]:
        """A file, to be read within the context. Raises MediaGone."""


class SpooledFile(SizedReader, Protocol):
    """A file that was stored while it came."""

    @property
    def sha256(self) -> str:
        """Of all its bytes, in hex."""

    def keep(self, mime_type: str, media_days: int) -> str:
        """Put it under its app and content, as `MediaStore.put` does; returns that key."""

    def keep_received(self, media_id: str, mime_type: str, media_days: int) -> str:
        """Put it under its app and this id for some days, as a file that a customer sent; returns that key.

        Can be repeated.
        """


class MediaSpool(Protocol):
    """Where files of unknown length come in."""

    def spool(self, app_name: str, blocks: Iterator[bytes], media_days: int) -> AbstractContextManager[SpooledFile]:
        """Store a file while it comes, and never hold it; after the context it is gone, unless it was kept.

        If nobody leaves the context, it is gone after so many days. Raises what `blocks` raises, and then nothing is
        stored.
        """


@dataclass(frozen=True, slots=True)
class FetchedMedia:
    """A file that is being fetched: its name, if anything names it, and its bytes, to be read once and in time."""

    filename: str | None
    blocks: Iterator[bytes]


class MediaFetcher(Protocol):
    """The guarded way to a file at an address that a customer gave."""

    def fetch(self, url: str, most_bytes: int) -> AbstractContextManager[FetchedMedia]:
        """Open the address; leaving the context closes it, read to the end or not.

        Raises MediaFetchFailed on entering, and from `blocks`: what came until then is not the file. `blocks` gives
        at most `most_bytes` and at least one byte, in pieces of up to 256 KB. All of it has one deadline.
        """


class MediaUploads(Protocol):
    """The files that apps upload by themselves. Each app has its own."""

    def announce(
        self, app_name: str, media_id: str, filename: str | None, least: int, most: int, media_days: int
    ) -> UploadForm:
        """Remember for some days that a file may come; returns the form that uploads it, of `least` to `most` bytes."""

    def find(self, app_name: str, media_id: str) -> Upload | None:
        """How far it came; None if this app has no such id."""

    def seal(self, app_name: str, uploaded: Uploaded, mime_type: str, filename: str, media_days: int) -> Media:
        """Keep what was looked at for some days where nobody can replace it; can be repeated.

        Fails if it was replaced meanwhile.
        """


class MediaLinks(Protocol):
    """Addresses at which a file can be had for a short time, from the store itself."""

    def link(self, key: str, mime_type: str, filename: str, seconds: int) -> str:
        """An https address. What answers there is an attachment of this type and name, that nobody caches."""
