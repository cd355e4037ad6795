"""A file's way to Meta: uploaded once for each number and content, however many senders have messages with it."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from hkreach.domain.app import MetaAccount
from hkreach.domain.media import Media
from hkreach.domain.message import MessageError, OutboundMessage
from hkreach.domain.meta_media import MetaMedia
from hkreach.domain.meta_outcome import Accepted, NotSent, Outcome, Refused
from hkreach.domain.time import SECOND
from hkreach.ports import Clock, Contended, Meta, Numbers
from hkreach.ports.media import MediaGone, MediaStore

logger = Logger(service="hkreach", child=True)

_SOON = (2, 5)
_GONE = MessageError(
    "media_gone",
    "The file is gone",
    "The file of this message is not kept any more: give it anew, by POST /api/external/media or in the request.",
)


@dataclass(frozen=True, slots=True)
class UploadMedia:
    """Whoever finds no id claims the upload. Who comes too late for that is told to come back, and never waits here."""

    numbers: Numbers
    media: MediaStore
    meta: Meta
    now: Clock
    lasts: int
    """Milliseconds that an upload may take, all in all: when they are over, somebody else may claim it."""

    def known(self, media: Media, account: MetaAccount) -> str | int | None:
        """The id that the number has for the file, seconds to wait for somebody else's upload, or neither."""

        def look(state: MetaMedia) -> tuple[MetaMedia, str | int | None]:
            return state, self._read(state, self.now())

        return self.numbers.media(account.phone_number_id, media.content, look)

    def __call__(self, media: Media, account: MetaAccount, token: str) -> str | int | Outcome:
        """The id that the number has for the file, or what became of the upload.

        Seconds: somebody else uploads it, come back then. Raises what keeps the file from being read.
        """
        now = self.now()
        until = now + self.lasts

        def claim(state: MetaMedia) -> tuple[MetaMedia, str | int | None]:
            found = self._read(state, now)
            return (state if found else state.claimed(until)), found

        try:
            found = self.numbers.media(account.phone_number_id, media.content, claim)
        except Contended:
            return _soon()
        return found or self._upload(media, account, token, until)

    def lost(
        self, message: OutboundMessage, account: MetaAccount, uploaded: str | Accepted, refused: Refused
    ) -> Outcome:
        """After Meta refused a message for its file: the id is forgotten.

        The message is not sent yet, once, if the id was an older upload's; else it is refused.
        """
        if message.media is None:
            return refused
        media_id = uploaded.meta_id if isinstance(uploaded, Accepted) else uploaded
        self._tell(message.media, account, lambda state: state.forgotten(media_id))
        again = isinstance(uploaded, str) and refused.error.code not in {attempt.code for attempt in message.attempts}
        return NotSent(refused.error.code) if again else refused

    def _upload(self, media: Media, account: MetaAccount, token: str, until: int) -> Outcome:
        number, media_id = account.phone_number_id, None
        try:
            with self.media.open(media.key) as content:
                outcome = self.meta.upload(number, token, content, media.mime_type, media.filename)
            media_id = outcome.meta_id if isinstance(outcome, Accepted) else None
        except MediaGone:
            self._give_up(media, account, until)
            return Refused(_GONE)
        except Exception:
            self._give_up(media, account, until)
            raise
        if media_id is None:
            self._give_up(media, account, until)
        else:
            self._tell(media, account, lambda state: state.uploaded(media_id, self.now()))
        return outcome

    def _give_up(self, media: Media, account: MetaAccount, until: int) -> None:
        self._tell(media, account, lambda state: state.given_up(until, self.now()))

    def _tell(self, media: Media, account: MetaAccount, change: Callable[[MetaMedia], MetaMedia]) -> None:
        """What fails here costs another upload, or a wait for the claim's end; so it does not stop the message."""
        try:
            self.numbers.media(account.phone_number_id, media.content, lambda state: (change(state), None))
        except Exception:
            logger.exception("could not tell the other senders of an upload")

    def _read(self, state: MetaMedia, now: int) -> str | int | None:
        if media_id := state.usable_id(now):
            return media_id
        return min(_soon(), -((now - state.claimed_until) // SECOND)) if state.is_claimed(now) else None


def _soon() -> int:
    return random.randint(*_SOON)  # noqa: S311 - spreads load, protects nothing
