"""Which addresses of an integrator's server we ever call."""

import ipaddress
from urllib.parse import urlsplit

MAX_ADDRESS = 2_048


def is_local_target(url: str, local_targets: frozenset[str]) -> bool:
    """Whether the address is one that a developer opened on their own machine: `host:port` is in `local_targets`."""
    return urlsplit(url).netloc in local_targets


def check_webhook_address(url: str, local_targets: frozenset[str]) -> str:
    """The address as it came. Raises ValueError with the reason if it is never to be called.

    What its name resolves to is checked each time it is called: it can change.
    """
    if len(url) > MAX_ADDRESS or not url.isascii() or any(c.isspace() or not c.isprintable() for c in url):
        raise ValueError(f"must be an address of at most {MAX_ADDRESS:,} plain ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is not a valid address") from None
    if is_local_target(url, local_targets):
        return url
    if parts.scheme != "https" or port not in (None, 443):
        raise ValueError("must begin with https:// and use port 443")
    if not parts.hostname or "." not in parts.hostname or _is_ip_address(parts.hostname):
        raise ValueError("must have a public host name, not a number or a single word")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or a password")
    return url


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.rsplit(".", 1)[-1].isdigit()  # 127.1 and the like
    return True
