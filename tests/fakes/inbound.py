"""What comes in from Meta, in memory."""

from dataclasses import replace
from typing import Any

from hkreach.domain.inbound import InboundMessage, MetaNews, Unread, inbound_message_id
from hkreach.domain.inbound_file import StoredFile
from hkreach.domain.message import DueMessage, MessageError
from hkreach.ports import Clock
from hkreach.ports.inbound import UnreadPage
from tests.fakes.faults import Faulty
from tests.fakes.messages import FakeMessages


class FakeInbound(Faulty):
    """Implements the ports `Inbound` and `UnreadItems`, beside the messages that were sent."""

    def __init__(self, messages: FakeMessages, now: Clock = lambda: 0, page: int = 2) -> None:
        super().__init__()
        self._messages, self._now, self._page = messages, now, page
        self.received: dict[str, InboundMessage] = {}
        self.news: dict[str, MetaNews] = {}
        self.kept: dict[str, Unread] = {}

    def add(self, message: InboundMessage) -> bool:
        self._called("add")
        return self.received.setdefault(message.message_id, message) is message

    def add_news(self, news: MetaNews) -> bool:
        self._called("add_news")
        return self.news.setdefault(news.news_id, news) is news

    def keep(self, item: Unread) -> bool:
        self._called("keep")
        return self.kept.setdefault(item.item_id, item) is item

    def get(self, message_id: str) -> InboundMessage | None:
        self._called("get")
        message = self.received.get(message_id)
        return message if message and message.expires_at > self._now() else None

    def get_news(self, news_id: str) -> MetaNews | None:
        self._called("get_news")
        news = self.news.get(news_id)
        return news if news and news.expires_at > self._now() else None

    def wait(self, message: InboundMessage, until: int, why: str) -> None:
        self._called("wait")
        if self._complete(message.message_id, waits_for=why):
            self.wake_at(message.message_id, until)

    def wake_at(self, message_id: str, until: int) -> None:
        message = self.received[message_id]
        due = DueMessage(message_id, message.app_name, until, waits_for=message.waits_for)
        self._messages.others[message_id] = due

    @property
    def waiting(self) -> dict[str, DueMessage]:
        return self._messages.others

    def record_stored(self, message_id: str, stored: StoredFile, now: int) -> bool:
        self._called("record_stored")
        return self._complete(message_id, stored=stored, stored_at=now, waits_for=None)

    def record_not_given(self, message_id: str, error: MessageError, now: int) -> bool:
        self._called("record_not_given")
        return self._complete(message_id, error=error, waits_for=None)

    def _complete(self, message_id: str, **parts: Any) -> bool:
        message = self.received.get(message_id)
        if message is None or message.is_complete:
            return False
        self.received[message_id] = replace(message, **parts)
        self._messages.others.pop(message_id, None)
        return True

    def own_id(self, phone_number_id: str, wamid: str) -> str | None:
        self._called("own_id")
        sent = self._messages.id_of_wamid(wamid)
        received = inbound_message_id(phone_number_id, wamid)
        return sent or (received if received in self.received else None)

    def unread(self, after: str | None) -> UnreadPage:
        self._called("unread")
        ids = list(self.kept)
        first = ids.index(after) + 1 if after is not None else 0
        looked_at = [self.kept[item_id] for item_id in ids[first : first + self._page]]
        alive = [item for item in looked_at if item.expires_at // 1000 > self._now() // 1000]
        return UnreadPage(alive, looked_at[-1].item_id if first + self._page < len(ids) else None)
