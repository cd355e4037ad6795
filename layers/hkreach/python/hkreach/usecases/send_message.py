"""Send one message to Meta: never twice, and never without writing down what became of it."""

from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from hkreach.domain.app import App, MetaAccount
from hkreach.domain.message import Claim, MessageError, OutboundMessage
from hkreach.domain.meta_outcome import Accepted, NotSent, Outcome, Refused, Uncertain
from hkreach.domain.progress import Progress
from hkreach.domain.template import meta_message
from hkreach.domain.time import SECOND
from hkreach.ports import Apps, Clock, MediaStore, Messages, Meta, SealedSecrets

logger = Logger(service="hkreach", child=True)

_NO_ACCOUNT = MessageError(
    "no_meta_account",
    "The app has no WhatsApp number",
    "Its Meta account was changed or removed after this request.",
    True,
)
_TOKEN_IS_WRONG = frozenset({"0", "190"})


@dataclass(frozen=True, slots=True)
class SendMessage:
    """The step with everything it needs. `call_seconds` is the longest that one call to Meta may take."""

    messages: Messages
    apps: Apps
    secrets: SealedSecrets
    media: MediaStore
    meta: Meta
    now: Clock
    call_seconds: int

    def __call__(self, message_id: str, time_left: Callable[[], int]) -> Progress:
        """Take the message one step further. `time_left` tells the milliseconds that this invocation still has."""
        message = self.messages.get(message_id)
        if message is None or message.is_settled:
            return "done"
        if message.claim is not None:
            return self._someone_has_it(message, message.claim)
        account = _account(self.apps.get(message.app_name), message) or self._fresh_account(message)
        if account is None:
            self.messages.record_failed(message_id, self.now(), _NO_ACCOUNT)
            return "done"
        return self._send(message, account, time_left)

    def _send(self, message: OutboundMessage, account: MetaAccount, time_left: Callable[[], int]) -> Progress:
        token = self.secrets.open(message.app_name, "access_token", account.access_token)
        uploaded = self._upload(message, account, token) if message.media else Accepted("")
        if isinstance(uploaded, Refused) and not self._token_changed(uploaded, message, account):
            self.messages.record_failed(message.message_id, self.now(), uploaded.error)
            return "done"
        if not isinstance(uploaded, Accepted):
            logger.warning("upload did not succeed", message_id=message.message_id, outcome=_for_the_log(uploaded))
            return "later"
        # Longer than the call: connecting is not part of it, and this invocation should live to write the outcome.
        claim_lasts = (self.call_seconds + 5) * SECOND
        if time_left() < claim_lasts:
            return 1
        claim = self.messages.claim(message.message_id, self.now(), self.now() + claim_lasts)
        if claim is None:
            return 1  # Another worker was quicker; its claim or its outcome is there to be read next time.
        body = meta_message(message.to, message.message_id, message.template, message.media, uploaded.meta_id or None)
        return self._call(message, account, token, claim, body)

    def _call(
        self, message: OutboundMessage, account: MetaAccount, token: str, claim: Claim, body: dict[str, object]
    ) -> Progress:
        outcome = self.meta.send(account.phone_number_id, token, body)
        logger.info("called meta", message_id=message.message_id, claim=claim.number, outcome=_for_the_log(outcome))
        match outcome:
            case Accepted(wamid):
                self.messages.record_accepted(message.message_id, claim, self.now(), wamid)
            case Refused(error) if self._token_changed(outcome, message, account):
                self.messages.release(message.message_id, claim, self.now(), error.code)
                return 1
            case Refused(error):
                self.messages.record_failed(message.message_id, self.now(), error, claim)
            case Uncertain():
                self.messages.record_unknown(message.message_id, claim, self.now())
            case NotSent(code):
                self.messages.release(message.message_id, claim, self.now(), code)
                return "later"
        return "done"

    def _someone_has_it(self, message: OutboundMessage, claim: Claim) -> Progress:
        left = claim.until - self.now()
        if left > 0:
            return left // SECOND + 1
        # Whoever held the claim died between opening the socket and writing the outcome: it may have gone.
        self.messages.record_unknown(message.message_id, claim, self.now())
        logger.error("claim ran out without an outcome", message_id=message.message_id, claim=claim.number)
        return "done"

    def _fresh_account(self, message: OutboundMessage) -> MetaAccount | None:
        """What is remembered of an app may be a minute old: too old to fail a message for."""
        return _account(self.apps.get_fresh(message.app_name), message)

    def _token_changed(self, refused: Refused, message: OutboundMessage, account: MetaAccount) -> bool:
        """Whether Meta refused a token that the operator has replaced meanwhile."""
        if refused.error.code not in _TOKEN_IS_WRONG:
            return False
        fresh = self._fresh_account(message)
        return fresh is not None and fresh.access_token != account.access_token

    def _upload(self, message: OutboundMessage, account: MetaAccount, token: str) -> Outcome:
        assert message.media is not None
        content = self.media.get(message.media.key)
        return self.meta.upload(
            account.phone_number_id, token, content, message.media.mime_type, message.media.filename
        )


def _account(app: App | None, message: OutboundMessage) -> MetaAccount | None:
    """The account that the message was accepted for, if it still is the app's."""
    account = app.meta if app else None
    return account if account and account.phone_number_id == message.phone_number_id else None


def _for_the_log(outcome: Outcome) -> str:
    """What may be logged: Meta's ids and details can hold the customer's number or the message's text."""
    match outcome:
        case Accepted():
            return "accepted"
        case NotSent(code):
            return f"not sent: {code}"
        case Refused(error):
            return f"refused: {error.code}"
        case Uncertain(reason):
            return f"uncertain: {reason}"
