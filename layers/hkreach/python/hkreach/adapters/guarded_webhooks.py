"""Integrators' servers, called the guarded way."""

import errno
from collections.abc import Iterator
from contextlib import suppress
from ssl import SSLCertVerificationError

from requests import ReadTimeout, Response
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_match_hostname import CertificateError

from hkreach.adapters import clock
from hkreach.adapters.guarded_session import CONNECT_SECONDS, NOT_REACHED, GuardedSessions
from hkreach.adapters.requests_deadline import Deadline
from hkreach.domain.webhook_answer import BAD_CERTIFICATE, MOST_KEPT, NO_ANSWER, NOT_IN_TIME, Answer, parse_retry_after
from hkreach.ports import Clock

_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ENETDOWN, errno.EADDRNOTAVAIL}
"""No descriptor, no memory, no port, no network: no server is the reason."""
_BODY_SECONDS = 1
"""For the body, after the status has said it all: who drips it must not hold a thread for the whole total."""


class GuardedWebhooks:
    """Implements the port `WebhookClient`: no redirects, no proxies, no retries of its own.

    `answer_seconds`: the total of one POST, from the lookup of the name on.
    """

    def __init__(self, local_targets: frozenset[str], answer_seconds: float, now: Clock = clock.now) -> None:
        self._sessions = GuardedSessions(local_targets)
        self._answer_seconds = answer_seconds
        self._timeout = (CONNECT_SECONDS, answer_seconds)
        self._now = now

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        """See the port."""
        try:
            session = self._sessions.session_for(url)
            asked = {"Accept-Encoding": "identity"} | headers  # what is kept of the body is to be read by people
            with (
                Deadline(self._answer_seconds) as deadline,
                session.post(
                    url, data=body, headers=asked, timeout=self._timeout, allow_redirects=False, stream=True
                ) as answer,
            ):
                wait = parse_retry_after(answer.headers.get("Retry-After"), self._now())
                return Answer(answer.status_code, wait, _first_bytes(answer, deadline))
        except NOT_REACHED as error:
            return Answer(None, ours=_is_ours(error), lack=_lack(error))


def _first_bytes(answer: Response, deadline: Deadline) -> bytes:
    """What comes of the body in time. One that ends is read to its end, so that the connection can be kept."""
    body = b""
    with suppress(HTTPError, OSError, ValueError), Deadline(min(_BODY_SECONDS, deadline.left())):
        while len(body) < MOST_KEPT:
            piece: bytes = answer.raw.read1(MOST_KEPT - len(body), decode_content=False)
            if not piece:
                break
            body += piece
    return body


def _is_ours(error: BaseException) -> bool:
    """Whether this machine is the reason."""
    return any(isinstance(each, OSError) and each.errno in _OURS for each in _causes(error))


def _lack(error: BaseException) -> str:
    """What there is instead of an answer. Both that are named come from servers that were connected to."""
    if any(isinstance(each, (SSLCertVerificationError, CertificateError)) for each in _causes(error)):
        return BAD_CERTIFICATE
    return NOT_IN_TIME if isinstance(error, ReadTimeout) else NO_ANSWER


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what is behind it: somewhere in what the libraries raise is the system's error."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        error = getattr(error, "reason", None) or inner or error.__cause__ or error.__context__
        error = error if isinstance(error, BaseException) else None
