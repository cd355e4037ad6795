"""Real servers for the tests of local/: each in a thread of its own, on a free port of 127.0.0.1."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
from aiohttp import web

TIMEOUT = 5.0
TOKEN = "EAAlocal"
OTHER_TOKEN = "EAAother"
APP_SECRET = "app-secret"
NUMBER = "106540352242922"
OTHER_NUMBER = "106540352242933"

CONFIGURATION: dict[str, Any] = {
    "appSecret": APP_SECRET,
    "verifyToken": "verify-token",
    "statusDelay": 0.001,
    "callbackRetryDelay": 0.01,
    "callbackMaxTries": 3,
    "numbers": [
        {
            "phoneNumberId": NUMBER,
            "wabaId": "102290129340398",
            "accessToken": TOKEN,
            "displayPhoneNumber": "+852 9000 0001",
            "countryCode": "852",
        },
        {
            "phoneNumberId": OTHER_NUMBER,
            "wabaId": "102290129340399",
            "accessToken": OTHER_TOKEN,
            "displayPhoneNumber": "+91 98000 00001",
            "countryCode": "91",
        },
    ],
}


@contextmanager
def serving(app: web.Application) -> Iterator[str]:
    """Serve an application until the context ends; yield its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    started = threading.Event()

    async def serve() -> None:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        started.set()
        await stop.wait()
        await runner.cleanup()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(TIMEOUT)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(TIMEOUT)


def wait_until[T](probe: Callable[[], T]) -> T:
    """Return what the probe returns as soon as that is true."""
    deadline = time.monotonic() + TIMEOUT
    while not (found := probe()):
        assert time.monotonic() < deadline, f"waited {TIMEOUT} s in vain"
        time.sleep(0.005)
    return found


@dataclass
class HandClock:
    """A clock that only a test moves."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Receiver:
    """A receiver of callbacks: keeps what came, and answers the statuses it is given before it answers 200."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    came: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)

    def app(self) -> web.Application:
        """Return the web application that receives."""
        app = web.Application()
        app.add_routes([web.post("/meta", self._receive), web.get("/meta", self._verify)])
        return app

    async def _receive(self, request: web.Request) -> web.Response:
        self.came.append((await request.read(), dict(request.headers)))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    async def _verify(self, request: web.Request) -> web.Response:
        self.queries.append(dict(request.query))
        if request.query["hub.verify_token"] != "verify-token":
            return web.Response(status=403)
        return web.Response(text=request.query["hub.challenge"])


@dataclass
class Meta:
    """The simulated Meta under test, as its clients and its tests see it."""

    url: str
    receiver: Receiver

    def send(self, body: object, *, number: str = NUMBER, token: str | None = TOKEN) -> requests.Response:
        """Post to a number's /messages."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.post(f"{self.url}/v25.0/{number}/messages", json=body, headers=headers, timeout=TIMEOUT)

    def upload(
        self, content: bytes, mime_type: str = "image/png", *, number: str = NUMBER, token: str = TOKEN
    ) -> requests.Response:
        """Post to a number's /media."""
        return requests.post(
            f"{self.url}/v25.0/{number}/media",
            data={"messaging_product": "whatsapp", "type": mime_type},
            files={"file": ("a.bin", content, mime_type)},
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT,
        )

    def get(self, path: str, *, token: str = TOKEN) -> requests.Response:
        """Get a node or an address of this Meta."""
        address = path if path.startswith("http") else f"{self.url}/v25.0/{path}"
        return requests.get(address, headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT)

    def control(self, path: str, body: object = None) -> Any:
        """Post to the control API, or get from it when there is no body."""
        address = f"{self.url}/_control/{path}"
        if body is None:
            answer = requests.get(address, timeout=TIMEOUT)
        else:
            answer = requests.post(address, json=body, timeout=TIMEOUT)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def settle(self) -> None:
        """Wait until no callback is outstanding."""
        wait_until(lambda: self.control("callbacks")["outstanding"] == 0)


def template(to: str = "+85291234567", **changes: object) -> dict[str, Any]:
    """Return a template message that is right, with some of its fields changed."""
    body = {"type": "body", "parameters": [{"type": "text", "text": "Wong"}]}
    content = {"name": "order_confirmation", "language": {"code": "en"}, "components": [body]}
    return {"messaging_product": "whatsapp", "to": to, "type": "template", "template": content, **changes}


def with_components(*components: object) -> dict[str, Any]:
    """Return a template message with these components."""
    content = {"name": "order_confirmation", "language": {"code": "en"}, "components": list(components)}
    return template(template=content)
