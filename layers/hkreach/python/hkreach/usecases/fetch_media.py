"""Fetch the file that a message names by its address, and give Meta the files that are too large for a send batch.

What customers send is fetched from Meta: see `fetch_media_received`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from hkreach.domain.backoff import LONGEST_IN_QUEUE, MOST_RECEIVES, full_jitter
from hkreach.domain.media import (
    LARGE_BYTES,
    MAX_BYTES,
    MEDIA_DAYS,
    Media,
    MediaAddress,
    clean_filename,
    recognise,
    typed_filename,
)
from hkreach.domain.media_fetch import MediaFetchFailed, MediaUnsupported
from hkreach.domain.message import MEDIA, DueMessage, MessageError, OutboundMessage, Status
from hkreach.domain.meta_outcome import Accepted, Halted, NotSent, Refused, Uncertain, in_a_word
from hkreach.domain.number import UPLOAD
from hkreach.domain.progress import Progress
from hkreach.domain.time import MINUTE, SECOND
from hkreach.ports import Apps, Clock, Messages, SealedSecrets, SendQueue
from hkreach.ports.media import MediaFetcher, MediaSpool
from hkreach.usecases.fetch_media_received import FetchReceived
from hkreach.usecases.send_message_give_up import give_up
from hkreach.usecases.send_message_upload import UploadMedia

logger = Logger(service="hkreach", child=True)

_MOST_BYTES = max(MAX_BYTES.values())
_CLAIMED_BY_THEN = MINUTE
"""A fetched message that no sender has by then is woken: this process may have died before it queued it."""
_REMEMBERED = 2
"""Seconds in which a sender may still remember that Meta had no id for a file."""
_EXPIRED = MessageError(
    "expired", "Not sent in time", "Its file was not fetched, or not given to Meta, before its deadline.", True
)


@dataclass(frozen=True, slots=True)
class FetchWaits:
    """How long things may take, in seconds unless it is said otherwise."""

    fetch: int
    """A fetch, in milliseconds, all in all: with less left of its time an invocation begins none."""
    retry_base: float
    """The first wait after a failure; it doubles, with full jitter."""
    retry_longest: float
    give_up: int
    """From its acceptance on: an address that fails again after that time fails its message."""
    halted: int
    """Until an account that Meta refuses is tried again."""


@dataclass(frozen=True, slots=True)
class FetchMedia:
    """The step with everything it needs."""

    messages: Messages
    apps: Apps
    secrets: SealedSecrets
    fetcher: MediaFetcher
    spool: MediaSpool
    upload: UploadMedia
    queue: SendQueue
    now: Clock
    waits: FetchWaits
    received: FetchReceived
    """What a record is for that names no message to send."""

    def __call__(self, message_id: str, time_left: Callable[[], int], receives: int = 1) -> Progress:
        """Take the message to its lane.

        `time_left` tells the milliseconds that this invocation still has, `receives` how often the queue gave this
        record.
        """
        message = self.messages.get(message_id)
        if message is None:
            return self.received(message_id, time_left, receives)
        if message.is_settled or message.claim is not None:
            return "done"
        if message.deadline <= self.now():
            return give_up(self.messages, message, self.now(), _EXPIRED)
        if message.must_be_fetched and message.media_address:
            if time_left() < self.waits.fetch:
                return 1
            try:
                media = self._fetch(message, message.media_address)
            except MediaFetchFailed as failure:
                return self._failed(message, failure, receives)
            if not self.messages.record_fetched(message_id, media, self.now() + _CLAIMED_BY_THEN):
                return "done"  # another worker was quicker, or it is settled
            message = replace(message, media=media, waits_for=None)
        return self._to_its_lane(message, time_left, receives)

    def _fetch(self, message: OutboundMessage, address: MediaAddress) -> Media:
        """Raises MediaFetchFailed."""
        app = self.apps.get(message.app_name)
        media_days = app.media_days if app else MEDIA_DAYS[0]
        with (
            self.fetcher.fetch(address.url, _MOST_BYTES) as fetched,
            self.spool.spool(message.app_name, fetched.blocks, media_days) as file,
        ):
            try:
                mime_type = recognise(file)
            except ValueError as reason:
                raise MediaUnsupported(reason) from None
            logger.info("fetched a file", message_id=message.message_id, mime_type=mime_type, size=file.size)
            filename = _filename(address.filename, fetched.filename, mime_type)
            return Media(file.keep(mime_type, media_days), mime_type, file.size, filename)

    def _failed(self, message: OutboundMessage, failure: MediaFetchFailed, receives: int) -> Progress:
        # The code alone: the address may hold a signature.
        logger.warning("could not fetch a file", message_id=message.message_id, code=failure.code)
        tried_before = receives > 1 or message.waits_for is not None
        too_long = self.now() >= message.facts[Status.QUEUED] + self.waits.give_up * SECOND
        if failure.retryable and not (tried_before and too_long):
            return self._wait(message, self._next_wait(message, receives), failure.code, receives)
        title = "The file could not be fetched"
        return give_up(
            self.messages, message, self.now(), MessageError(failure.code, title, f"{failure}.", failure.retryable)
        )

    def _to_its_lane(self, message: OutboundMessage, time_left: Callable[[], int], receives: int) -> Progress:
        media, delays = message.media, dict[str, int]()
        if media is not None and media.size > LARGE_BYTES:
            waits = self._upload(message, media, time_left, receives)
            if waits is not None:
                return waits
            delays = {message.message_id: _REMEMBERED}
        due = DueMessage(message.message_id, message.app_name, self.now(), message.purpose)
        return "later" if self.queue.put([due], delays) else "done"

    def _upload(
        self, message: OutboundMessage, media: Media, time_left: Callable[[], int], receives: int
    ) -> Progress | None:
        """None: a sender can go on, as Meta has the file, or as there is no account: it finds that out anew."""
        app = self.apps.get(message.app_name)
        account = app.account_of(message.phone_number_id) if app else None
        if account is None:
            return None
        if time_left() < self.upload.lasts:
            return 1
        token = self.secrets.open(message.app_name, "access_token", account.access_token)
        match self.upload(media, account, token):
            case str() | Accepted():
                return None
            case int(seconds):
                return self._wait(message, seconds, UPLOAD, receives)
            case Refused(error):
                return give_up(self.messages, message, self.now(), error)
            case NotSent() | Halted() | Uncertain() as outcome:  # it may be repeated, whatever became of it
                logger.warning("upload did not succeed", message_id=message.message_id, outcome=in_a_word(outcome))
                return self._wait(message, self._after(outcome, message, receives), _code(outcome), receives)

    def _after(self, outcome: NotSent | Halted | Uncertain, message: OutboundMessage, receives: int) -> int:
        if isinstance(outcome, Halted):
            return self.waits.halted
        asked = outcome.seconds if isinstance(outcome, NotSent) else 0
        return max(asked, self._next_wait(message, receives))

    def _next_wait(self, message: OutboundMessage, receives: int) -> int:
        """Seconds. In the queue it doubles with each receive; in the table, with the time since it was accepted."""
        if message.waits_for is not None:
            waited = (self.now() - message.facts[Status.QUEUED]) / SECOND
            receives = int(waited / self.waits.retry_base).bit_length()
        return full_jitter(receives, self.waits.retry_base, self.waits.retry_longest)

    def _wait(self, message: OutboundMessage, seconds: int, code: str, receives: int) -> Progress:
        """Wait in the queue if it is short, else in the table, and never past the deadline."""
        at = min(self.now() + seconds * SECOND, message.deadline)
        seconds = max(1, -((self.now() - at) // SECOND))
        if seconds <= LONGEST_IN_QUEUE and receives < MOST_RECEIVES and message.status is Status.QUEUED:
            return seconds
        self.messages.wait(message, at, f"{MEDIA}:{code}")
        return "done"


def _filename(wanted: str | None, found: str | None, mime_type: str) -> str:
    return clean_filename(wanted, mime_type) if wanted else typed_filename(found, mime_type)


def _code(outcome: NotSent | Halted | Uncertain) -> str:
    return outcome.reason if isinstance(outcome, Uncertain) else outcome.code
