"""Parts of a file by their place, so that a large one is examined where it lies and not held."""

from typing import Protocol


class SizedReader(Protocol):
    """A file of known size: bytes in memory, or an object that is read by ranges."""

    @property
    def size(self) -> int:
        """In bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """The `length` bytes from `offset` on; fewer only where the file ends."""


class BytesReader:
    """A file that is in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    @property
    def size(self) -> int:
        """See the protocol."""
        return len(self._content)

    def read(self, offset: int, length: int) -> bytes:
        """See the protocol."""
        return self._content[offset : offset + length]


class TooManyPages(Exception):
    """What was asked for would take one page too many."""


class Pages:
    """The same file in pages that are kept, and at most so many: offsets in a file point where its maker wants."""

    SIZE = 4_096
    MOST = 16

    def __init__(self, file: SizedReader) -> None:
        self.size = file.size
        self._file = file
        self._pages: dict[int, bytes] = {}

    def read(self, offset: int, length: int) -> bytes:
        """See the protocol. Raises TooManyPages."""
        end = min(offset + length, self.size)
        pages = range(offset // self.SIZE, -(-end // self.SIZE))
        if len(pages) > self.MOST:
            raise TooManyPages
        start = pages.start * self.SIZE
        return b"".join(map(self._page, pages))[offset - start : max(0, end - start)]

    def _page(self, number: int) -> bytes:
        if number not in self._pages:
            if len(self._pages) == self.MOST:
                raise TooManyPages
            self._pages[number] = self._file.read(number * self.SIZE, self.SIZE)
        return self._pages[number]
