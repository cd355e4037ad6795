"""What the use cases need from the outside. Adapters implement these; tests give fakes that pass the same contracts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hkreach.domain.app import App, Purpose
from hkreach.domain.event import Event
from hkreach.domain.inbound import InboundMessage
from hkreach.domain.media import Media
from hkreach.domain.message import Claim, DueMessage, MessageError, OutboundMessage, StatusCallback
from hkreach.domain.meta_media import MetaMedia
from hkreach.domain.meta_outcome import Outcome
from hkreach.domain.number import MetaState, NumberState
from hkreach.domain.pair_pace import PairPace
from hkreach.domain.webhook_answer import Answer
from hkreach.ports.media import SizedStream

type Clock = Callable[[], int]
"""Now, in milliseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Page[Message]:
    """Some of the messages looked for. `next` goes on behind them; None: that was all."""

    messages: Sequence[Message]
    next: str | None


class Messages(Protocol):
    """The messages table. Every write is conditional; expired items do not exist."""

    def get(self, message_id: str) -> OutboundMessage | None:
        """The outbound message, strongly consistent."""

    def add(self, message: OutboundMessage) -> OutboundMessage | None:
        """Write a new message. Returns None, or the message that has its id already, and then writes nothing.

        An expired message has its id until the table removes it.
        """

    def claim(self, message_id: str, now: int, until: int) -> Claim | None:
        """Take the right to call Meta; None if the message is settled, unknown, claimed, past its deadline or gone.

        What is due stays so: who has the claim may die, and its record be acknowledged by another.
        """

    def claim_again(self, message_id: str, now: int, until: int) -> Claim | None:
        """Take the right to call Meta once more for an unknown message.

        None unless nothing is known but `unknown`, there is leave to send it again, and its time has come.
        """

    def release(
        self, message_id: str, claim: Claim, now: int, code: str, due_at: int | None, next_try_at: int | None = None
    ) -> bool:
        """Write that a call did not send, and give its claim back; at `due_at` the table wakes the message.

        `next_try_at`: when it is tried, if not then. False: it is settled, or the claim is another's by now.
        """

    def postpone(
        self, message: OutboundMessage, now: int, code: str, due_at: int | None, next_try_at: int | None = None
    ) -> bool:
        """The same for a try that ended before a claim; False if the message was touched meanwhile."""

    def wait(self, message: OutboundMessage, until: int, why: str, due_at: int | None = None) -> bool:
        """Let a message wait, untried: `why` in a word. The same otherwise; without `due_at` it is woken then."""

    def due(self, now: int, at_once: int) -> Iterator[DueMessage]:
        """All messages whose wait is over, read as they are taken, up to `at_once` together.

        First the one-time codes, then the others; those longest due first, in each part of the index.
        """

    def wait_again(self, message: DueMessage, due_at: int) -> None:
        """Let a message that was put on its queue come due again, in case the queue loses it."""

    def record_fetched(self, message_id: str, media: Media, due_at: int) -> bool:
        """Write where a message's file was put, and let the message come due for a sender.

        False if it has a file already, is claimed, unknown or settled.
        """

    def record_accepted(self, message_id: str, claim: Claim, now: int, wamid: str) -> None:
        """Write that Meta took it, also when the claim ran out meanwhile; not if there was a later one."""

    def record_failed(self, message_id: str, now: int, error: MessageError, claim: Claim | None = None) -> bool:
        """Write that it failed, also when the claim ran out meanwhile; False if there was a later one.

        Without a claim: if nobody has one and it is not settled.
        """

    def record_unknown(self, message_id: str, claim: Claim, now: int, resend_at: int | None = None) -> bool:
        """Write that nobody knows whether it went, if the claim still holds and nothing more is known; else False.

        With `resend_at` the same write lets the message wait in the table until then, to be sent again by policy.
        """

    def leave_unknown(self, message: OutboundMessage) -> None:
        """Take back the leave to send an unknown message again; nothing happens if that changed meanwhile."""

    def record_status(self, callback: StatusCallback) -> str:
        """Write a fact that Meta told. Returns `recorded`, `repeated`, or `unknown`: no such message on that number."""


class UnsettledMessages(Protocol):
    """The messages table as the operator's calls need it: found by reading all of it, page by page.

    `after` is the `next` of the page before. Every write is conditional, and False if it was not to be done.
    """

    def unknown(self, app_name: str | None, after: str | None) -> Page[OutboundMessage]:
        """Messages of which nothing is known but `unknown`, and which nobody has claimed: an app's, or all apps'."""

    def forgotten(self, before: int, after: str | None) -> Page[OutboundMessage | InboundMessage]:
        """Messages that no queue may hold any more, and are not settled, or not complete.

        Those queued before then that nobody has claimed and that do not wait in the table, and those whose claim ran
        out before then; and those that came before then, still lack their file, and do not wait in the table.
        """

    def put_back(self, message_id: str, now: int) -> bool:
        """Make a message due that is queued and unclaimed, or lacks its file, and does not wait in the table."""

    def resend(self, message_id: str, app_name: str, now: int) -> bool:
        """Give leave to send an unknown message again, and make it due; not past its deadline."""

    def fail(self, message_id: str, app_name: str, now: int, error: MessageError) -> bool:
        """Write that an unknown message failed."""


class DeadLetters(Protocol):
    """One queue's dead letters."""

    def count(self) -> int:
        """How many there are; SQS only knows about."""

    def move(self) -> tuple[int, int]:
        """Take up to ten and put them back on their queue; how many were taken, and how many moved.

        A letter is deleted only after the queue has it: who dies between moves it twice, and never not at all.
        """


class Apps(Protocol):
    """The apps table."""

    def get(self, app_name: str) -> App | None:
        """The app, up to a minute old."""

    def get_fresh(self, app_name: str) -> App | None:
        """The app as it is now."""

    def name_of_number(self, phone_number_id: str) -> str | None:
        """The app that a Meta number belongs to, as it is now: a number that moved is no more the old app's."""

    def add(self, app: App) -> None:
        """Write a new app. Raises Conflict if its name or its number is taken."""

    def replace(self, before: App, after: App) -> None:
        """Change an app. Raises Conflict if it was changed meanwhile or its new number is taken."""


class Contended(Exception):
    """Others changed the same state again and again: try later."""


class Numbers(Protocol):
    """The numbers table: what concurrent senders share, by optimistic locking.

    `decide` gets the state and returns the one to write and whatever the caller wants to know; if that is the state it
    got, nothing is written. It is asked again with the newer state if somebody was quicker, so it must not have
    effects. All raise Contended if somebody was quicker too often.
    """

    def number[T](self, phone_number_id: str, decide: Callable[[NumberState], tuple[NumberState, T]]) -> T:
        """Look at, or change, a number's state."""

    def pair[T](self, phone_number_id: str, to: str, decide: Callable[[PairPace], tuple[PairPace, T]]) -> T:
        """The same for a number and one recipient."""

    def media[T](self, phone_number_id: str, content: str, decide: Callable[[MetaMedia], tuple[MetaMedia, T]]) -> T:
        """The same for a number and one file, by `Media.content`. What `decide` gets at first may be a second old."""

    def meta[T](self, decide: Callable[[MetaState], tuple[MetaState, T]]) -> T:
        """The same for Meta as a whole. What `decide` gets at first may be some seconds old."""


class SendQueue(Protocol):
    """The queues of messages on their way, one for each lane."""

    def put[Message: OutboundMessage | DueMessage](
        self, messages: Sequence[Message], delays: Mapping[str, int] | None = None
    ) -> Sequence[Message]:
        """Queue each on its lane; returns those that the queue did not take.

        `delays`: seconds by message id, to 900, until a sender gets it.
        """


class EventBus(Protocol):
    """The event bus."""

    def publish(self, events: Sequence[Event]) -> Sequence[Event]:
        """Publish them; returns those that the bus did not take."""


class SealedSecrets(Protocol):
    """Secrets of apps, sealed with a key that only those who need it can use."""

    def seal(self, app_name: str, purpose: Purpose, secret: str) -> bytes:
        """A ciphertext, bound to app and purpose."""

    def open(self, app_name: str, purpose: Purpose, ciphertext: bytes) -> str:
        """The secret in it; kept in memory for up to five minutes."""


class MetaAppSecrets(Protocol):
    """The secrets of this stack's Meta app."""

    def app_secrets(self) -> Sequence[str]:
        """The live ones, newest first; up to a minute old."""

    def verify_token(self) -> str | None:
        """What Meta must give in its handshake."""

    def rotate(self, app_secret: str, verify_token: str) -> None:
        """Set both; the app secret before stays live beside the new one."""


class Meta(Protocol):
    """Meta's Cloud API. It never raises for what Meta or the network to it does, and never tries twice."""

    def upload(
        self, phone_number_id: str, access_token: str, content: SizedStream, mime_type: str, filename: str
    ) -> Outcome:
        """Upload a file for one number. Uncertain is harmless here: an upload may be repeated.

        Raises what `content` raises, and EOFError if it is not as long as it says. Then Meta has nothing.
        """

    def send(self, phone_number_id: str, access_token: str, message: dict[str, object]) -> Outcome:
        """Send one message."""

    def throughput(self, phone_number_id: str, access_token: str) -> int | None:
        """Messages a second that Meta grants the number; None if it does not say."""


class WebhookClient(Protocol):
    """The guarded way to an integrator's server."""

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        """POST the bytes, once. It never raises for what the server or the network to it does."""
