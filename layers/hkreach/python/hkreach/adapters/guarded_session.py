"""The guarded way to others' servers: https to public addresses, pinned between the check and the connection.

The one exception is a developer's own machine: the `host:port` in `local_targets`, which only the local stack sets.
"""

from http.cookiejar import DefaultCookiePolicy
from ipaddress import IPv6Network

from AntiSSRF import AntiSSRFError, AntiSSRFPolicy, PolicyConfigOptions
from requests import RequestException, Response, Session
from urllib3.exceptions import HTTPError

from hkreach.adapters.requests_deadline import with_deadlines, with_lookups_in_time
from hkreach.domain.public_address import check_public_address, is_local_target

CONNECT_SECONDS = 3.05
NOT_REACHED = (ValueError, AntiSSRFError, RequestException, HTTPError, OSError)
"""What a guarded call raises. Tell blocked and unreachable in the same words: we are nobody's port scanner."""
# The library denies what is known to be special. Of IPv6 only 2000::/3 is given out at all (IANA), so nothing else is
# called: no IPv4-compatible ::127.0.0.1, no IPv4-translated ::ffff:0:127.0.0.1. It writes IPv4 as mapped.
_MISSED_BY_THE_LIBRARY = [
    *map(str, IPv6Network("::/3").address_exclude(IPv6Network("::ffff:0:0/96"))),
    "4000::/2",
    "8000::/1",
]


class GuardedSessions:
    """Two sessions of `requests`, without redirects, retries, proxies, netrc and cookies.

    Each call needs a `Deadline`, which holds for the lookup of the name too.
    """

    def __init__(self, local_targets: frozenset[str]) -> None:
        self._local_targets = local_targets
        self._public = _session(AntiSSRFPolicy(PolicyConfigOptions.EXTERNAL_ONLY_LATEST))
        loopback = AntiSSRFPolicy(PolicyConfigOptions.INTERNAL_ONLY)
        loopback.add_allowed_addresses(["127.0.0.0/8", "::1/128"])
        loopback.allow_plain_text_http = True
        self._loopback = _session(loopback)

    def session_for(self, url: str) -> Session:
        """The session that may call the address. Raises ValueError if none may."""
        check_public_address(url, self._local_targets)
        return self._loopback if is_local_target(url, self._local_targets) else self._public


def _session(policy: AntiSSRFPolicy) -> Session:
    if not policy.deny_all_unspecified_ips:
        policy.add_denied_addresses(_MISSED_BY_THE_LIBRARY)
    policy.add_xff_header = False
    session: Session = policy.get_antissrf_session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # one app's cookie is not for another's call
    # Even if it is told not to follow, `requests` would read and decode all of a redirect's body, to find the next one.
    session.get_redirect_target = _nowhere  # type: ignore[method-assign]
    return with_lookups_in_time(with_deadlines(session))


def _nowhere(resp: Response) -> str | None:
    return None
