"""The Meta app's secrets as SSM SecureStrings: `<prefix>/app-secrets` (newest first) and `<prefix>/verify-token`."""

import json
from collections.abc import Sequence
from typing import Any

from hkreach.adapters.remembered import Remembered

_CACHE_SECONDS = 60
_LIVE_SECRETS = 2


class SSMMetaApp:
    """Implements the port `MetaAppSecrets`. `key_id`, the KMS key, is needed only to rotate."""

    def __init__(self, client: Any, prefix: str, key_id: str = "") -> None:
        self._client = client
        self._app_secrets, self._verify_token = f"{prefix}/app-secrets", f"{prefix}/verify-token"
        self._key_id = key_id
        self._cache: Remembered[str, str | None] = Remembered(2, _CACHE_SECONDS)

    def app_secrets(self) -> Sequence[str]:
        """See the port."""
        secrets: Sequence[str] = json.loads(self._get(self._app_secrets) or "[]")
        return secrets

    def verify_token(self) -> str | None:
        """See the port."""
        return self._get(self._verify_token)

    def rotate(self, app_secret: str, verify_token: str) -> None:
        """See the port. Setting the same secret again keeps the list as it is."""
        self._cache.forget()
        secrets = [app_secret, *(secret for secret in self.app_secrets() if secret != app_secret)][:_LIVE_SECRETS]
        self._set(self._app_secrets, json.dumps(secrets))
        self._set(self._verify_token, verify_token)

    def _get(self, name: str) -> str | None:
        return self._cache.get_or_load(name, lambda: self._read(name))

    def _read(self, name: str) -> str | None:
        try:
            answer = self._client.get_parameter(Name=name, WithDecryption=True)
        except self._client.exceptions.ParameterNotFound:
            return None
        value: str = answer["Parameter"]["Value"]
        return value

    def _set(self, name: str, value: str) -> None:
        self._client.put_parameter(Name=name, Value=value, Type="SecureString", KeyId=self._key_id, Overwrite=True)
        self._cache.set(name, value)
