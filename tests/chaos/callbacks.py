"""What the simulated Meta calls back about one message that it took: in what order, how often, with or without echo."""

import json
from collections.abc import Iterator

from tests.chaos.faults import Faults

_COURSES = {
    "callbacks never come": (),
    "callbacks: failed": ("failed",),
    "callbacks: sent, failed": ("sent", "failed"),
    "callbacks: failed, then delivered after all": ("failed", "delivered"),
    "callbacks: read without delivered": ("sent", "read"),
}


def callbacks(faults: Faults, wamid: str, message_id: str, number: str, now: int) -> Iterator[tuple[int, bytes]]:
    """Each callback with its time."""
    course = next((course for kind, course in _COURSES.items() if faults.happens(kind)), ("sent", "delivered", "read"))
    echoes = not faults.happens("callbacks without the echo")
    delay = 0 if faults.happens("callbacks before the answer") else 1_000
    if faults.happens("callbacks late"):
        delay = 200_000
    times = [now + delay * (place + 1) for place in range(len(course))]
    if len(course) > 1 and faults.happens("callbacks out of order"):
        times.reverse()
    for status, at in zip(course, times, strict=True):
        node: dict[str, object] = {"id": wamid, "status": status, "timestamp": str(now // 1000)}
        if echoes and not (status == "failed" and faults.happens("failed callback without the echo", 0.3)):
            node["biz_opaque_callback_data"] = message_id
        if status == "failed":
            node["errors"] = [{"code": 131026, "title": "Message undeliverable"}]
        copies = 3 if faults.happens("callback repeated") else 1
        for copy in range(copies):
            yield at + 500 * copy, _body(number, statuses=[node])
    if faults.happens("callback with an error of the account"):
        yield now, _body(number, errors=[{"code": 130429, "title": "Rate limit hit"}])


def _body(number: str, **parts: object) -> bytes:
    value = {"metadata": {"phone_number_id": number}, **parts}
    return json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()
