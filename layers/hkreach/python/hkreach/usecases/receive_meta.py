"""Take in what Meta tells us: statuses of our messages, and messages of customers."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger

from hkreach.domain.errors import Unauthorized
from hkreach.domain.message import InboundMessage, StatusCallback
from hkreach.domain.meta_callback import Unreadable, inbound_of, status_of_callback, values_of
from hkreach.domain.meta_outcome import MEDIA_ERROR
from hkreach.domain.signature import meta_signature_is_valid
from hkreach.ports import Apps, Clock, Messages, MetaAppSecrets, Numbers

logger = Logger(service="hkreach", child=True)

_AT_ONCE = 10
"""Meta puts up to 1,000 updates in one callback, and repeats all of them if the answer takes too long."""

type _Item = StatusCallback | InboundMessage | Unreadable


@dataclass(frozen=True, slots=True)
class ReceiveMeta:
    """The step with everything it needs."""

    messages: Messages
    apps: Apps
    secrets: MetaAppSecrets
    now: Clock
    numbers: Numbers

    def __call__(self, body: bytes, signature: str) -> Mapping[str, int]:
        """Record all that one callback tells; returns how many items had which fate.

        Raises Unauthorized unless the signature was made over these very bytes. Items that cannot be read, or
        belong to nobody here, are logged and passed over: Meta would repeat a refused callback for seven days.
        An error of the table is raised at the end, when the other items are written, so that Meta does repeat it.
        """
        if not meta_signature_is_valid(signature, body, self.secrets.app_secrets()):
            raise Unauthorized
        items = list(self._items(body))
        with ThreadPoolExecutor(min(len(items), _AT_ONCE) or 1) as threads:
            fates = list(threads.map(self._try_to_record, items))
        for fate in fates:
            if isinstance(fate, Exception):
                raise fate
        return Counter(str(fate) for fate in fates)

    def _try_to_record(self, read: Callable[[], _Item]) -> str | Exception:
        try:
            return self._record(read())
        except Exception as error:
            logger.exception("callback item was not recorded")
            return error

    def _items(self, body: bytes) -> Iterator[Callable[[], _Item]]:
        """Each item, still to be read: reading one may look up its app, and that may fail for it alone."""
        try:
            callback = json.loads(body)
        except (ValueError, RecursionError):
            yield lambda: Unreadable("body is not JSON")
            return
        for value in values_of(callback):
            if isinstance(value, Unreadable):
                yield partial(Unreadable, value.reason)
                continue
            for node in _nodes(value, "statuses"):
                yield partial(status_of_callback, value, node)
            for node in _nodes(value, "messages"):
                yield partial(inbound_of, value, node, self.apps.name_of_number, self.now())

    def _record(self, item: _Item) -> str:
        match item:
            case StatusCallback():
                fate = self.messages.record_status(item)
                logger.info("status from meta", message_id=item.message_id, status=item.status.value, fate=fate)
                if item.error and item.error.code == str(MEDIA_ERROR):
                    self._doubt_media(item)
            case InboundMessage():
                fate = "recorded" if self.messages.add_inbound(item) else "repeated"
                logger.info("message from meta", message_id=item.message_id, fate=fate)
            case Unreadable(reason):
                fate = "passed over"
                logger.warning("callback item passed over", reason=reason)
        return fate

    def _doubt_media(self, failed: StatusCallback) -> None:
        """Meta often finds only after it took a message that it does not know its file's id: the next uploads it."""
        message = self.messages.get(failed.message_id) if failed.message_id else None
        if message and message.media and message.phone_number_id == failed.phone_number_id:
            number, key = message.phone_number_id, message.media.key
            self.numbers.media(number, key, lambda file: (file.doubted(self.now()), None))


def _nodes(value: Mapping[str, Any], name: str) -> list[Any]:
    nodes = value.get(name)
    return nodes if isinstance(nodes, list) else []
