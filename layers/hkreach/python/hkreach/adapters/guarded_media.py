"""Files at addresses that customers give, fetched the guarded way: streamed, bounded, never decoded."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urljoin

from requests import ReadTimeout, Response
from requests.utils import requote_uri
from urllib3.exceptions import HTTPError, ReadTimeoutError

from hkreach.adapters.guarded_session import CONNECT_SECONDS, NOT_REACHED, GuardedSessions
from hkreach.adapters.requests_deadline import Deadline
from hkreach.domain.media_fetch import (
    MediaAnswered,
    MediaEmpty,
    MediaEncoded,
    MediaIncomplete,
    MediaRedirected,
    MediaTooLarge,
    MediaTooSlow,
    MediaUnavailable,
    filename_of,
)
from hkreach.ports.media import FetchedMedia

MAX_REDIRECTS = 3
BLOCK = 262_144
_REDIRECTS = {301, 302, 303, 307, 308}
_HEADERS = {"User-Agent": "HK-Reach", "Accept-Encoding": "identity"}


class GuardedMedia:
    """Implements the port `MediaFetcher`. Each redirect is an address like the first, checked from scratch.

    `fetch_seconds`: the total from the first lookup to the last byte, whatever the reader does in between.
    """

    def __init__(self, local_targets: frozenset[str], fetch_seconds: float) -> None:
        self._sessions = GuardedSessions(local_targets)
        self._fetch_seconds = fetch_seconds

    @contextmanager
    def fetch(self, url: str, most_bytes: int) -> Iterator[FetchedMedia]:
        """See the port."""
        deadline = Deadline(self._fetch_seconds)
        url, answer = self._last_answer(url, deadline)
        with closing(answer):
            _check_head(answer, most_bytes)
            name = filename_of(answer.headers.get("Content-Disposition"), url)
            yield FetchedMedia(name, self._blocks(answer, most_bytes, deadline))

    def _last_answer(self, url: str, deadline: Deadline) -> tuple[str, Response]:
        for _ in range(1 + MAX_REDIRECTS):
            answer = self._get(url, deadline)
            location = answer.headers.get("Location")
            if answer.status_code not in _REDIRECTS or location is None:
                return url, answer
            answer.close()
            url = _joined(url, location)
        raise MediaRedirected(MAX_REDIRECTS)

    def _get(self, url: str, deadline: Deadline) -> Response:
        try:
            session = self._sessions.session_for(url)
            timeout = (CONNECT_SECONDS, self._fetch_seconds)
            with deadline:
                return session.get(url, headers=_HEADERS, timeout=timeout, allow_redirects=False, stream=True)
        except ReadTimeout as error:
            raise MediaTooSlow(self._fetch_seconds) from error
        except NOT_REACHED as error:
            raise MediaUnavailable from error

    def _blocks(self, answer: Response, most_bytes: int, deadline: Deadline) -> Iterator[bytes]:
        count = 0
        while block := self._block(answer, deadline):
            count += len(block)
            if count > most_bytes:
                raise MediaTooLarge(most_bytes)
            yield block
        if not count:
            raise MediaEmpty

    def _block(self, answer: Response, deadline: Deadline) -> bytes:
        try:
            with deadline:
                block: bytes = answer.raw.read(BLOCK, decode_content=False)
        except ReadTimeoutError as error:
            raise MediaTooSlow(self._fetch_seconds) from error
        except (HTTPError, OSError, ValueError) as error:
            raise MediaIncomplete from error
        return block


def _check_head(answer: Response, most_bytes: int) -> None:
    if answer.status_code != 200:
        raise MediaAnswered(answer.status_code)
    if (
        answer.headers.get("Content-Encoding", "").strip().lower() not in {"", "identity"}
        or answer.headers.get("Transfer-Encoding", "chunked").lower() != "chunked"
    ):
        raise MediaEncoded
    told_bytes = answer.raw.length_remaining or 0
    if told_bytes > most_bytes:
        raise MediaTooLarge(most_bytes, told_bytes)


def _joined(url: str, location: str) -> str:
    """Where a redirect leads. HTTP's reader took its bytes for Latin-1; what is not ASCII is UTF-8, to be quoted."""
    try:
        return urljoin(url, requote_uri(location.encode("latin-1").decode("utf-8")))
    except ValueError as error:
        raise MediaUnavailable from error
