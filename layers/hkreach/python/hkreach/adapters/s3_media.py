"""The media bucket."""

import base64
import hashlib
from typing import Any


class S3Media:
    """Implements the port `MediaStore`. Keys begin with the app's name; the bucket encrypts and expires."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, app_name: str, content: bytes, mime_type: str) -> str:
        """See the port. S3 checks the digest, so what is stored is what came."""
        digest = hashlib.sha256(content)
        key = f"{app_name}/outbound/{digest.hexdigest()}"
        self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=content,
            ContentType=mime_type,
            ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
        )
        return key

    def get(self, key: str) -> bytes:
        """See the port."""
        content: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return content
