"""The media bucket."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from hkreach.adapters.s3_expiry import expiry
from hkreach.ports.media import MediaGone, SizedStream


class S3Media:
    """Implements the port `MediaStore`. Keys begin with the app's name; the bucket encrypts and expires."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, app_name: str, content: bytes, mime_type: str, media_days: int) -> str:
        """See the port. S3 checks the digest, so what is stored is what came."""
        digest = hashlib.sha256(content)
        key = f"{app_name}/outbound/{digest.hexdigest()}"
        self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=content,
            ContentType=mime_type,
            ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
            **expiry(media_days),
        )
        return key

    @contextmanager
    def open(self, key: str) -> Iterator[SizedStream]:
        """See the port. At its end botocore compares the length, and the digest that S3 keeps."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        except self._client.exceptions.NoSuchKey as error:
            raise MediaGone from error
        with closing(answer["Body"]) as body:
            yield _Object(body, answer["ContentLength"])


class _Object:
    """A body that tells its length: botocore's own does not."""

    def __init__(self, body: Any, length: int) -> None:
        self._body, self._length = body, length

    def __len__(self) -> int:
        return self._length

    def read(self, size: int, /) -> bytes:
        block: bytes = self._body.read(size)
        return block
