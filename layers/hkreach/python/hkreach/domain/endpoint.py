"""A webhook endpoint: one address of an app's own, with the events that it takes and a secret that signs them."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, Self

from hkreach.domain.event import Event
from hkreach.domain.message import RANK
from hkreach.domain.time import HOUR

MAX_ENDPOINTS = 5
MAX_DESCRIPTION = 200
OPERATORS = "we_operator"
"""The id of the endpoint that the operator's `set_webhook` sets."""
OLD_SECRET_LIVES = 24 * HOUR
"""How long the secret before signs too, in milliseconds, unless the app wants it shorter."""

TEST_EVENT = "webhooks.test"
DEFAULT_EVENTS = frozenset({"messages.received", "messages.status", "leads.status", "webhooks.warning"})
EVENT_NAMES = DEFAULT_EVENTS | {"messages.status.queued", "messages.status.accepted", "messages.status.unknown"}
"""What an endpoint can ask for: `messages.status` is the four promised statuses, the others are asked for by name."""

type EndpointState = Literal["unverified", "active", "paused"]
"""What the app or the operator set. Only an active one gets events; the test event goes to any."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as it stands in its app's item; times in milliseconds, secrets as ciphertexts."""

    endpoint_id: str
    url: str
    events: frozenset[str]
    created_at: int
    secret: bytes | None = field(repr=False)
    """Every call that makes an endpoint makes one. None in an item that was stored without: nothing is signed then."""
    description: str = ""
    old_secret: bytes | None = field(default=None, repr=False)
    old_secret_until: int | None = None
    """Until then the secret before signs too; after it only the new one."""
    state: EndpointState = "active"

    def takes(self, event: Event) -> bool:
        """Whether it asked for the event. Whether it gets events at all is its state's matter."""
        name = event["event"]
        if name == "messages.status" and event["data"]["status"] not in _PROMISED:
            name = f"{name}.{event['data']['status']}"
        return name in self.events

    def rotated(self, secret: bytes, until: int, now: int) -> Self:
        """With a new secret; the one before signs too until then.

        A second rotation before the first is over replaces the secret that it made: receivers know the one before, and
        that lives on.
        """
        old = self.live_old_secret(now) or self.secret
        ends = old is None or until <= now
        return replace(self, secret=secret, old_secret=None if ends else old, old_secret_until=None if ends else until)

    def live_old_secret(self, now: int) -> bytes | None:
        """The secret before, while it signs too."""
        return self.old_secret if self.old_secret_until is not None and now < self.old_secret_until else None


def new_endpoint_id() -> str:
    """A random id: `we_` and 22 characters of base64url."""
    return f"we_{secrets.token_urlsafe(16)}"


def in_order(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """As they are shown: oldest first."""
    return sorted(endpoints, key=lambda endpoint: (endpoint.created_at, endpoint.endpoint_id))


_PROMISED = frozenset(status.value for status in RANK)
