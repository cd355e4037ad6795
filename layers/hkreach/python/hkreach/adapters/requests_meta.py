"""Meta's Cloud API over `requests`: one call, no retries, an outcome for whatever happens."""

import json
import ssl
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from requests import Session
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ConnectTimeout, InvalidSchema, InvalidURL, MissingSchema
from requests_toolbelt import MultipartEncoder
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError
from urllib3.exceptions import SSLError as TlsError

from hkreach.domain.meta_outcome import NO_CONNECTION, NotSent, Outcome, Uncertain, read_answer

CONNECT_SECONDS = 3.05
_MOST_READ = 1_000_000
_LONGEST_IDLE_SECONDS = 20


class RequestsMeta:
    """Implements the port `Meta`. `read_seconds`: how long Meta may be silent before the call counts as lost."""

    def __init__(
        self,
        session: Session,
        graph_url: str,
        graph_version: str,
        read_seconds: float,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._session = session
        self._base = f"{graph_url.rstrip('/')}/{graph_version}"
        self._timeout = (CONNECT_SECONDS, read_seconds)
        self._wall_clock = wall_clock  # it goes on while Lambda has frozen us
        self._used_at = 0.0
        self._lock = Lock()

    def upload(self, phone_number_id: str, access_token: str, content: bytes, mime_type: str, filename: str) -> Outcome:
        """See the port."""
        form = MultipartEncoder(
            {"messaging_product": "whatsapp", "type": mime_type, "file": (filename, content, mime_type)}
        )
        return self._post(f"{phone_number_id}/media", access_token, form, form.content_type)

    def send(self, phone_number_id: str, access_token: str, message: Mapping[str, object]) -> Outcome:
        """See the port."""
        return self._post(f"{phone_number_id}/messages", access_token, json.dumps(message).encode(), "application/json")

    def _post(self, path: str, access_token: str, body: Any, content_type: str) -> Outcome:
        headers = {"Authorization": f"Bearer {access_token}", "Content-Type": content_type}
        self._drop_idle_connections()
        try:
            with self._session.post(
                f"{self._base}/{path}",
                data=body,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as answer:
                return read_answer(answer.status_code, answer.raw.read(_MOST_READ, decode_content=True))
        except Exception as error:  # noqa: BLE001 - whatever it is, the claim must get an outcome
            return NotSent(NO_CONNECTION) if _never_connected(error) else Uncertain(type(error).__name__)

    def _drop_idle_connections(self) -> None:
        """Meta may have closed them while we were frozen; a reset on such a one looks like a lost answer."""
        with self._lock:  # or another thread takes an idle connection before the pools are closed
            used_at, self._used_at = self._used_at, self._wall_clock()
            if self._used_at - used_at > _LONGEST_IDLE_SECONDS:
                self._session.close()  # its pools; it opens new ones as needed


def _never_connected(error: Exception) -> bool:
    """Whether the failure came before the first byte of the request could leave."""
    if isinstance(error, ConnectTimeout | InvalidSchema | InvalidURL | MissingSchema):
        return True
    cause = error.args[0] if isinstance(error, RequestsConnectionError) and error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    if isinstance(reason, TlsError):
        return any(isinstance(inner, ssl.SSLCertVerificationError) for inner in (*reason.args, reason.__cause__))
    return isinstance(reason, NewConnectionError | NameResolutionError)
