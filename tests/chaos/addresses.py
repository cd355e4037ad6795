"""Files at addresses, simulated: most are there, and their servers fail as servers do."""

from collections.abc import Iterator
from contextlib import contextmanager

from hkreach.domain.media import MediaAddress
from hkreach.domain.media_fetch import MediaAnswered, MediaIncomplete, MediaUnavailable
from hkreach.ports.media import FetchedMedia
from tests.builders import PDF
from tests.chaos.faults import Faults

SMALL, LARGE = MediaAddress("https://files.example.com/small.pdf"), MediaAddress("https://files.example.com/large.pdf")
_FILES = {SMALL.url: PDF, LARGE.url: PDF + bytes(5_000_000)}


class SimulatedAddresses:
    """Implements the port `MediaFetcher`."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    @contextmanager
    def fetch(self, url: str, most_bytes: int) -> Iterator[FetchedMedia]:
        if self._faults.happens("address: no answer"):
            raise MediaUnavailable
        if self._faults.happens("address: 404", 0.03):
            raise MediaAnswered(404)
        yield FetchedMedia("a.pdf", self._blocks(_FILES[url]))

    def _blocks(self, content: bytes) -> Iterator[bytes]:
        yield content[:5]
        if self._faults.happens("address: breaks off"):
            raise MediaIncomplete
        yield content[5:]
