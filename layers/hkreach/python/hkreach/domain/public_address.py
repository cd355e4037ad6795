"""Which addresses of others' servers we ever call: an integrator's webhooks, and the files that a message names."""

import re
from urllib.parse import urlsplit

MAX_ADDRESS = 2_048
# Labels, then a last one that begins with a letter: no single word, and no number in whatever form (127.1, 0x7f.1).
_PUBLIC_HOST = re.compile(r"([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?\.?")
# RFC 6761, 6762 with appendix G, 7686, 8375, 9476, and ICANN's "internal": what they name is never on the internet.
_NEVER_PUBLIC = re.compile(
    r"\.(localhost|localdomain|local|internal|intranet|private|corp|home|lan|test|invalid|onion|alt|home\.arpa)\.?$"
)


def is_local_target(url: str, local_targets: frozenset[str]) -> bool:
    """Whether the address is one that a developer opened on their own machine: `host:port` is in `local_targets`."""
    return urlsplit(url).netloc in local_targets


def check_public_address(url: str, local_targets: frozenset[str]) -> str:
    """The address as it came. Raises ValueError with the reason if it is never to be called.

    What its name resolves to is checked each time it is called: it can change. Numbers are refused even if they are
    public: a certificate is for a name.
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
    host = parts.hostname or ""
    if not _PUBLIC_HOST.fullmatch(host) or _NEVER_PUBLIC.search(host):
        raise ValueError("must have a public host name, not a number, a single word or a name of an inner network")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or a password")
    return url
