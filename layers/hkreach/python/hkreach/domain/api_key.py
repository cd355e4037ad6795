"""API keys: `hkr_live_<id: 10>_<secret: 43><checksum: 6>`, all base62.

The checksum lets us (and secret scanners) refuse a mistyped key without a look-up; the id names the key in its app;
the secret carries 256 bits, so a plain SHA-256 of the whole key is a safe thing to store.
"""

import hashlib
import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_FORMAT = re.compile(r"hkr_live_([0-9A-Za-z]{10})_[0-9A-Za-z]{43}([0-9A-Za-z]{6})")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in its right form. `text` is the secret itself: it is shown once and never stored or logged."""

    key_id: str
    text: str

    def __repr__(self) -> str:
        return f"ApiKey(key_id={self.key_id!r})"

    @property
    def digest(self) -> str:
        """The SHA-256 of the key in hex: what is stored."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def matches(self, digest: str) -> bool:
        """Whether this is the key that `digest` was made of, compared in constant time."""
        return hmac.compare_digest(self.digest, digest)


def issue() -> ApiKey:
    """A new random key."""
    key_id, secret = _random(10), _random(43)
    unsigned = f"hkr_live_{key_id}_{secret}"
    return ApiKey(key_id, unsigned + _checksum(unsigned))


def parse(text: str) -> ApiKey | None:
    """The key in `text`, or None if it has not the form or its checksum is wrong."""
    match = _FORMAT.fullmatch(text)
    if match is None or _checksum(text[:-6]) != match[2]:
        return None
    return ApiKey(match[1], text)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = _ALPHABET[digit] + digits
    return digits
