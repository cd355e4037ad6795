"""The address that Meta calls: its handshake, and the bytes of its callbacks."""

import base64
import hmac
from collections.abc import Mapping
from typing import Any


def challenge_of(query: Mapping[str, str], token: str | None) -> str | None:
    """The challenge to be given back; None if it is no handshake with this stack's verify token."""
    given = query.get("hub.verify_token", "")
    if query.get("hub.mode") != "subscribe" or not token or not hmac.compare_digest(given.encode(), token.encode()):
        return None
    return query.get("hub.challenge", "")


def raw_body(event: Mapping[str, Any]) -> bytes:
    """The very bytes that Meta signed, of a function URL's event."""
    body: str = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
