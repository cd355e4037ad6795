"""A file that a message names by its address: what it is called, and why it could not be fetched."""

import re
from typing import ClassVar
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from hkreach.domain.media import base_name

_PARAMETER = re.compile(r';\s*([!#$%&*+.^_`|~\w-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.ASCII)
_CHARSETS = {"utf-8": "utf-8", "iso-8859-1": "latin-1"}


class MediaFetchFailed(Exception):
    """Base of what can go wrong. `str()` says it in words that may be shown to the integrator.

    `code` goes into a failed message; `retryable` says whether the same address may do later.
    """

    code: ClassVar[str]
    retryable: bool = True


class MediaUnavailable(MediaFetchFailed):
    """No answer, or an address that we never call: always one and the same text."""

    code = "media_unavailable"

    def __init__(self) -> None:
        super().__init__("the address gave no answer: it must be reachable from the internet over https")


class MediaAnswered(MediaFetchFailed):
    """The server answered with another status than 200."""

    code = "media_status"

    def __init__(self, status: int) -> None:
        super().__init__(f"the address answered with HTTP {status} instead of the file")
        self.retryable = status in {408, 425, 429} or status >= 500


class MediaRedirected(MediaFetchFailed):
    """More redirects than we follow."""

    code = "media_redirects"
    retryable = False

    def __init__(self, most: int) -> None:
        super().__init__(f"the address redirects more than {most} times: give the last one")


class MediaEncoded(MediaFetchFailed):
    """The content came compressed, though we asked that it be not."""

    code = "media_encoding"
    retryable = False

    def __init__(self) -> None:
        super().__init__("the server compressed the file although it was asked for it as it is (Accept-Encoding)")


class MediaTooLarge(MediaFetchFailed):
    """More bytes than the caller takes, by Content-Length or by count."""

    code = "media_too_large"
    retryable = False

    def __init__(self, most_bytes: int, told_bytes: int | None = None) -> None:
        """`told_bytes`: by Content-Length; None: it is not known how many would have come."""
        found = f"{told_bytes:,} bytes" if told_bytes else "more bytes than that"
        super().__init__(f"at most {most_bytes:,} bytes are taken from an address, and it has {found}: make it smaller")


class MediaEmpty(MediaFetchFailed):
    """No byte at all."""

    code = "media_empty"
    retryable = False

    def __init__(self) -> None:
        super().__init__("the file is empty: at least one byte must come, so let the address answer with its content")


class MediaIncomplete(MediaFetchFailed):
    """The content broke off: fewer bytes than Content-Length, a chunk that does not end, a reset."""

    code = "media_incomplete"

    def __init__(self) -> None:
        super().__init__("the file broke off before its end: compare its Content-Length")


class MediaTooSlow(MediaFetchFailed):
    """The deadline passed after the server had taken the connection."""

    code = "media_too_slow"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the whole file did not come within {seconds:g} seconds")


class MediaUnsupported(MediaFetchFailed):
    """The file came, and WhatsApp does not take it as a header: `reason` as `domain.media.recognise` says it."""

    code = "media_unsupported"
    retryable = False

    def __init__(self, reason: ValueError) -> None:
        super().__init__(f"the file {reason}")


def filename_of(disposition: str | None, url: str) -> str | None:
    """The file's name as its server tells it (RFC 6266, Content-Disposition), else as the address ends.

    Without path parts and control characters; None if neither names anything.
    """
    names = (*_told(disposition or ""), unquote(urlsplit(url).path.rpartition("/")[2]))
    return next(filter(None, map(base_name, names)), None)


def _told(disposition: str) -> tuple[str, str]:
    """`filename*` and `filename`; the first of each counts."""
    parameters: dict[str, str] = {}
    for name, value in _PARAMETER.findall(disposition):
        parameters.setdefault(name.lower(), value.strip())
    return _extended(parameters.get("filename*", "")), _plain(parameters.get("filename", ""))


def _extended(value: str) -> str:
    """RFC 8187: `UTF-8'en'%e2%82%ac.pdf`. Empty if it is not that."""
    charset, _, rest = value.strip('"').partition("'")
    try:
        return unquote_to_bytes(rest.partition("'")[2]).decode(_CHARSETS[charset.lower()])
    except (KeyError, UnicodeError):
        return ""


def _plain(value: str) -> str:
    if value.startswith('"'):
        value = re.sub(r'\\(["\\])', r"\1", value[1:].removesuffix('"'))  # no other backslash: some send a Windows path
    try:
        return value.encode("latin-1").decode("utf-8")  # what HTTP's reader took for Latin-1 is UTF-8 in practice
    except UnicodeError:
        return value
