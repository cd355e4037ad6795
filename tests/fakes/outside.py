"""Meta, the integrators' servers and the files there: each answers what a test scripted, and keeps what it was told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hkreach.domain.inbound_file import FileNotGiven
from hkreach.domain.media_fetch import MediaEmpty, MediaFetchFailed, MediaTooLarge, MediaUnavailable
from hkreach.domain.meta_outcome import Accepted, Outcome
from hkreach.domain.webhook_answer import Answer
from hkreach.ports.media import FetchedMedia, SizedStream


class FakeMeta:
    """Implements the port `Meta`. Without a script it accepts everything."""

    def __init__(self) -> None:
        self.uploads: list[tuple[str, str, bytes, str, str]] = []
        self.sent: list[tuple[str, str, dict[str, object]]] = []
        self.upload_answers: list[Outcome] = []
        self.send_answers: list[Outcome] = []
        self.granted: int | None = None
        self.asked: list[tuple[str, str]] = []
        self.while_sending: Callable[[], object] = lambda: None

    def upload(
        self, phone_number_id: str, access_token: str, content: SizedStream, mime_type: str, filename: str
    ) -> Outcome:
        self.uploads.append((phone_number_id, access_token, content.read(len(content)), mime_type, filename))
        return self.upload_answers.pop(0) if self.upload_answers else Accepted(f"media-{len(self.uploads)}")

    def send(self, phone_number_id: str, access_token: str, message: dict[str, object]) -> Outcome:
        self.sent.append((phone_number_id, access_token, message))
        self.while_sending()
        return self.send_answers.pop(0) if self.send_answers else Accepted(f"wamid.{len(self.sent)}")

    def throughput(self, phone_number_id: str, access_token: str) -> int | None:
        self.asked.append((phone_number_id, access_token))
        return self.granted


class FakeWebhookClient:
    """Implements the port `WebhookClient`. Without a script it takes everything."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.posted: list[tuple[str, bytes, dict[str, str]]] = []

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        self.posted.append((url, body, headers))
        return self.answers.pop(0) if self.answers else Answer(200)


class FakeMediaFetcher:
    """Implements the port `MediaFetcher`. It knows the files that a test puts at addresses."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[str | None, list[bytes]]] = {}
        self.failures: dict[str, MediaFetchFailed] = {}
        """What breaks off, after the blocks that are there; without any it is told at once."""
        self.fetched: list[str] = []

    @contextmanager
    def fetch(self, url: str, most_bytes: int) -> Iterator[FetchedMedia]:
        self.fetched.append(url)
        if url not in self.files:
            raise self.failures.get(url) or MediaUnavailable
        filename, blocks = self.files[url]
        yield FetchedMedia(filename, self._blocks(blocks, most_bytes, self.failures.get(url)))

    def _blocks(self, blocks: list[bytes], most_bytes: int, failure: MediaFetchFailed | None) -> Iterator[bytes]:
        count = 0
        for block in blocks:
            count += len(block)
            if count > most_bytes:
                raise MediaTooLarge(most_bytes)
            yield block
        if failure:
            raise failure
        if not count:
            raise MediaEmpty


class FakeMetaFiles:
    """Implements the port `MetaFiles`. It knows the files that a test puts under Meta's ids."""

    def __init__(self) -> None:
        self.files: dict[str, list[bytes]] = {}
        self.failures: dict[str, list[FileNotGiven]] = {}
        """What is told instead, one each; after the blocks, if there are some."""
        self.asked: list[tuple[str, str, str]] = []

    @contextmanager
    def open(self, meta_id: str, phone_number_id: str, access_token: str, most_bytes: int) -> Iterator[Iterator[bytes]]:
        self.asked.append((meta_id, phone_number_id, access_token))
        failures = self.failures.get(meta_id)
        if failures:
            raise failures.pop(0)
        if meta_id not in self.files:
            raise FileNotGiven("media_gone", "Meta does not give the file: gone", retryable=False)
        blocks = self.files[meta_id]
        if sum(map(len, blocks)) > most_bytes:
            raise FileNotGiven("media_too_large", "the file is too large", retryable=False)
        yield iter(blocks)


class FakeMediaLinks:
    """Implements the port `MediaLinks`."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str, str, int]] = []

    def link(self, key: str, mime_type: str, filename: str, seconds: int) -> str:
        self.made.append((key, mime_type, filename, seconds))
        return f"https://bucket.example.com/{key}"
