"""Fetch the file of a customer's message from Meta; the message is told when its file is there, or was given up."""

from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from hkreach.domain.backoff import LONGEST_IN_QUEUE, MOST_RECEIVES, full_jitter
from hkreach.domain.inbound import InboundMessage, MetaFile
from hkreach.domain.inbound_content import message_in
from hkreach.domain.inbound_file import MAX_RECEIVED_BYTES, FileNotGiven, StoredFile, types_of
from hkreach.domain.message import MEDIA, MessageError
from hkreach.domain.progress import Progress
from hkreach.domain.time import DAY, SECOND
from hkreach.ports import Apps, Clock, SealedSecrets
from hkreach.ports.inbound import Inbound, MetaFiles
from hkreach.ports.media import MediaSpool

logger = Logger(service="hkreach", child=True)


@dataclass(frozen=True, slots=True)
class ReceivedWaits:
    """How long things may take, in seconds unless it is said otherwise."""

    fetch: int
    """A fetch, in milliseconds, all in all: with less left of its time an invocation begins none."""
    retry_base: float
    """The first wait after a failure; it doubles, with full jitter."""
    give_up: int
    """From the message's arrival on: a file that fails again after that time is given up."""


@dataclass(frozen=True, slots=True)
class FetchReceived:
    """The step for what comes in, with everything it needs."""

    inbound: Inbound
    apps: Apps
    secrets: SealedSecrets
    files: MetaFiles
    spool: MediaSpool
    now: Clock
    waits: ReceivedWaits

    def __call__(self, message_id: str, time_left: Callable[[], int], receives: int = 1) -> Progress:
        """Complete the message.

        `time_left` tells the milliseconds that this invocation still has, `receives` how often the queue gave this
        record.
        """
        message = self.inbound.get(message_id)
        if message is None or message.file is None or message.is_complete:
            return "done"
        if time_left() < self.waits.fetch:
            return 1
        try:
            stored = self._fetch(message, message.file)
        except FileNotGiven as failure:
            return self._failed(message, failure, receives)
        done = self.inbound.record_stored(message_id, stored, self.now())
        logger.info("fetched a customer's file", message_id=message_id, mime_type=stored.served_as, recorded=done)
        return "done"

    def _fetch(self, message: InboundMessage, file: MetaFile) -> StoredFile:
        """Raises FileNotGiven."""
        app = self.apps.get(message.app_name)
        account = app.account_of(message.phone_number_id) if app else None
        if app is None or account is None:
            raise FileNotGiven("no_account", "the number is not the app's any more", retryable=True)
        token = self.secrets.open(message.app_name, "access_token", account.access_token)
        most_bytes = MAX_RECEIVED_BYTES[message_in(message.content)["type"]]
        with (
            self.files.open(file.meta_id, message.phone_number_id, token, most_bytes) as blocks,
            self.spool.spool(message.app_name, blocks, app.media_days) as spooled,
        ):
            if file.sha256 not in {None, spooled.sha256}:
                raise FileNotGiven("media_incomplete", "what came is not the file that Meta announced", retryable=True)
            mime_type, served_as = types_of(spooled, file.mime_type)
            until = self.now() + app.media_days * DAY
            key = spooled.keep_received(message.media_id, served_as, app.media_days)
            return StoredFile(key, mime_type, served_as, spooled.size, spooled.sha256, until)

    def _failed(self, message: InboundMessage, failure: FileNotGiven, receives: int) -> Progress:
        logger.warning("could not fetch a customer's file", message_id=message.message_id, code=failure.code)
        until = message.recorded_at + self.waits.give_up * SECOND
        tried_before = receives > 1 or message.was_tried
        if failure.retryable and not (tried_before and self.now() >= until):
            return self._wait(message, failure.code, until, receives)
        error = MessageError(failure.code, "The file could not be fetched", f"{failure}.", retryable=False)
        self.inbound.record_not_given(message.message_id, error, self.now())
        return "done"

    def _wait(self, message: InboundMessage, code: str, until: int, receives: int) -> Progress:
        """In the queue if it is short, else in the table, and not past the time when it is given up."""
        tries = receives
        if message.was_tried:
            waited = (self.now() - message.recorded_at) / SECOND
            tries = int(waited / self.waits.retry_base).bit_length()
        longest = max(1, (until - self.now()) // SECOND)
        seconds = min(full_jitter(tries, self.waits.retry_base, longest), longest)
        if seconds <= LONGEST_IN_QUEUE and receives < MOST_RECEIVES:
            return seconds
        self.inbound.wait(message, self.now() + seconds * SECOND, f"{MEDIA}:{code}")
        return "done"
