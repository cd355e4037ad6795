"""The webhooks that came, newest last, up to a limit."""

import hashlib
import hmac
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from standardwebhooks import Webhook, WebhookVerificationError

from local.typed_json import JsonObject

_SIGNATURE, _STANDARD_SIGNATURE = "X-HKReach-Signature", "webhook-signature"


@dataclass
class Delivery:
    """One webhook as it came."""

    app_name: str
    raw: bytes = field(repr=False)
    headers: Mapping[str, str]
    verified: bool | None
    """Whether the signatures are right; None where no secret of the app is known."""
    answered_status: int | None = None
    """None until it is answered."""
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    body: object = None

    def __post_init__(self) -> None:
        try:
            self.body = json.loads(self.raw)
        except ValueError:
            self.body = None

    @property
    def event_id(self) -> str | None:
        """The event's id, which stays the same when it is delivered again."""
        return _text(self.body, "id")

    @property
    def event(self) -> str | None:
        """The event's name, such as messages.status."""
        return _text(self.body, "event")

    @property
    def message_id(self) -> str | None:
        """The message that the event is about."""
        return _text(self._data, "messageId")

    @property
    def status(self) -> str | None:
        """The message's status, or the stage that a lead has moved to."""
        return _text(self._data, "to" if self.event == "leads.status" else "status")

    @property
    def _data(self) -> object:
        return self.body.get("data") if isinstance(self.body, dict) else None

    def as_json(self) -> JsonObject:
        """Return the delivery as the control API shows it."""
        return {
            "appName": self.app_name,
            "receivedAt": self.received_at.isoformat(),
            "eventId": self.event_id,
            "event": self.event,
            "messageId": self.message_id,
            "verified": self.verified,
            "answeredStatus": self.answered_status,
            "headers": dict(self.headers),
            "body": self.body,
            "raw": self.raw.decode("utf-8", "replace"),
        }


class Deliveries:
    """Keeps the latest webhooks."""

    def __init__(self, limit: int) -> None:
        self._kept: deque[Delivery] = deque(maxlen=limit)

    def add(self, delivery: Delivery) -> None:
        """Keep a webhook."""
        self._kept.append(delivery)

    def matching(
        self, *, app_name: str | None = None, message_id: str | None = None, event: str | None = None
    ) -> list[Delivery]:
        """Return the webhooks that equal every filter given, oldest first."""
        return [
            delivery
            for delivery in self._kept
            if app_name in (None, delivery.app_name)
            and message_id in (None, delivery.message_id)
            and event in (None, delivery.event)
        ]

    def clear(self) -> None:
        """Forget all webhooks."""
        self._kept.clear()


def is_signed(raw: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """Whether exactly these bytes were signed with the secret: our way, and the standard's where its headers are there.

    The standard's are checked by its own library, which we did not write.
    """
    expected = hmac.new(secret.encode("utf-8"), raw, hashlib.sha256).hexdigest()
    signature = headers.get(_SIGNATURE, "")
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogateescape")):
        return False
    if _STANDARD_SIGNATURE not in headers:
        return True
    try:
        Webhook(secret).verify(raw, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True


def _text(value: object, key: str) -> str | None:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None
