"""The body of an upload, streamed: never in memory as a whole, and never cut short without a word."""

from collections.abc import Iterator

from requests_toolbelt import MultipartEncoder

from hkreach.adapters.requests_deadline import Deadline
from hkreach.ports.media import SizedStream

BLOCK = 256 * 1024
"""Bytes that are sent at once. http.client would ask for 16 KB at a time, which costs more of the CPU."""


class Upload:
    """Meta's form for one file; `requests` sends what it iterates over."""

    def __init__(self, content: SizedStream, mime_type: str, filename: str, deadline: Deadline) -> None:
        self._rest = _Rest(content, deadline)
        self._form = MultipartEncoder(
            {"messaging_product": "whatsapp", "type": mime_type, "file": (filename, self._rest, mime_type)}
        )
        self.content_type: str = self._form.content_type

    @property
    def unreadable(self) -> Exception | None:
        """Why the file could not be read to its end, if that is so."""
        return self._rest.unreadable

    def __len__(self) -> int:
        """The Content-Length."""
        length: int = self._form.len
        return length

    def __iter__(self) -> Iterator[bytes]:
        while block := self._form.read(BLOCK):
            yield block


class _Rest:
    """What is still to be read of a file: its length shrinks, for that is how the encoder sees the end."""

    def __init__(self, content: SizedStream, deadline: Deadline) -> None:
        self._content, self._deadline = content, deadline
        self._left = len(content)
        self.unreadable: Exception | None = None

    def __len__(self) -> int:
        return self._left

    def read(self, size: int) -> bytes:
        self._deadline.left()
        try:
            block = self._content.read(min(size, self._left))
            self._left -= len(block)
            # Whoever checks what was read does so at the end. The last block is not sent before that.
            if not block or (not self._left and self._content.read(1)):
                raise EOFError("the file is not as long as it is said to be")  # noqa: TRY301 - as its own errors
        except Exception as error:
            self.unreadable = error
            # Nothing that urllib3 would take for the connection's own error: it goes on after some of them.
            raise ValueError("the file cannot be read") from error
        return block
