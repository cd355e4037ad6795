"""Secrets in memory; a sealed one opens only for its own app and purpose."""

from collections.abc import Sequence

from hkreach.domain.app import Purpose
from tests.fakes.faults import Faulty


class SealedElsewhere(Exception):
    """A ciphertext that was not sealed for this app and purpose."""


class FakeSealedSecrets(Faulty):
    """Implements the port `SealedSecrets`."""

    def seal(self, app_name: str, purpose: Purpose, secret: str) -> bytes:
        self._called("seal")
        return f"{app_name}|{purpose}|{secret[::-1]}".encode()

    def open(self, app_name: str, purpose: Purpose, ciphertext: bytes) -> str:
        self._called("open")
        sealed_for, _, secret = ciphertext.decode().rpartition("|")
        if sealed_for != f"{app_name}|{purpose}":
            raise SealedElsewhere
        return secret[::-1]


class FakeMetaApp(Faulty):
    """Implements the port `MetaAppSecrets`."""

    def __init__(self, *app_secrets: str, verify_token: str | None = None) -> None:
        super().__init__()
        self._app_secrets = list(app_secrets)
        self._verify_token = verify_token

    def app_secrets(self) -> Sequence[str]:
        self._called("app_secrets")
        return tuple(self._app_secrets)

    def verify_token(self) -> str | None:
        return self._verify_token

    def rotate(self, app_secret: str, verify_token: str) -> None:
        self._called("rotate")
        self._app_secrets = [app_secret, *(secret for secret in self._app_secrets if secret != app_secret)][:2]
        self._verify_token = verify_token
