"""Objects of a bucket, read by their ranges."""

from typing import Any


class S3Ranges:
    """Implements `SizedReader`: each read is a call."""

    def __init__(self, client: Any, wanted: dict[str, str], size: int) -> None:
        """`wanted`: what names the object to S3 (`Bucket`, `Key`, and `IfMatch` for one version); `size` in bytes."""
        self._client = client
        self._wanted = wanted
        self._size = size

    @property
    def size(self) -> int:
        """See the protocol."""
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """See the protocol."""
        if not 0 <= offset < self._size or length <= 0:
            return b""  # S3 knows no empty range
        answer = self._client.get_object(**self._wanted, Range=f"bytes={offset}-{offset + length - 1}")
        content: bytes = answer["Body"].read()
        return content
