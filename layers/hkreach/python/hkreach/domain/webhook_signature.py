"""How a webhook is signed: `X-HKReach-Signature`, and beside it the three headers of Standard Webhooks 1.0.0.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from hkreach.domain.signature import sign
from hkreach.domain.time import SECOND

SIGNATURE = "X-HKReach-Signature"
_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_webhook_secret() -> str:
    """A random secret: `whsec_` and the base64 of 32 bytes."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def standard_key(secret: str) -> bytes | None:
    """The key of Standard Webhooks in a `whsec_` secret; None for a secret of another form."""
    encoded = secret.removeprefix(_PREFIX)
    if encoded == secret or not encoded:
        return None
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return None


def standard_signature(key: bytes, event_id: str, seconds: int, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 of `<id>.<seconds>.<body>`."""
    signed = f"{event_id}.{seconds}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def signature_headers(live_secrets: Sequence[str], event_id: str, at: int, body: bytes) -> dict[str, str]:
    """The headers that sign `body`, tried at `at` (milliseconds); `live_secrets`: the newest first, at most two.

    `X-HKReach-Signature` has room for one signature: the oldest live secret's, so that a receiver has the time of a
    rotation to learn the new one (docs/decisions/011-webhook-rotation.md). The standard's headers need a `whsec_`
    secret.
    """
    if not live_secrets:
        return {}
    headers = {SIGNATURE: sign(live_secrets[-1], body)}
    seconds = at // SECOND
    keys = [key for key in map(standard_key, live_secrets) if key]
    if keys:
        headers["webhook-id"] = event_id
        headers["webhook-timestamp"] = str(seconds)
        headers["webhook-signature"] = " ".join(standard_signature(key, event_id, seconds, body) for key in keys)
    return headers
