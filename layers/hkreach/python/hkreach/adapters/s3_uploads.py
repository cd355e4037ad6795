"""What apps upload to the media bucket by themselves.

`<app>/expected/<id>` is empty and says that the id was given, `<app>/uploads/<id>` is what was uploaded, and
`<app>/outbound/<id>.<version>` what was looked at. The bucket encrypts and expires all three.
"""

import base64
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from hkreach.adapters.s3_expiry import expiry, expiry_of_copy, expiry_of_stored
from hkreach.adapters.s3_ranges import S3Ranges
from hkreach.domain.media import MEDIA_DAYS, Media
from hkreach.domain.time import SECOND
from hkreach.domain.upload import FORM_LIVES, Announced, Sealed, Upload, Uploaded, UploadForm

_DAYS = "keep-days"


class S3Uploads:
    """Implements the port `MediaUploads`."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def announce(
        self, app_name: str, media_id: str, filename: str | None, least: int, most: int, media_days: int
    ) -> UploadForm:
        """See the port. A field that the policy does not name is refused, so nobody chooses another encryption."""
        self._client.put_object(
            Bucket=self._bucket,
            Key=f"{app_name}/expected/{media_id}",
            Body=b"",
            Metadata=_metadata(filename),
            **expiry(media_days),
        )
        form = self._client.generate_presigned_post(
            self._bucket,
            f"{app_name}/uploads/{media_id}",
            Conditions=[["content-length-range", least, most]],
            ExpiresIn=FORM_LIVES // SECOND,
        )
        return UploadForm(form["url"], form["fields"])

    def find(self, app_name: str, media_id: str) -> Upload | None:
        """See the port. A file that was looked at before costs two calls."""
        uploaded = self._head(f"{app_name}/uploads/{media_id}")
        if uploaded is None:
            expected = self._head(f"{app_name}/expected/{media_id}")
            return Announced(_time(expected)) if expected else None
        version = uploaded["ETag"].strip('"')
        key = _sealed_key(app_name, media_id, version)
        sealed = self._head(key)
        if sealed is not None:
            digest = _sha256(sealed)
            media = Media(key, sealed["ContentType"], sealed["ContentLength"], _filename(sealed) or "", digest)
            return Sealed(media, _time(uploaded), _media_days(sealed))
        expected = self._head(f"{app_name}/expected/{media_id}")
        wanted = {"Bucket": self._bucket, "Key": f"{app_name}/uploads/{media_id}", "IfMatch": uploaded["ETag"]}
        file = S3Ranges(self._client, wanted, uploaded["ContentLength"])
        return Uploaded(media_id, _filename(expected or {}), _time(uploaded), version, file)

    def seal(self, app_name: str, uploaded: Uploaded, mime_type: str, filename: str, media_days: int) -> Media:
        """See the port. S3 copies by itself; the SHA-256 that it keeps is checked whenever the copy is read."""
        raw, key = f"{app_name}/uploads/{uploaded.media_id}", _sealed_key(app_name, uploaded.media_id, uploaded.version)
        # A form cannot be trusted to bring them. First, for after the copy nobody comes here again.
        if tags := expiry_of_stored(media_days):
            self._client.put_object_tagging(Bucket=self._bucket, Key=raw, Tagging=tags)
        answer = self._client.copy_object(
            Bucket=self._bucket,
            Key=key,
            CopySource={"Bucket": self._bucket, "Key": raw},
            CopySourceIfMatch=f'"{uploaded.version}"',
            MetadataDirective="REPLACE",
            ContentType=mime_type,
            Metadata=_metadata(filename) | {_DAYS: str(media_days)},
            ChecksumAlgorithm="SHA256",
            **expiry_of_copy(media_days),
        )
        return Media(key, mime_type, uploaded.file.size, filename, _sha256(answer["CopyObjectResult"]))

    def _head(self, key: str) -> Any:
        try:
            return self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
                return None
            raise


def _sealed_key(app_name: str, media_id: str, version: str) -> str:
    return f"{app_name}/outbound/{media_id}.{version}"


def _sha256(told: Mapping[str, Any]) -> str | None:
    """In hex, as keys have it. None if it is not told, or not of the whole file."""
    encoded = told.get("ChecksumSHA256", "")
    return None if not encoded or "-" in encoded else base64.b64decode(encoded).hex()


def _media_days(head: Mapping[str, Any]) -> int:
    return int(head["Metadata"].get(_DAYS, MEDIA_DAYS[0]))  # whatever was wanted, it is kept so long


def _time(head: Mapping[str, Any]) -> int:
    return int(head["LastModified"].timestamp()) * SECOND


def _metadata(filename: str | None) -> dict[str, str]:
    """S3 takes ASCII only."""
    return {"filename": base64.b64encode(filename.encode()).decode()} if filename else {}


def _filename(head: Mapping[str, Any]) -> str | None:
    encoded = head.get("Metadata", {}).get("filename")
    return base64.b64decode(encoded).decode() if encoded else None
