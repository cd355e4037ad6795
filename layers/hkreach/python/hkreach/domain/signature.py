"""HMAC-SHA256 over exact bytes, for what we send and for what Meta sends us."""

import hashlib
import hmac
from collections.abc import Iterable


def sign(secret: str, body: bytes) -> str:
    """The hex HMAC-SHA256 of `body`; the key is the secret's text in UTF-8."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def meta_signature_is_valid(header: str, body: bytes, secrets: Iterable[str]) -> bool:
    """Whether `X-Hub-Signature-256` was made over these raw bytes with one of the live secrets of our Meta app."""
    scheme, _, given = header.partition("=")
    # No short cut between the secrets: the time taken says nothing of which one matched.
    matches = [hmac.compare_digest(sign(secret, body), given) for secret in secrets] if given.isascii() else []
    return scheme == "sha256" and any(matches)
