"""What comes in from Meta and is no status: customers' messages, news of the account, and what could not be read."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hkreach.domain.inbound_file import NEW_FILE, StoredFile
from hkreach.domain.lenient_json import as_json, storable
from hkreach.domain.message import KEPT_FOR, MessageError, derived_id
from hkreach.domain.time import DAY

UNREADABLE_KEPT_FOR = 30 * DAY
"""How long the operator can look at what could not be read, in milliseconds."""
UNDATED_NEWS_KEPT_FOR = 8 * DAY
"""News without a time are told apart from a repetition only by being older: Meta repeats for seven days."""
MAX_CONTENT_BYTES = 200_000
"""Of one item's content as JSON in UTF-8: the bus takes 256 KB, and the table 400 KB."""
MAX_EXCERPT = 16_000
"""Characters that are kept of what could not be read."""


@dataclass(frozen=True, slots=True)
class MetaFile:
    """A file that a customer sent, as Meta announced it. `sha256` is in hex."""

    meta_id: str
    mime_type: str | None = None
    filename: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A message from a customer."""

    message_id: str
    app_name: str
    phone_number_id: str
    sender: str | None
    """The phone number, digits only; None if Meta does not tell it: then there is a `user_id`."""
    wamid: str
    received_at: int
    expires_at: int
    content: Mapping[str, Any]
    """What `data` of the event says beside the sender: `{"type": "text", "text": {"body": …}}`, in camelCase."""
    contact_name: str | None = None
    user_id: str | None = None
    """Meta's business-scoped id of the customer; it changes with the phone number."""
    parent_user_id: str | None = None
    """The same for linked business portfolios."""
    username: str | None = None
    identity_key_hash: str | None = None
    """Changes when the customer's WhatsApp was set up anew, or may be somebody else's by now."""
    file: MetaFile | None = None
    """As Meta announced it."""
    stored: StoredFile | None = None
    stored_at: int | None = None
    error: MessageError | None = None
    """Why there is no file, if it was given up."""
    waits_for: str | None = None
    """`MEDIA`, a colon and why, as long as its file neither came nor was given up."""

    @property
    def media_id(self) -> str:
        """The id of its file: a message has one at most."""
        return self.message_id

    @property
    def is_complete(self) -> bool:
        """Whether it can be told: nothing is missing, or will come any more."""
        return self.waits_for is None

    @property
    def recorded_at(self) -> int:
        """When it came, by our clock and to the second; Meta may bring it days after it was written."""
        return self.expires_at - KEPT_FOR

    @property
    def was_tried(self) -> bool:
        """Whether Meta was asked for its file before, and the message waits for the next try."""
        return self.waits_for not in {None, NEW_FILE}


@dataclass(frozen=True, slots=True)
class MetaNews:
    """A change of another field than `messages`, or an error of the account: it is for the bus alone."""

    news_id: str
    field: str
    waba_id: str | None
    phone_number_id: str | None
    app_name: str | None
    """None if it cannot be told: most news are of a WhatsApp Business Account, which several apps may share."""
    at: int
    """As Meta says, else when it came first."""
    value: Any
    """As it came."""
    expires_at: int

    @property
    def message_id(self) -> str:
        """The key of its item, which is one of the messages table."""
        return self.news_id


@dataclass(frozen=True, slots=True)
class Unread:
    """An item that could not be read, or not whole: kept for the operator."""

    item_id: str
    reason: str
    """Nothing of the customer's."""
    excerpt: str
    """The item as JSON, or as it came, up to `MAX_EXCERPT` characters."""
    size: int
    """Characters of the whole."""
    at: int
    expires_at: int


def inbound_message_id(phone_number_id: str, wamid: str) -> str:
    """The one id of an inbound message, so that a repeated callback is the same write."""
    return derived_id("inbound", phone_number_id, wamid)


def news_id(waba_id: str | None, field: str, time: int | None, value: Any) -> str:
    """The one id of news with this content."""
    return derived_id("meta", waba_id or "", field, str(time), _digest(as_json(value, sort_keys=True)))


def unread(source: object, reason: str, now: int) -> Unread:
    """What to keep of an item; the same item is the same write, whatever was wrong with it."""
    text = _in_words(source)
    item_id = derived_id("unread", _digest(text))
    return Unread(item_id, reason, text[:MAX_EXCERPT], len(text), now, now + UNREADABLE_KEPT_FOR)


def referred_wamids(message: InboundMessage) -> list[str]:
    """Meta's ids of messages that this one answers or reacts to, and of which it is not known yet whose they are."""
    parts = (message.content.get(name, {}) for name in _REFERRING)
    return [part["wamid"] for part in parts if "wamid" in part and "messageId" not in part]


def with_own_ids(message: InboundMessage, own: Mapping[str, str]) -> InboundMessage:
    """The message with our ids, by Meta's, beside Meta's."""
    content = dict(message.content)
    for name in _REFERRING:
        message_id = own.get(content.get(name, {}).get("wamid", ""))
        if message_id is not None:
            content[name] = {"messageId": message_id} | content[name]
    return replace(message, content=content)


_REFERRING = ("context", "reaction")


def _in_words(source: object) -> str:
    if isinstance(source, bytes):
        return source.decode("utf-8", "replace")
    try:
        return storable(json.dumps(source, ensure_ascii=False, separators=(",", ":"), sort_keys=True))
    except RecursionError:
        return "(nested too deep)"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
