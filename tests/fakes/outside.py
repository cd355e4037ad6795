"""Meta and the integrators' servers: each answers what a test scripted, and keeps what it was told."""

from collections.abc import Callable

from hkreach.domain.meta_outcome import Accepted, Outcome
from hkreach.ports import SizedReader


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
        self, phone_number_id: str, access_token: str, content: SizedReader, mime_type: str, filename: str
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

    def __init__(self, *answers: str | None) -> None:
        self._answers = list(answers)
        self.posted: list[tuple[str, bytes, dict[str, str]]] = []

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> str | None:
        self.posted.append((url, body, headers))
        return self._answers.pop(0) if self._answers else None
