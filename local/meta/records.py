"""What was asked of the simulated Meta and answered, and how often each message was really taken."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from local.typed_json import JsonObject


@dataclass
class RequestRecord:
    """One request, and once it is answered its answer."""

    method: str
    path: str
    edge: str
    phone_number_id: str
    authorization: str | None
    body: object = None
    to: str | None = None
    template_name: str | None = None
    biz_opaque_callback_data: str | None = None
    media: JsonObject | None = None
    answer: JsonObject = field(default_factory=dict)
    number: int = 0
    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    def read_body(self, body: object) -> None:
        """Keep the JSON posted, and what rules and filters look for in it."""
        self.body = body
        if isinstance(body, dict):
            template = body.get("template")
            self.to = _text(body.get("to")) or _text(body.get("recipient"))
            self.template_name = _text(template.get("name")) if isinstance(template, dict) else None
            self.biz_opaque_callback_data = _text(body.get("biz_opaque_callback_data"))

    def as_json(self) -> JsonObject:
        """Return the record as the control API shows it."""
        return {
            "number": self.number,
            "time": self.time.isoformat(),
            "method": self.method,
            "path": self.path,
            "edge": self.edge,
            "phoneNumberId": self.phone_number_id,
            "authorization": self.authorization,
            "to": self.to,
            "templateName": self.template_name,
            "bizOpaqueCallbackData": self.biz_opaque_callback_data,
            "body": self.body,
            "media": self.media,
            "answer": self.answer,
        }


class Records:
    """The latest requests, up to a limit, and how often each message was taken, until they are cleared."""

    def __init__(self, limit: int) -> None:
        self._requests: deque[RequestRecord] = deque(maxlen=limit)
        self._numbers = count(1)
        self.taken: Counter[str] = Counter()
        """How often a message with this biz_opaque_callback_data was accepted: above 1 is a double send."""

    def add(self, record: RequestRecord) -> RequestRecord:
        """Keep a request and number it."""
        record.number = next(self._numbers)
        self._requests.append(record)
        return record

    def matching(self, filters: JsonObject) -> Iterator[JsonObject]:
        """Yield the requests, oldest first, whose fields equal the filters."""
        for record in self._requests:
            shown = record.as_json()
            if all(shown[key] == value for key, value in filters.items()):
                yield shown

    def clear(self) -> None:
        """Forget all requests and counts."""
        self._requests.clear()
        self.taken.clear()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
