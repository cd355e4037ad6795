"""Uploads in memory."""

import hashlib
from collections.abc import Callable

from hkreach.domain.media import Media
from hkreach.domain.sized_reader import BytesReader
from hkreach.domain.time import SECOND
from hkreach.domain.upload import Announced, Sealed, Upload, Uploaded, UploadForm
from tests.fakes.faults import Faulty


class FakeUploads(Faulty):
    """Implements the port `MediaUploads`; `upload` is what a caller does with the form."""

    def __init__(self, clock: Callable[[], int] = lambda: 0) -> None:
        super().__init__()
        self.clock = clock
        self.announced: dict[str, tuple[str | None, int]] = {}
        self.files: dict[str, tuple[bytes, int]] = {}
        self.sealed: dict[str, tuple[bytes, Media, int]] = {}
        self.limits: dict[str, tuple[int, int]] = {}

    def announce(
        self, app_name: str, media_id: str, filename: str | None, least: int, most: int, media_days: int
    ) -> UploadForm:
        self._called("announce")
        key = f"{app_name}/uploads/{media_id}"
        self.announced[key] = filename, self.clock() // SECOND * SECOND
        self.limits[key] = least, most
        return UploadForm("https://bucket.example.com/", {"key": key, "policy": f"{least}-{most}"})

    def upload(self, form: UploadForm, content: bytes) -> None:
        self.files[form.fields["key"]] = content, self.clock() // SECOND * SECOND

    def find(self, app_name: str, media_id: str) -> Upload | None:
        self._called("find")
        key = f"{app_name}/uploads/{media_id}"
        filename, announced_at = self.announced.get(key, (None, None))
        if key not in self.files:
            return Announced(announced_at) if announced_at is not None else None
        content, uploaded_at = self.files[key]
        version = str(hash(content))
        if (sealed := self.sealed.get(f"{app_name}/outbound/{media_id}.{version}")) is not None:
            return Sealed(sealed[1], uploaded_at, sealed[2])
        return Uploaded(media_id, filename, uploaded_at, version, _OneVersion(self, key, content))

    def seal(self, app_name: str, uploaded: Uploaded, mime_type: str, filename: str, media_days: int) -> Media:
        self._called("seal")
        content, _ = self.files[f"{app_name}/uploads/{uploaded.media_id}"]
        _require(str(hash(content)) == uploaded.version)
        key = f"{app_name}/outbound/{uploaded.media_id}.{uploaded.version}"
        media = Media(key, mime_type, len(content), filename, hashlib.sha256(content).hexdigest())
        self.sealed[key] = content, media, media_days
        return media


class _OneVersion(BytesReader):
    def __init__(self, uploads: FakeUploads, key: str, content: bytes) -> None:
        super().__init__(content)
        self._uploads, self._key, self._version = uploads, key, content

    def read(self, offset: int, length: int) -> bytes:
        _require(self._uploads.files[self._key][0] == self._version)
        return super().read(offset, length)


def _require(is_current: bool) -> None:
    if not is_current:
        raise OSError("it was replaced")
