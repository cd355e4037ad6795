"""Posts callbacks to the configured URL as Meta does: signed, and again after anything but a 200."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Literal

import aiohttp

from local.meta.settings import Settings
from local.meta.wire import escaped_json, signature
from local.typed_json import JsonObject

_ANSWER_BYTES = 16_384


@dataclass
class Callback:
    """One callback and what became of it."""

    number: int
    url: str
    body: bytes
    signature: str | None
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    state: Literal["waiting", "taken", "given up"] = "waiting"
    statuses: list[int | None] = field(default_factory=list)
    """The HTTP status of each try, None where there was no answer."""
    answer: str = ""
    """The receiver's last words: the body of its answer, or why there was none."""

    def as_json(self) -> JsonObject:
        """Return the callback as the control API shows it."""
        return {
            "number": self.number,
            "time": self.time.isoformat(),
            "url": self.url,
            "state": self.state,
            "tries": len(self.statuses),
            "statuses": self.statuses,
            "answer": self.answer,
            "signature": self.signature,
            "body": self.body.decode("utf-8", "replace"),
        }


class CallbackSender:
    """Sends callbacks in the background and keeps what was sent."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sent: deque[Callback] = deque(maxlen=settings.record_limit)
        self._numbers = count(1)
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def outstanding(self) -> int:
        """How many background jobs still have something to send."""
        return len(self._tasks)

    def run(self, job: Coroutine[object, object, None]) -> None:
        """Let a job that sends callbacks go on in the background."""
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def send(self, value: object) -> None:
        """Send a value until it is taken or the tries are used up; without a callback URL nothing is sent."""
        body = escaped_json(value)
        await self.send_bytes(body, signature(self.settings.app_secret, body), self.settings.callback_max_tries)

    async def send_bytes(self, body: bytes, signed: str | None, max_tries: int) -> Callback | None:
        """Send exactly these bytes, and return what became of them."""
        settings = self.settings
        if not settings.callback_url:
            return None
        callback = Callback(next(self._numbers), settings.callback_url, body, signed)
        self.sent.append(callback)
        delay = settings.callback_retry_delay
        while True:
            await self._post(callback)
            if callback.statuses[-1] == 200:
                callback.state = "taken"
                return callback
            if len(callback.statuses) >= max_tries:
                callback.state = "given up"
                return callback
            await asyncio.sleep(delay)
            delay = min(2 * delay, settings.callback_max_delay)

    async def shake_hands(self, verify_token: str, challenge: str) -> tuple[int | None, str]:
        """Ask the callback URL to prove itself; return the status and body it answered."""
        if not self.settings.callback_url:
            return None, "no callbackUrl is configured"
        query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
        return await self._ask("GET", self.settings.callback_url, params=query)

    async def stop(self) -> None:
        """Drop every job that is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Stop, and close the connections."""
        await self.stop()
        if self._session:
            await self._session.close()

    async def _post(self, callback: Callback) -> None:
        headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua", "Accept": "*/*"}
        if callback.signature is not None:
            headers["X-Hub-Signature-256"] = callback.signature
        status, callback.answer = await self._ask("POST", callback.url, data=callback.body, headers=headers)
        callback.statuses.append(status)

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
    ) -> tuple[int | None, str]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self.settings.callback_connections)
            )
        # Of the receiver's silence alone: waiting for one of our own connections is not its fault.
        seconds = self.settings.callback_timeout
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=seconds, sock_read=seconds)
        try:
            async with self._session.request(
                method, url, data=data, headers=headers, params=params, timeout=timeout, allow_redirects=False
            ) as answer:
                return answer.status, (await answer.content.read(_ANSWER_BYTES)).decode("utf-8", "replace")
        except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
            return None, f"{type(problem).__name__}: {problem}"
