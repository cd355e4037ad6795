"""The guarded way to integrators' servers: https to public addresses, pinned between the check and the connection.

The one exception is a developer's own machine: the `host:port` in `local_targets`, which only the local stack sets.
"""

from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy

from AntiSSRF import AntiSSRFError, AntiSSRFPolicy, PolicyConfigOptions
from requests import RequestException, Session
from urllib3.exceptions import HTTPError

from hkreach.adapters.requests_deadline import Deadline, with_deadlines
from hkreach.domain.webhook_address import check_webhook_address, is_local_target

_MOST_READ = 16_384
_CONNECT_SECONDS = 3.05
_MISSED_BY_THE_LIBRARY = ["::/96"]  # IPv4-compatible IPv6, such as ::127.0.0.1


class GuardedWebhooks:
    """Implements the port `WebhookClient`: no redirects, no proxies, no retries of its own.

    `answer_seconds`: the total of one POST, but for the lookup of the name: that is the library's, and the resolver's.
    """

    def __init__(self, local_targets: frozenset[str], answer_seconds: float) -> None:
        self._local_targets = local_targets
        self._answer_seconds = answer_seconds
        self._timeout = (_CONNECT_SECONDS, answer_seconds)
        self._public = _session(AntiSSRFPolicy(PolicyConfigOptions.EXTERNAL_ONLY_LATEST))
        loopback = AntiSSRFPolicy(PolicyConfigOptions.INTERNAL_ONLY)
        loopback.add_allowed_addresses(["127.0.0.0/8", "::1/128"])
        loopback.allow_plain_text_http = True
        self._loopback = _session(loopback)

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> str | None:
        """See the port. Blocked and unreachable are told in the same words: we are nobody's port scanner."""
        try:
            check_webhook_address(url, self._local_targets)
            session = self._loopback if is_local_target(url, self._local_targets) else self._public
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
        except (ValueError, AntiSSRFError, RequestException, OSError):
            return "no answer"


def _session(policy: AntiSSRFPolicy) -> Session:
    if not policy.deny_all_unspecified_ips:
        policy.add_denied_addresses(_MISSED_BY_THE_LIBRARY)
    policy.add_xff_header = False
    session: Session = policy.get_antissrf_session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # one app's cookie is not for another's call
    return with_deadlines(session)
