"""What was asked of the simulated Meta and answered, and how often each message was really taken."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from local.meta.clock import as_text
from local.typed_json import JsonObject


@dataclass
class RequestRecord:
    """One request, and once it is answered its answer."""

    method: str
    path: str
    edge: str
    phone_number_id: str
    authorization: str | None
    time: float
    """Seconds since 1970."""
    body: object = None
    to: str | None = None
    template_name: str | None = None
    biz_opaque_callback_data: str | None = None
    media: JsonObject | None = None
    answer: JsonObject = field(default_factory=dict)
    taken_at: float | None = None
    """When the message was taken and counted against the limits, which is after its body has come."""
    number: int = 0

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
            "time": as_text(self.time),
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
            "takenAt": None if self.taken_at is None else as_text(self.taken_at),
            "answer": self.answer,
        }


class Records:
    """The latest requests, up to a limit, and counts of all of them, until they are cleared."""

    def __init__(self, limit: int) -> None:
        self._requests: deque[RequestRecord] = deque(maxlen=limit)
        self._numbers = count(1)
        self.taken: Counter[str] = Counter()
        """How often a message with this biz_opaque_callback_data was accepted: above 1 is a double send."""
        self._answers: Counter[tuple[str, str, int, int | None]] = Counter()

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

    def count_answer(self, record: RequestRecord) -> None:
        """Count an answer by its HTTP status and its Graph code."""
        self._answers[record.edge, record.phone_number_id, record.answer["status"], record.answer.get("code")] += 1

    def answer_counts(self, edge: str | None, phone_number_id: str | None) -> JsonObject:
        """Return how many answers there were, by HTTP status and by Graph code; None stands for any."""
        statuses, codes = Counter[str](), Counter[str]()
        for (of_edge, of_number, status, code), times in self._answers.items():
            if edge in (None, of_edge) and phone_number_id in (None, of_number):
                statuses[str(status)] += times
                if code is not None:
                    codes[str(code)] += times
        return {"statuses": statuses, "codes": codes}

    def clear(self) -> None:
        """Forget all requests and counts."""
        self._requests.clear()
        self.taken.clear()
        self._answers.clear()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
