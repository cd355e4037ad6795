"""The inbox as a web application: receives webhooks, shows them, and answers as it is told.

POST /hooks/{app_name}      a webhook; 200, unless a script says otherwise
GET  /                      what came, as a page
PUT  /_control/secrets      {"appName": "secret", ...}: add or replace; null removes
POST /_control/script       {"appName": only this app's, "messageId": only this message's, "answers": [{"status": 503,
                            "times": 2, "delay": 1.5, "headers": {}}]}: so, in this order; without `times` from then on.
                            A new script replaces the old one of the same app.
GET  /files/{name}          a file that was put there; 404 if none was
PUT  /_control/files/{name} the file; its Content-Disposition is given with it
GET  /_control/deliveries   ?appName=&messageId=&event= -> [{"appName", "receivedAt", "eventId", "event",
                            "messageId", "verified", "answeredStatus", "headers", "body", "raw"}]
POST /_control/reset        forget all webhooks, secrets, scripts and files
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from local.inbox.deliveries import Deliveries, Delivery, is_signed
from local.inbox.page import render
from local.typed_json import JsonError, read

_KEPT = 20_000
_SHOWN = 100
_LARGEST_BODY = 4 * 1024 * 1024


@dataclass
class _Answer:
    """How webhooks are answered, `times` times or for ever."""

    status: int = 200
    delay: float = 0.0
    times: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Script:
    answers: list[_Answer]
    app_name: str | None = None
    message_id: str | None = None


@dataclass(frozen=True)
class _Inbox:
    deliveries: Deliveries = field(default_factory=lambda: Deliveries(_KEPT))
    secrets: dict[str, str] = field(default_factory=dict)
    scripts: dict[str | None, list[_Answer]] = field(default_factory=dict)
    files: dict[str, tuple[bytes, str | None]] = field(default_factory=dict)

    def next_answer(self, app_name: str, message_id: str | None) -> _Answer:
        """Return how to answer a webhook: its message's script goes before its app's, and that before all others'."""
        for key in (*([message_id] if message_id else []), app_name, None):
            for answer in self.scripts.get(key, []):
                if answer.times is None:
                    return answer
                if answer.times > 0:
                    answer.times -= 1
                    return answer
        return _Answer()


_INBOX = web.AppKey("inbox", _Inbox)


def make_app() -> web.Application:
    """Return an empty inbox."""
    app = web.Application(client_max_size=_LARGEST_BODY, middlewares=[_answer_errors])
    app[_INBOX] = _Inbox()
    app.add_routes(
        [
            web.post("/hooks/{app_name}", _receive),
            web.get("/", _show),
            web.get("/files/{name}", _get_file),
            web.put("/_control/files/{name}", _put_file),
            web.put("/_control/secrets", _put_secrets),
            web.post("/_control/script", _post_script),
            web.get("/_control/deliveries", _get_deliveries),
            web.post("/_control/reset", _reset),
        ]
    )
    return app


async def _receive(request: web.Request) -> web.Response:
    inbox, app_name, raw = request.app[_INBOX], request.match_info["app_name"], await request.read()
    secret = inbox.secrets.get(app_name)
    verified = is_signed(raw, request.headers, secret) if secret is not None else None
    delivery = Delivery(app_name, raw, dict(request.headers), verified)
    inbox.deliveries.add(delivery)
    answer = inbox.next_answer(app_name, delivery.message_id)
    await asyncio.sleep(answer.delay)
    delivery.answered_status = answer.status
    return web.Response(status=answer.status, headers=answer.headers)


async def _show(request: web.Request) -> web.Response:
    deliveries = request.app[_INBOX].deliveries.matching()
    page = render(deliveries[: -_SHOWN - 1 : -1], len(deliveries))
    # Nothing on the page may run: should an escape ever be missed, the browser still refuses the script.
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": policy})


async def _get_file(request: web.Request) -> web.Response:
    found = request.app[_INBOX].files.get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    content, disposition = found
    headers = {"Content-Disposition": disposition} if disposition else {}
    return web.Response(body=content, headers=headers)


async def _put_file(request: web.Request) -> web.Response:
    content = await request.content.read()  # not `read()` of the request: that has a limit
    request.app[_INBOX].files[request.match_info["name"]] = content, request.headers.get("Content-Disposition")
    return web.json_response({"size": len(content)})


async def _put_secrets(request: web.Request) -> web.Response:
    given = await _json(request)
    if not isinstance(given, dict) or not all(isinstance(secret, str | None) for secret in given.values()):
        raise JsonError("secrets must be an object of app names and their secrets as text, or null")
    known = request.app[_INBOX].secrets
    for app_name, secret in given.items():
        if secret is None:
            known.pop(app_name, None)
        else:
            known[app_name] = secret
    return web.json_response({"apps": sorted(known)})


async def _post_script(request: web.Request) -> web.Response:
    script = read(_Script, await _json(request), "script")
    if not all(200 <= answer.status <= 599 for answer in script.answers):
        raise JsonError("script.answers: a status is a number from 200 to 599")
    request.app[_INBOX].scripts[script.message_id or script.app_name] = script.answers
    return web.json_response({})


async def _get_deliveries(request: web.Request) -> web.Response:
    unknown = set(request.query) - {"appName", "messageId", "event"}
    if unknown:
        raise JsonError(f"there is no filter {min(unknown)!r}; there are appName, messageId, event")
    deliveries = request.app[_INBOX].deliveries.matching(
        app_name=request.query.get("appName"),
        message_id=request.query.get("messageId"),
        event=request.query.get("event"),
    )
    return web.json_response([delivery.as_json() for delivery in deliveries])


async def _reset(request: web.Request) -> web.Response:
    inbox = request.app[_INBOX]
    inbox.deliveries.clear()
    inbox.secrets.clear()
    inbox.scripts.clear()
    inbox.files.clear()
    return web.json_response({})


async def _json(request: web.Request) -> object:
    try:
        value: object = json.loads(await request.text())
    except ValueError as problem:
        raise JsonError(f"the body is not JSON: {problem}") from problem
    return value


@web.middleware
async def _answer_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except JsonError as problem:
        return web.json_response({"error": str(problem)}, status=400)
