"""The index of what waits in the messages table, for an operator, in memory."""

from dataclasses import replace

from hkreach.domain.message import DueMessage, Status
from hkreach.ports import Page
from tests.fakes.faults import Faulty
from tests.fakes.messages import FakeMessages


class FakeStopped(Faulty):
    """Implements the port `StoppedMessages` on the rows of a `FakeMessages`; `page` messages at a time."""

    def __init__(self, messages: FakeMessages, page: int = 2) -> None:
        super().__init__()
        self._messages, self._page = messages, page

    def waiting(self, app_name: str, after: str | None) -> Page[DueMessage]:
        self._called("waiting")
        due = sorted((at, message_id) for message_id, at in self._messages.waiting.items() if at >= int(after or 0))
        end = max(due[self._page][0], int(after or 0) + 1) if len(due) > self._page else None
        rows = [(at, self._messages.rows[message_id].message) for at, message_id in due if end is None or at < end]
        found = [
            DueMessage(m.message_id, m.app_name, at, m.purpose, m.waits_for) for at, m in rows
            if m.app_name == app_name and (m.waits_for is None or m.waits_for.startswith(("halted", "breaker")))
        ]  # fmt: skip
        return Page(found, None if end is None else str(end))

    def move_up(self, message: DueMessage, at: int) -> bool:
        self._called("move_up")
        row = self._messages.unclaimed(message.message_id, Status.QUEUED)
        if row is None or row.message.due_at != message.due_at:
            return False
        row.message = replace(row.message, due_at=at, next_try_at=at, waits_for="number_rate")
        return True
