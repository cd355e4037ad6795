"""Meta's Cloud API over `requests`: one call, no retries, an outcome for whatever happens, and in time."""

import json
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from aws_lambda_powertools import Logger
from requests import Session
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ConnectTimeout, InvalidSchema, InvalidURL, MissingSchema
from urllib3.exceptions import MaxRetryError, NewConnectionError

from hkreach.adapters.requests_deadline import Deadline
from hkreach.adapters.requests_upload import Upload
from hkreach.domain.meta_outcome import NO_CONNECTION, NotSent, Outcome, Uncertain, read_answer
from hkreach.domain.pace import HIGH, STANDARD
from hkreach.ports.media import SizedStream

logger = Logger(service="hkreach", child=True)

CONNECT_SECONDS = 3.05
GRANTED = {"STANDARD": STANDARD, "HIGH": HIGH}
"""Messages a second by Meta's name for it; source: Meta, "Messaging throughput"."""
_MOST_READ = 1_000_000
_LONGEST_IDLE_SECONDS = 20


class RequestsMeta:
    """Implements the port `Meta`. `call_seconds` and `upload_seconds` are totals: connecting, sending and reading."""

    def __init__(
        self,
        session: Session,
        graph_url: str,
        graph_version: str,
        call_seconds: float,
        upload_seconds: float,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._session = session
        self._base = f"{graph_url.rstrip('/')}/{graph_version}"
        self._call_seconds = call_seconds
        self._upload_seconds = upload_seconds
        self._wall_clock = wall_clock  # it goes on while Lambda has frozen us
        self._used_at = 0.0
        self._lock = Lock()

    def upload(
        self, phone_number_id: str, access_token: str, content: SizedStream, mime_type: str, filename: str
    ) -> Outcome:
        """See the port. The deadline is that of reading the file too."""
        deadline = Deadline(self._upload_seconds)
        form = Upload(content, mime_type, filename, deadline)
        outcome = self._post(f"{phone_number_id}/media", access_token, form, form.content_type, deadline)
        if form.unreadable:
            raise form.unreadable
        return outcome

    def send(self, phone_number_id: str, access_token: str, message: Mapping[str, object]) -> Outcome:
        """See the port."""
        body = json.dumps(message).encode()
        deadline = Deadline(self._call_seconds)
        return self._post(f"{phone_number_id}/messages", access_token, body, "application/json", deadline)

    def throughput(self, phone_number_id: str, access_token: str) -> int | None:
        """See the port."""
        try:
            with (
                Deadline(self._call_seconds),
                self._session.get(
                    f"{self._base}/{phone_number_id}",
                    params={"fields": "throughput"},
                    headers={"Authorization": f"Bearer {access_token}"},
                    timeout=(CONNECT_SECONDS, self._call_seconds),
                    allow_redirects=False,
                ) as answer,
            ):
                return GRANTED.get(answer.json()["throughput"]["level"])
        except Exception:
            logger.warning("Meta did not say what it grants the number", phone_number_id=phone_number_id, exc_info=True)
            return None

    def _post(self, path: str, access_token: str, body: Any, content_type: str, deadline: Deadline) -> Outcome:
        headers = {"Authorization": f"Bearer {access_token}", "Content-Type": content_type}
        self._drop_idle_connections()
        with deadline:
            try:
                with self._session.post(
                    f"{self._base}/{path}",
                    data=body,
                    headers=headers,
                    timeout=(CONNECT_SECONDS, deadline.seconds),
                    allow_redirects=False,
                    stream=True,
                ) as answer:
                    content = answer.raw.read(_MOST_READ, decode_content=True)
                    return read_answer(answer.status_code, content, answer.headers)
            except Exception as error:  # noqa: BLE001 - whatever it is, the claim must get an outcome
                if _never_connected(error):
                    return NotSent(NO_CONNECTION)
                return Uncertain("deadline" if deadline.has_passed else type(error).__name__)

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
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
