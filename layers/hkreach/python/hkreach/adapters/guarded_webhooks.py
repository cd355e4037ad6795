"""Integrators' servers, called the guarded way."""

from contextlib import suppress

from urllib3.exceptions import HTTPError

from hkreach.adapters.guarded_session import CONNECT_SECONDS, NOT_REACHED, GuardedSessions
from hkreach.adapters.requests_deadline import Deadline

_MOST_READ = 16_384


class GuardedWebhooks:
    """Implements the port `WebhookClient`: no redirects, no proxies, no retries of its own.

    `answer_seconds`: the total of one POST, from the lookup of the name on.
    """

    def __init__(self, local_targets: frozenset[str], answer_seconds: float) -> None:
        self._sessions = GuardedSessions(local_targets)
        self._answer_seconds = answer_seconds
        self._timeout = (CONNECT_SECONDS, answer_seconds)

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> str | None:
        """See the port."""
        try:
            session = self._sessions.session_for(url)
            with (
                Deadline(self._answer_seconds),
                session.post(
                    url, data=body, headers=headers, timeout=self._timeout, allow_redirects=False, stream=True
                ) as answer,
            ):
                # A short answer is read, so that the connection can be kept; the status has said it all.
                if (answer.raw.length_remaining or _MOST_READ) < _MOST_READ:
                    with suppress(HTTPError, OSError):
                        answer.raw.read(_MOST_READ)
                return None if 200 <= answer.status_code < 300 else f"HTTP {answer.status_code}"
        except NOT_REACHED:
            return "no answer"
