"""Files of unknown length on their way into the media bucket: streamed, and never held."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from aws_lambda_powertools import Logger
from boto3.s3.transfer import TransferConfig

from hkreach.adapters.s3_expiry import expiry, expiry_of_copy
from hkreach.adapters.s3_ranges import S3Ranges
from hkreach.ports.media import SpooledFile

logger = Logger(service="hkreach", child=True)

_PART = 8 * 1024 * 1024
_PARTS = TransferConfig(multipart_threshold=_PART, multipart_chunksize=_PART, use_threads=False)
"""One part at a time: it, what came of the next, and a copy of each while it is cut are all that is held."""


class S3Spool:
    """Implements the port `MediaSpool`. What a process that died left behind, the bucket expires."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    @contextmanager
    def spool(self, app_name: str, blocks: Iterator[bytes], media_days: int) -> Iterator[SpooledFile]:
        """See the port."""
        key, source = f"{app_name}/fetched/{uuid4()}", _Source(blocks)
        self._client.upload_fileobj(source, self._bucket, key, ExtraArgs=expiry(media_days), Config=_PARTS)
        try:
            yield _Spooled(self._client, self._bucket, key, source)
        finally:
            self._remove(key)

    def _remove(self, key: str) -> None:
        try:
            self._client.delete_object(Bucket=self._bucket, Key=key)
        except Exception:
            logger.exception("could not remove a spooled file; the bucket expires it")


class _Source:
    """Blocks as a file, counted and digested while it is read."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._waiting = blocks, bytearray()
        self.size, self.digest = 0, hashlib.sha256()

    def read(self, size: int = _PART) -> bytes:
        """Exactly so many bytes, and fewer only at the end: S3 takes no short part before the last.

        boto3 gives no size when it saw the end already.
        """
        while len(self._waiting) < size and (block := next(self._blocks, None)) is not None:
            self._waiting += block
            self.digest.update(block)
            self.size += len(block)
        part = bytes(self._waiting[:size])
        del self._waiting[:size]
        return part


class _Spooled(S3Ranges):
    """Implements the port `SpooledFile`."""

    def __init__(self, client: Any, bucket: str, key: str, source: _Source) -> None:
        super().__init__(client, {"Bucket": bucket, "Key": key}, source.size)
        self._bucket, self._key = bucket, key
        self._digest = source.digest.hexdigest()

    @property
    def sha256(self) -> str:
        """See the port."""
        return self._digest

    def keep(self, mime_type: str, media_days: int) -> str:
        """See the port. S3 copies by itself: the bytes do not come here again."""
        return self._keep(f"outbound/{self._digest}", mime_type, media_days)

    def keep_received(self, media_id: str, mime_type: str, media_days: int) -> str:
        """See the port."""
        return self._keep(f"inbound/{media_id}", mime_type, media_days)

    def _keep(self, place: str, mime_type: str, media_days: int) -> str:
        kept = f"{self._key.partition('/')[0]}/{place}"
        self._client.copy_object(
            Bucket=self._bucket,
            Key=kept,
            CopySource={"Bucket": self._bucket, "Key": self._key},
            ContentType=mime_type,
            MetadataDirective="REPLACE",
            ChecksumAlgorithm="SHA256",  # as all that lies there: it is checked whenever the copy is read
            **expiry_of_copy(media_days),
        )
        return kept
