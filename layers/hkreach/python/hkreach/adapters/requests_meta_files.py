"""Customers' files, from Meta: its address is asked for with the app's token, and then fetched with it."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

from requests import RequestException, Response, Session
from urllib3.exceptions import HTTPError

from hkreach.adapters.requests_deadline import Deadline
from hkreach.adapters.requests_meta import CONNECT_SECONDS
from hkreach.domain.inbound_file import FileNotGiven
from hkreach.domain.meta_outcome import Halted, NotSent, Outcome, Refused, read_answer

BLOCK = 262_144
_HOSTS = (".fbsbx.com", ".fbcdn.net", ".whatsapp.net", ".facebook.com")
"""Meta's. The token goes to them alone."""
_MOST_READ = 100_000
_HEADERS = {"User-Agent": "HK-Reach", "Accept-Encoding": "identity"}


class RequestsMetaFiles:
    """Implements the port `MetaFiles`. `fetch_seconds` is the total of both calls.

    Besides Meta's own hosts the Graph API's address itself may have the file: on a developer's machine it is the
    simulated Meta's.
    """

    def __init__(self, session: Session, graph_url: str, graph_version: str, fetch_seconds: float) -> None:
        self._session = session
        self._graph_url = graph_url.rstrip("/")
        self._version = graph_version
        self._fetch_seconds = fetch_seconds

    @contextmanager
    def open(self, meta_id: str, phone_number_id: str, access_token: str, most_bytes: int) -> Iterator[Iterator[bytes]]:
        """See the port."""
        deadline = Deadline(self._fetch_seconds)
        headers = _HEADERS | {"Authorization": f"Bearer {access_token}"}
        node = f"{self._graph_url}/{self._version}/{meta_id}?phone_number_id={phone_number_id}"
        with closing(self._get(self._address(node, headers, deadline), headers, deadline)) as answer:
            _check_head(answer, most_bytes)
            yield self._blocks(answer, most_bytes, deadline)

    def _address(self, node: str, headers: dict[str, str], deadline: Deadline) -> str:
        with closing(self._get(node, headers, deadline)) as answer:
            content = self._read(answer, _MOST_READ, deadline)
            url = _url_in(content) if answer.status_code == 200 else None
            if url is None:
                raise _refusal(read_answer(answer.status_code, content, answer.headers))
        if not self._is_metas(url):
            raise FileNotGiven("media_address", "Meta named an address that is none of its own", retryable=True)
        return url

    def _is_metas(self, url: str) -> bool:
        parts, own = urlsplit(url), urlsplit(self._graph_url)
        if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
            return True
        host = parts.netloc.lower()
        return parts.scheme == "https" and host == parts.hostname and f".{host}".endswith(_HOSTS)

    def _get(self, url: str, headers: dict[str, str], deadline: Deadline) -> Response:
        timeout = (CONNECT_SECONDS, self._fetch_seconds)
        try:
            with deadline:
                return self._session.get(url, headers=headers, timeout=timeout, allow_redirects=False, stream=True)
        except (RequestException, OSError, ValueError) as error:
            raise _silence() from error

    def _blocks(self, answer: Response, most_bytes: int, deadline: Deadline) -> Iterator[bytes]:
        count = 0
        while block := self._read(answer, BLOCK, deadline):
            count += len(block)
            if count > most_bytes:
                raise _too_large(most_bytes)
            yield block
        if not count:
            raise FileNotGiven("media_empty", "Meta's file is empty", retryable=True)

    def _read(self, answer: Response, size: int, deadline: Deadline) -> bytes:
        try:
            with deadline:
                block: bytes = answer.raw.read(size, decode_content=False)
        except (HTTPError, OSError, ValueError) as error:
            raise _silence() from error
        return block


def _check_head(answer: Response, most_bytes: int) -> None:
    """Meta's addresses live for five minutes: whatever is wrong with one, the next may do."""
    if answer.status_code != 200:
        words = f"Meta's address answered with HTTP {answer.status_code} instead of the file"
        raise FileNotGiven("media_status", words, retryable=True)
    if (
        answer.headers.get("Content-Encoding", "").strip().lower() not in {"", "identity"}
        or answer.headers.get("Transfer-Encoding", "chunked").lower() != "chunked"
    ):
        raise FileNotGiven("media_encoding", "Meta compressed the file", retryable=True)
    if (answer.raw.length_remaining or 0) > most_bytes:
        raise _too_large(most_bytes)


def _url_in(content: bytes) -> str | None:
    try:
        url = json.loads(content)["url"]
        urlsplit(url)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None
    return url if isinstance(url, str) else None


def _refusal(outcome: Outcome) -> FileNotGiven:
    match outcome:
        case Refused(error):
            return FileNotGiven("media_gone", f"Meta does not give the file: {error.title}", retryable=False)
        case NotSent(code) | Halted(code):
            return FileNotGiven(f"meta_{code}", "Meta does not give the file now", retryable=True)
    return _silence()


def _silence() -> FileNotGiven:
    return FileNotGiven("media_unavailable", "Meta did not give the file in time", retryable=True)


def _too_large(most_bytes: int) -> FileNotGiven:
    words = f"the file has more than the {most_bytes:,} bytes that are taken of its kind"
    return FileNotGiven("media_too_large", words, retryable=False)
