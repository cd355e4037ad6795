"""An app: one customer of this stack, with its keys, its WhatsApp number and its webhook."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hkreach.domain.media import MEDIA_DAYS
from hkreach.domain.time import SECOND

MAX_LIVE_KEYS = 2
"""Two, so that a key can be rotated without a gap."""

type Purpose = Literal["access_token", "webhook_secret"]
"""What a sealed secret is for; bound into its ciphertext, so that it opens nowhere else."""


type UnknownPolicy = Literal["park", "resend"]
"""What becomes of a message when nobody can tell whether Meta took it: nothing, or it is sent again after a while."""
RESEND_AFTER_SECONDS = 3_600
"""How long an unknown message waits for Meta's callback before it is sent again, unless the app says otherwise."""
MIN_RESEND_AFTER_SECONDS = 300


@dataclass(frozen=True, slots=True)
class MetaAccount:
    """Where an app's messages leave from. `access_token` is a ciphertext."""

    phone_number_id: str
    waba_id: str
    access_token: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where an app's events go. `secret` is a ciphertext; None: not signed."""

    url: str
    secret: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class App:
    """An app as it stands in the table; times in milliseconds."""

    app_name: str
    language_code: str
    created_at: int
    keys: Mapping[str, str] = field(default_factory=dict)
    """Live keys: key id → SHA-256 of the key in hex."""
    meta: MetaAccount | None = None
    webhook: Webhook | None = None
    unknown_policy: UnknownPolicy = "park"
    resend_after_seconds: int = RESEND_AFTER_SECONDS
    messages_per_second: float | None = None
    """How fast its number may send at most; None: what Meta grants it."""
    media_days: int = MEDIA_DAYS[-1]
    """How many days its files are kept."""
    version: int = 1
    """Grows with each change, so that two changes at once cannot hide one another."""

    def account_of(self, phone_number_id: str) -> MetaAccount | None:
        """The account of a number, if it still is the app's."""
        return self.meta if self.meta and self.meta.phone_number_id == phone_number_id else None

    def resends_at(self, now: int, deadline: int) -> int | None:
        """When a message that becomes unknown now is sent again; None: never, or not before its deadline."""
        at = now + self.resend_after_seconds * SECOND
        return at if self.unknown_policy == "resend" and at < deadline else None
