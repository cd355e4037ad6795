"""What comes in from Meta, in memory."""

from hkreach.domain.inbound import InboundMessage, MetaNews, Unread, inbound_message_id
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
