"""Send one message to Meta: never twice, and never without writing down what became of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from aws_lambda_powertools import Logger

from hkreach.domain.app import App, MetaAccount
from hkreach.domain.backoff import LONGEST_IN_QUEUE, MISSED_AFTER, MOST_RECEIVES, full_jitter
from hkreach.domain.message import Claim, MessageError, OutboundMessage, Status
from hkreach.domain.meta_outcome import Accepted, Halted, NotSent, Outcome, Refused, Uncertain, in_a_word
from hkreach.domain.number import NUMBER_RATE, UPLOAD, Later
from hkreach.domain.progress import Progress
from hkreach.domain.template import meta_message
from hkreach.domain.time import SECOND
from hkreach.ports import Apps, Clock, Messages, Meta, SealedSecrets, SendQueue
from hkreach.usecases.send_message_admission import Admission
from hkreach.usecases.send_message_give_up import give_up, park, tell_parked
from hkreach.usecases.send_message_upload import UploadMedia

logger = Logger(service="hkreach", child=True)

_NO_ACCOUNT = MessageError(
    "no_meta_account",
    "The app has no WhatsApp number",
    "Its Meta account was changed or removed after this request.",
    True,
)
_EXPIRED = MessageError(
    "expired", "Not sent in time", "WhatsApp could not be reached before the message's deadline.", True
)


@dataclass(frozen=True, slots=True)
class Waits:
    """How long things may take, in seconds unless it is said otherwise."""

    claim: int
    """A claim, in milliseconds: longer than a call, so that this invocation lives to write the outcome."""
    retry_base: float
    """The first wait after a try that did not send; it doubles, with full jitter."""
    retry_longest: float
    halted: int
    """Until an account that Meta refuses is tried again."""


@dataclass(frozen=True, slots=True)
class _Record:
    """What the caller of `SendMessage` tells of a record."""

    time_left: Callable[[], int]
    receives: int
    batch: int


@dataclass(frozen=True, slots=True)
class SendMessage:
    """The step with everything it needs."""

    messages: Messages
    apps: Apps
    secrets: SealedSecrets
    upload: UploadMedia
    meta: Meta
    now: Clock
    waits: Waits
    admission: Admission
    pause: Callable[[float], None] = time.sleep
    """Waits for some seconds."""
    queue: SendQueue = field(kw_only=True)

    def __call__(self, message_id: str, time_left: Callable[[], int], receives: int = 1, batch: int = 1) -> Progress:
        """Take the message one step further.

        `time_left` tells the milliseconds that this invocation still has, `receives` how often the queue gave this
        record, `batch` how many of its app came with it.
        """
        message = self.messages.get(message_id)
        if message is None or message.is_settled:
            return "done"
        if message.claim is not None:
            return self._someone_has_it(message, message.claim)
        if message.status is Status.UNKNOWN and not self._has_leave(message):
            return "done"
        if message.deadline <= self.now():
            return give_up(self.messages, message, self.now(), _EXPIRED)
        # What is remembered of an app may be a minute old: too old to fail a message for.
        app = self.apps.get(message.app_name)
        account = app.account_of(message.phone_number_id) if app else None
        if account is None:
            app = self.apps.get_fresh(message.app_name)
            account = app.account_of(message.phone_number_id) if app else None
        if app is None or account is None:
            return give_up(self.messages, message, self.now(), _NO_ACCOUNT)
        if message.resend and message.resend.by == "policy" and app.unknown_policy == "park":
            return park(self.messages, message)  # the policy was changed while it waited
        return self._ask(message, app, account, _Record(time_left, receives, batch))

    def _ask(self, message: OutboundMessage, app: App, account: MetaAccount, record: _Record) -> Progress:
        if record.time_left() < self.waits.claim:
            return 1  # before it asks: it might be told to go as the one probe
        # Looked at first, so that what waits for somebody else's upload takes nobody's time.
        known = self.upload.known(message.media, account) if message.media else ""
        if isinstance(known, int):
            return self._come_back(message, Later(self.now() + known * SECOND, UPLOAD), record.receives)
        if message.lane == "media" and not known:  # its file is to be fetched, or to be uploaded, by who has the time
            return "later" if self.queue.put([message]) else "done"
        needs = self.upload.lasts if known is None else self.waits.claim
        if record.time_left() < needs:
            return 1
        turn = self.admission.ask(message, app, account, record.receives, record.batch)
        if isinstance(turn, Later):
            return self._come_back(message, turn, record.receives)
        pause = max(0, turn.times[0] - self.now())
        if record.time_left() < pause + needs:
            return 1
        if pause:
            self.pause(pause / SECOND)
            if message.deadline <= self.now():
                return give_up(self.messages, message, self.now(), _EXPIRED)
        progress = self._send(message, app, account, record, known)
        if turn.asks and record.time_left() >= self.waits.claim:
            self._learn_throughput(app, account)
        return progress

    def _has_leave(self, message: OutboundMessage) -> bool:
        """Whether an unknown message may be sent again now: the claim asks the table the same once more."""
        return message.resend is not None and message.resend.at <= self.now()

    def _come_back(self, message: OutboundMessage, turn: Later, receives: int) -> Progress:
        """Wait untried: in the queue if it is short, else in the table, and never past the deadline."""
        at = min(turn.at, message.deadline)
        seconds = max(1, -((self.now() - at) // SECOND))
        in_queue = self._waits_in_queue(message, seconds) and receives < MOST_RECEIVES
        if in_queue and turn.why in {NUMBER_RATE, UPLOAD}:  # without a write: most messages of a campaign do
            return seconds
        written = self.messages.wait(message, at, turn.why, at + MISSED_AFTER if in_queue else at)
        return _after_write(seconds if in_queue else "done", written)

    def _waits_in_queue(self, message: OutboundMessage, seconds: int) -> bool:
        """What is sent again waits in the table only: no lost queue record may end that without a word."""
        return seconds <= LONGEST_IN_QUEUE and message.status is not Status.UNKNOWN

    def _learn_throughput(self, app: App, account: MetaAccount) -> None:
        token = self.secrets.open(app.app_name, "access_token", account.access_token)
        granted = self.meta.throughput(account.phone_number_id, token)
        if granted is not None:
            self.admission.granted(account, granted)

    def _send(
        self, message: OutboundMessage, app: App, account: MetaAccount, record: _Record, media_id: str | None
    ) -> Progress:
        """`media_id`: of its file, empty if it has none; None: the file is to be uploaded."""
        token = self.secrets.open(message.app_name, "access_token", account.access_token)
        uploaded = self.upload(message.media, account, token) if media_id is None and message.media else media_id or ""
        match uploaded:
            case str() | Accepted():
                return self._call(message, app, account, token, record.time_left, uploaded)
            case int():
                return self._come_back(message, Later(self.now() + uploaded * SECOND, UPLOAD), record.receives)
            case Refused(error):
                return give_up(self.messages, message, self.now(), error)
            case NotSent() | Halted() | Uncertain():  # an upload may be repeated, whatever became of it
                logger.warning("upload did not succeed", message_id=message.message_id, outcome=in_a_word(uploaded))
                not_before = self.admission.tell(message, app, account, uploaded)
                return self._wait(message, uploaded, not_before, partial(self.messages.postpone, message))

    def _call(
        self,
        message: OutboundMessage,
        app: App,
        account: MetaAccount,
        token: str,
        time_left: Callable[[], int],
        uploaded: str | Accepted,
    ) -> Progress:
        if time_left() < self.waits.claim:
            return 1
        if message.deadline <= self.now():  # an upload may take half a minute
            return give_up(self.messages, message, self.now(), _EXPIRED)
        take = self.messages.claim_again if message.status is Status.UNKNOWN else self.messages.claim
        claim = take(message.message_id, self.now(), self.now() + self.waits.claim)
        if claim is None:
            return 1  # Another worker was quicker; its claim or its outcome is there to be read next time.
        media_id = uploaded.meta_id if isinstance(uploaded, Accepted) else uploaded
        body = meta_message(message.to, message.message_id, message.template, message.media, media_id or None)
        outcome = self.meta.send(account.phone_number_id, token, body)
        if isinstance(outcome, Refused) and outcome.lost_media:
            outcome = self.upload.lost(message, account, uploaded, outcome)
        return self._record(message, app, account, claim, outcome)

    def _record(
        self, message: OutboundMessage, app: App, account: MetaAccount, claim: Claim, outcome: Outcome
    ) -> Progress:
        logger.info(
            "called meta",
            message_id=message.message_id,
            app_name=message.app_name,
            claim=claim.number,
            outcome=in_a_word(outcome),
        )
        match outcome:
            case Accepted(wamid):
                self.messages.record_accepted(message.message_id, claim, self.now(), wamid)
            case Refused(error):
                self.messages.record_failed(message.message_id, self.now(), error, claim)
            case Uncertain():
                self._record_unknown(message, app, claim)
            case NotSent() | Halted():
                not_before = self.admission.tell(message, app, account, outcome)
                give_back = partial(self.messages.release, message.message_id, claim)
                return self._wait(message, outcome, not_before, give_back)
        self.admission.tell(message, app, account, outcome)  # after the message's own write: it can wait
        return "done"

    def _wait(
        self,
        message: OutboundMessage,
        outcome: NotSent | Halted | Uncertain,
        not_before: int | None,
        write: Callable[[int, str, int, int], bool],
    ) -> Progress:
        """The same after a try. The table knows of both: another worker may have acknowledged the queue's record."""
        now, code = self.now(), outcome.reason if isinstance(outcome, Uncertain) else outcome.code
        if isinstance(outcome, Halted):
            seconds = self.waits.halted
        else:
            seconds = full_jitter(message.tries + 1, self.waits.retry_base, self.waits.retry_longest)
        due_at = min(max(now + seconds * SECOND, not_before or 0), message.deadline)
        in_queue = self._waits_in_queue(message, (due_at - now) // SECOND)
        written = write(now, code, due_at + MISSED_AFTER if in_queue else due_at, due_at)
        if isinstance(outcome, Halted):
            self.apps.get_fresh(message.app_name)  # an operator may have mended it already
        return _after_write(max(1, (due_at - now) // SECOND) if in_queue else "done", written)

    def _someone_has_it(self, message: OutboundMessage, claim: Claim) -> Progress:
        left = claim.until - self.now()
        if left > 0:
            return left // SECOND + 1
        # Whoever held the claim died between opening the socket and writing the outcome: it may have gone.
        self._record_unknown(message, self.apps.get(message.app_name), claim)
        logger.error("claim ran out without an outcome", message_id=message.message_id, claim=claim.number)
        return "done"

    def _record_unknown(self, message: OutboundMessage, app: App | None, claim: Claim) -> None:
        resend_at = app.resends_at(self.now(), message.deadline) if app else None
        if self.messages.record_unknown(message.message_id, claim, self.now(), resend_at) and resend_at is None:
            tell_parked(message)


def _after_write(progress: Progress, written: bool) -> Progress:
    """If another worker has it, the record stays: it may be the one that finds it if that worker dies."""
    return progress if written else 1
