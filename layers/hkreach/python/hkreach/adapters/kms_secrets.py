"""Apps' secrets as KMS ciphertexts, bound to app and purpose by the encryption context."""

from typing import Any

from hkreach.adapters.remembered import Remembered
from hkreach.domain.app import Purpose

_MOST_CACHED = 1_000
_CACHE_SECONDS = 300


class KMSSecrets:
    """Implements the port `SealedSecrets`. `key_id` is needed only to seal."""

    def __init__(self, client: Any, key_id: str = "") -> None:
        self._client = client
        self._key_id = key_id
        self._opened: Remembered[tuple[str, Purpose, bytes], str] = Remembered(_MOST_CACHED, _CACHE_SECONDS)

    def seal(self, app_name: str, purpose: Purpose, secret: str) -> bytes:
        """See the port."""
        answer = self._client.encrypt(
            KeyId=self._key_id, Plaintext=secret.encode(), EncryptionContext=_context(app_name, purpose)
        )
        ciphertext: bytes = answer["CiphertextBlob"]
        return ciphertext

    def open(self, app_name: str, purpose: Purpose, ciphertext: bytes) -> str:
        """See the port. App and purpose are part of the cache's key: a ciphertext put in another's place stays shut."""

        def decrypt() -> str:
            answer = self._client.decrypt(CiphertextBlob=ciphertext, EncryptionContext=_context(app_name, purpose))
            secret: str = answer["Plaintext"].decode()
            return secret

        return self._opened.get_or_load((app_name, purpose, ciphertext), decrypt)


def _context(app_name: str, purpose: Purpose) -> dict[str, str]:
    return {"app": app_name, "purpose": purpose}
