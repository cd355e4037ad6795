"""Take in what Meta tells us: statuses of our messages, messages of customers, and news of the account."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from aws_lambda_powertools import Logger

from hkreach.domain.early_status import EarlyStatus, may_be_early
from hkreach.domain.errors import Unauthorized
from hkreach.domain.inbound import InboundMessage, MetaNews, referred_wamids, unread, with_own_ids
from hkreach.domain.message import MessageError, Status, StatusCallback
from hkreach.domain.meta_callback import Ignored, MetaChange, Unreadable, changes_of, news_of, status_of_callback
from hkreach.domain.meta_inbound import Received, inbound_of
from hkreach.domain.meta_outcome import MEDIA_ERROR, lost_media_error
from hkreach.domain.number import Limits
from hkreach.domain.progress import Progress
from hkreach.domain.signature import meta_signature_is_valid
from hkreach.ports import Apps, Clock, Messages, MetaAppSecrets, Numbers
from hkreach.ports.inbound import Inbound, StatusQueue
from hkreach.usecases.receive_meta_senders import LateError, TellSenders

logger = Logger(service="hkreach", child=True)

_AT_ONCE = 16
"""Meta puts up to 1,000 updates in one callback, and repeats all of them if the answer takes too long."""
_LIMITS = Limits(probe=0, halted=300)

type _Item = StatusCallback | Received | MetaNews | Ignored | Unreadable
type _Read = Callable[[], _Item]
type _NameOfNumber = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class ReceiveMeta:
    """The step with everything it needs."""

    messages: Messages
    apps: Apps
    secrets: MetaAppSecrets
    now: Clock
    numbers: Numbers
    inbound: Inbound
    statuses: StatusQueue
    limits: Limits = _LIMITS
    """Of the senders: what Meta tells late stops them as its answer does."""

    def __call__(self, body: bytes, signature: str) -> Mapping[str, int]:
        """Record all that one callback tells; returns how many items had which fate.

        Raises Unauthorized unless the signature was made over these very bytes. What cannot be read is kept for the
        operator: Meta would repeat a refused callback for seven days, and it would be no more readable then. An error
        of the table is raised at the end, when the other items are written, so that Meta does repeat it.
        """
        if not meta_signature_is_valid(signature, body, self.secrets.app_secrets()):
            raise Unauthorized
        items, late = list(self._items(body)), list[LateError]()
        if len(items) == 1:
            fates = [self._try_to_record(items[0], late)]
        else:
            with ThreadPoolExecutor(min(len(items), _AT_ONCE) or 1) as threads:
                fates = list(threads.map(lambda read: self._try_to_record(read, late), items))
        self._tell_senders(late)
        for fate in fates:
            if isinstance(fate, Exception):
                raise fate
        return Counter(str(fate) for fate in fates)

    def _try_to_record(self, read: _Read, late: list[LateError]) -> str | Exception:
        try:
            item = read()
            fate = self._record(item)
        except Exception as error:
            logger.exception("callback item was not recorded")
            return error
        if fate == "recorded":
            late += _late_errors(item)
        return fate

    def _items(self, body: bytes) -> Iterator[_Read]:
        """Each item, still to be read: reading one may look up its app, and that may fail for it alone."""
        name_of_number = _asked_once(self.apps.name_of_number)
        for change in changes_of(body):
            if isinstance(change, Unreadable):
                yield partial(_as_it_is, change)
                continue
            if change.is_news:
                yield self._news(change, change.value, change.field, name_of_number)
            for node in change.nodes("statuses"):
                yield partial(status_of_callback, change.value, node)
            for node in change.nodes("messages"):
                yield partial(inbound_of, change.value, node, name_of_number, self.now())
            for node in change.nodes("errors"):
                yield self._news(change, node, "errors", name_of_number)

    def _news(self, change: MetaChange, value: object, field: str, name_of_number: _NameOfNumber) -> _Read:
        return partial(news_of, change, value, field, name_of_number, self.now())

    def _record(self, item: _Item) -> str:
        match item:
            case StatusCallback():
                if item.error and item.error.code == str(MEDIA_ERROR) and self._media_is_lost(item):
                    item = replace(item, error=lost_media_error(item.error))
                fate = self._record_status(item)
                logger.info("status from meta", message_id=item.message_id, status=item.status.value, fate=fate)
            case Received(message, lost):
                if lost is not None:
                    self._keep(lost)
                fate = "recorded" if self.inbound.add(self._with_own_ids(message)) else "repeated"
                logger.info("message from meta", message_id=message.message_id, fate=fate)
            case MetaNews():
                fate = "recorded" if self.inbound.add_news(item) else "repeated"
                logger.info("news from meta", news_id=item.news_id, field=item.field, fate=fate)
            case Unreadable():
                fate = self._keep(item)
            case Ignored(reason):
                fate = "passed over"
                logger.info("callback item passed over", reason=reason)
        return fate

    def look_again(self, early: EarlyStatus) -> Progress:
        """Look once more for the message of a status that came too early for it."""
        fate = self.messages.record_status(early.status)
        seconds = early.next_look(self.now()) if fate == "unknown" else None
        if seconds is not None:
            return seconds
        if fate == "recorded":
            self._tell_senders(_late_errors(early.status))
        # Not by Meta's id of the message: that holds the customer's number.
        number, status = early.status.phone_number_id, early.status.status.value
        logger.info("early status from meta", phone_number_id=number, status=status, fate=fate)
        return "done"

    def _tell_senders(self, late: list[LateError]) -> None:
        TellSenders(self.apps, self.numbers, self.now, self.limits)(late)

    def _record_status(self, status: StatusCallback) -> str:
        """Raises OSError if it may have come too early and the queue does not take it: then Meta repeats it."""
        fate = self.messages.record_status(status)
        if fate != "unknown" or not may_be_early(status):
            return fate
        app_name = self.apps.name_of_number(status.phone_number_id)
        if app_name is None:
            return fate
        if not self.statuses.put(EarlyStatus(status, app_name, self.now())):
            raise OSError("the status queue did not take an early status")
        return "early"

    def _keep(self, item: Unreadable) -> str:
        kept = unread(item.source, item.reason, self.now())
        if not self.inbound.keep(kept):
            return "repeated"
        # An alarm counts this line.
        logger.error("callback item kept for the operator", item_id=kept.item_id, reason=kept.reason)
        return "kept"

    def _with_own_ids(self, message: InboundMessage) -> InboundMessage:
        found = {wamid: self.inbound.own_id(message.phone_number_id, wamid) for wamid in referred_wamids(message)}
        return with_own_ids(message, {wamid: own for wamid, own in found.items() if own is not None})

    def _media_is_lost(self, failed: StatusCallback) -> bool:
        """Meta often finds only after it took a message that it does not know its file's id: the next uploads it."""
        message = self.messages.get(failed.message_id) if failed.message_id else None
        if message is None or message.media is None or message.phone_number_id != failed.phone_number_id:
            return False
        now = self.now()
        sent_at = message.facts.get(Status.ACCEPTED, now)
        return self.numbers.media(
            message.phone_number_id, message.media.content, lambda file: file.doubted(sent_at, now)
        )


def _late_errors(item: _Item) -> list[LateError]:
    """What a failed status, or an error of the account, tells of its number."""
    match item:
        case StatusCallback(error=MessageError(code=code)) if code.isdecimal():
            return [LateError(item.phone_number_id, int(code), item.at)]
        case MetaNews(field="errors", phone_number_id=str(number), value={"code": int(code)}):
            return [LateError(number, code, item.at)]
    return []


def _as_it_is(item: _Item) -> _Item:
    return item


def _asked_once(look_up: _NameOfNumber) -> _NameOfNumber:
    """For as long as one callback takes: its items are mostly of one number."""
    known: dict[str, str | None] = {}

    def name_of_number(number: str) -> str | None:
        if number not in known:
            known[number] = look_up(number)
        return known[number]

    return name_of_number
