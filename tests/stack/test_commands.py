"""`make demo`, `make up` and `make down`, as a person types them; each on a stack of its own beside the others."""

import hashlib
import hmac
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from local.commands import ROOT
from tests.stack.world import GUIDE, eventually

FREE_PORTS = ("AWS_PORT=0", "META_PORT=0", "INBOX_PORT=0")


def _make(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *words, f"STATE_DIR={state}"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


@pytest.fixture
def state() -> Iterator[Path]:
    folder = ROOT / ".local/command-test"
    yield folder
    _make(folder, "down")


def test_the_demo_shows_every_step_and_ends_by_itself(state: Path) -> None:
    done = _make(state, "demo", *FREE_PORTS)
    assert 0 == done.returncode, done.stdout + done.stderr
    for step in ("202", "queued", "accepted", "sent", "delivered", "read", "webhook read, signature verified", "curl"):
        assert step in done.stdout
    assert not (state / "stack.json").exists()


@dataclass
class Listener:
    """A server of nobody we know: keeps what it was sent, and answers with `answer`."""

    answer: dict[str, Any] = field(default_factory=dict)
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@contextmanager
def listening(answer: dict[str, Any]) -> Iterator[Listener]:
    listener = Listener(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listener.got.append((self.path, dict(self.headers), body))
            content = json.dumps(listener.answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listener.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()


def test_up_sends_to_another_meta_and_another_inbox_and_is_reused(state: Path) -> None:
    wamid = "wamid.HBgMOTE5OTk5"
    with listening({"messages": [{"id": wamid}]}) as meta, listening({}) as inbox:
        wishes = (*FREE_PORTS, f"GRAPH_URL={meta.url}", f"WEBHOOK_URL={inbox.url}/from/hkreach")
        up = _make(state, "up", *wishes)
        assert 0 == up.returncode, up.stdout + up.stderr
        stack = json.loads((state / "stack.json").read_text(encoding="utf-8"))
        assert (meta.url, [f"{inbox.url}/from/hkreach"] * 2) == (
            stack["graphUrl"],
            [a["webhookUrl"] for a in stack["apps"]],
        )

        app = stack["apps"][0]
        headers = {"X-App-Name": app["appName"], "X-API-Key": app["apiKey"]}
        sent = requests.post(f"{stack['apiUrl']}/api/external/send/template", json=GUIDE, headers=headers, timeout=60)
        message_id = sent.json()["messageId"]
        ((path, asked, body),) = eventually(lambda: meta.got, len)
        assert (f"/v25.0/{app['phoneNumberId']}/messages", f"Bearer {app['accessToken']}") == (
            path,
            asked["Authorization"],
        )
        assert message_id == json.loads(body)["biz_opaque_callback_data"]

        _call_back(stack, app, wamid, message_id)
        ((path, told, event),) = eventually(lambda: inbox.got, len)
        signature = hmac.new(app["webhookSecret"].encode(), event, hashlib.sha256).hexdigest()
        assert ("/from/hkreach", signature) == (path, told["X-HKReach-Signature"])
        assert (message_id, "delivered") == (
            json.loads(event)["data"]["messageId"],
            json.loads(event)["data"]["status"],
        )

        again = _make(state, "up", *wishes)
        assert "stack reused" in again.stdout
        assert stack == json.loads((state / "stack.json").read_text(encoding="utf-8"))
        assert "stopped" in _make(state, "down").stdout
        assert "nothing was running" in _make(state, "down").stdout


def _call_back(stack: dict[str, Any], app: dict[str, str], wamid: str, message_id: str) -> None:
    status = {"id": wamid, "status": "delivered", "timestamp": "1795338002", "biz_opaque_callback_data": message_id}
    value = {"metadata": {"phone_number_id": app["phoneNumberId"]}, "statuses": [status]}
    callback = {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]}
    body = json.dumps(callback).encode()
    signature = "sha256=" + hmac.new(stack["metaAppSecret"].encode(), body, hashlib.sha256).hexdigest()
    answer = requests.post(stack["metaCallbackUrl"], data=body, headers={"X-Hub-Signature-256": signature}, timeout=60)
    assert 200 == answer.status_code
