"""Files, queue, dead letters and bus in memory; queue and bus can refuse."""

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from hkreach.domain.early_status import EarlyStatus
from hkreach.domain.event import Event
from hkreach.domain.message import DueMessage, OutboundMessage
from hkreach.domain.sized_reader import BytesReader
from hkreach.ports.media import MediaGone, SizedStream, SpooledFile
from tests.fakes.faults import Faulty


class FakeFile(io.BytesIO):
    """Implements the port `SizedStream`."""

    def __len__(self) -> int:
        return len(self.getvalue())


class FakeMediaStore(Faulty):
    """Implements the port `MediaStore`."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        """Of those that customers sent."""

    def put(self, app_name: str, content: bytes, mime_type: str, media_days: int) -> str:
        self._called("put")
        key = f"{app_name}/outbound/{hashlib.sha256(content).hexdigest()}"
        self.files[key] = content
        return key

    @contextmanager
    def open(self, key: str) -> Iterator[SizedStream]:
        self._called("open")
        if key not in self.files:
            raise MediaGone
        yield FakeFile(self.files[key])


class FakeMediaSpool(Faulty):
    """Implements the port `MediaSpool`: what is kept goes to a media store."""

    def __init__(self, media: FakeMediaStore) -> None:
        super().__init__()
        self._media = media
        self.spooled = 0
        """Files that are there now."""

    @contextmanager
    def spool(self, app_name: str, blocks: Iterator[bytes], media_days: int) -> Iterator[SpooledFile]:
        self._called("spool")
        content = b"".join(blocks)
        self.spooled += 1
        try:
            yield _FakeSpooled(self._media, app_name, content)
        finally:
            self.spooled -= 1


class _FakeSpooled(BytesReader):
    def __init__(self, media: FakeMediaStore, app_name: str, content: bytes) -> None:
        super().__init__(content)
        self._media, self._app_name, self._all = media, app_name, content

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self._all).hexdigest()

    def keep(self, mime_type: str, media_days: int) -> str:
        return self._media.put(self._app_name, self._all, mime_type, media_days)

    def keep_received(self, media_id: str, mime_type: str, media_days: int) -> str:
        key = f"{self._app_name}/inbound/{media_id}"
        self._media.files[key] = self._all
        self._media.types[key] = mime_type
        return key


class FakeSendQueue(Faulty):
    """Implements the port `SendQueue`. What is in `refuses` by message id is not taken."""

    def __init__(self, *, refuses: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.refuses = refuses
        self.queued: list[OutboundMessage | DueMessage] = []
        self.delays: dict[str, int] = {}

    def put[Message: OutboundMessage | DueMessage](
        self, messages: Sequence[Message], delays: Mapping[str, int] | None = None
    ) -> Sequence[Message]:
        self._called("put")
        self.delays |= delays or {}
        self.queued += [message for message in messages if message.message_id not in self.refuses]
        return [message for message in messages if message.message_id in self.refuses]


class FakeDeadLetters(Faulty):
    """Implements the port `DeadLetters`. What is in `refuses` the queue does not take."""

    def __init__(self, *letters: str, refuses: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.letters = list(letters)
        self.refuses = refuses
        self.moved: list[str] = []
        self._hidden: list[str] = []

    def count(self) -> int:
        self._called("count")
        return len(self.letters) + len(self._hidden)

    def move(self) -> tuple[int, int]:
        self._called("move")
        taken, self.letters = self.letters[:10], self.letters[10:]
        self._hidden += [letter for letter in taken if letter in self.refuses]
        went = [letter for letter in taken if letter not in self.refuses]
        self.moved += went
        return len(taken), len(went)


class FakeEventBus(Faulty):
    """Implements the port `EventBus`. Events whose status is in `refuses` are not taken."""

    def __init__(self, *, refuses: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.refuses = refuses
        self.published: list[Event] = []

    def publish(self, events: Sequence[Event]) -> Sequence[Event]:
        self._called("publish")
        refused = [event for event in events if event["data"].get("status") in self.refuses]
        self.published += [event for event in events if event not in refused]
        return refused


class FakeStatusQueue(Faulty):
    """Implements the port `StatusQueue`."""

    def __init__(self, *, refuses: bool = False) -> None:
        super().__init__()
        self.refuses = refuses
        self.queued: list[EarlyStatus] = []

    def put(self, early: EarlyStatus) -> bool:
        self._called("put")
        if not self.refuses:
            self.queued.append(early)
        return not self.refuses
