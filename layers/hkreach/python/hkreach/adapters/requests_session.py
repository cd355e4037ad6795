"""Sessions of `requests` that keep connections and read the root certificates once."""

import ssl
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import certifi
from requests import Session
from requests.adapters import HTTPAdapter

from hkreach.adapters.requests_deadline import with_deadlines

_POOL = 64  # as adapters/aws.py


class _SharedTls(HTTPAdapter):
    """One TLS context for all connections: making one parses some 120 certificates, 20 times the cost of a request."""

    def __init__(self) -> None:
        self._context = ssl.create_default_context(cafile=certifi.where())
        super().__init__(pool_connections=4, pool_maxsize=_POOL, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Give the context to each pool."""
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The context verifies; `requests` would load the certificates again for each connection."""


def session() -> Session:
    """A session without retries, proxies, cookies or netrc. Each call needs a `Deadline`."""
    made = Session()
    made.trust_env = False
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    made.mount("https://", _SharedTls())
    made.mount("http://", HTTPAdapter(pool_maxsize=_POOL, max_retries=0))
    return with_deadlines(made)
