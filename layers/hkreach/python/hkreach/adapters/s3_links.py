"""Short-lived addresses of files in the media bucket."""

from typing import Any
from urllib.parse import quote


class S3Links:
    """Implements the port `MediaLinks`: presigned, so that nothing is served from the API's own origin."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def link(self, key: str, mime_type: str, filename: str, seconds: int) -> str:
        """See the port. The name goes in its extended form alone (RFC 8187): it takes every letter."""
        address: str = self._client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(filename, safe='')}",
                "ResponseContentType": mime_type,
                "ResponseCacheControl": "no-store",
            },
            ExpiresIn=seconds,
        )
        return address
