"""The control API under /_control: how a test or a demo steers the simulated Meta and asks what it saw.

    POST   configuration    merge into the configuration                 POST   reset       forget the rest
    POST   answers          add rules for answers                        GET, DELETE answers
    POST   statuses         add rules for statuses                       GET, DELETE statuses
    POST   inbound          a customer writes                            POST   media       a customer's file
    POST   changes          another field than `messages` changes
    POST   callbacks        send any callback, well or badly signed      GET, DELETE callbacks
    POST   handshake        verify the callback URL                      GET, DELETE requests
    GET    deliveries       how often each message was taken         GET    answers/counts  by status and code

The JSON of each is in README.md beside this file. What is wrong with it is answered with 400 and an `error`.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web

from local.meta.forgery import CallbackOrder, prepare
from local.meta.inbound import FieldChange, Inbound, send_change, send_inbound
from local.meta.media_store import Media
from local.meta.script import AnswerRule, StatusRule
from local.meta.simulator import SIMULATOR
from local.typed_json import JsonError, read

_REQUEST_FILTERS = ("edge", "phoneNumberId", "to", "templateName", "bizOpaqueCallbackData")
_COUNT_FILTERS = ("edge", "phoneNumberId")


@dataclass(frozen=True)
class _Reset:
    configuration: bool = False


@dataclass(frozen=True)
class _AnswerRules:
    rules: list[AnswerRule]


@dataclass(frozen=True)
class _StatusRules:
    rules: list[StatusRule]


@dataclass(frozen=True)
class _Handshake:
    verify_token: str | None = None
    challenge: str = field(default_factory=lambda: str(secrets.randbelow(10**10)))


async def post_configuration(request: web.Request) -> web.Response:
    """Merge a change into the configuration."""
    simulator = request.app[SIMULATOR]
    simulator.configure(await _json(request))
    return web.json_response({"numbers": [number.phone_number_id for number in simulator.settings.numbers]})


async def post_reset(request: web.Request) -> web.Response:
    """Forget what happened, the rules and the media; with `configuration` also what was configured since."""
    order = read(_Reset, await _json(request), "reset")
    await request.app[SIMULATOR].reset(configuration=order.configuration)
    return web.json_response({})


async def post_answers(request: web.Request) -> web.Response:
    """Add rules for answers."""
    script = request.app[SIMULATOR].answers
    script.add(read(_AnswerRules, await _json(request), "answers").rules)
    return web.json_response({"rules": script.uses()})


async def post_statuses(request: web.Request) -> web.Response:
    """Add rules for statuses."""
    rules = read(_StatusRules, await _json(request), "statuses").rules
    for rule in rules:
        rule.check()
    script = request.app[SIMULATOR].statuses
    script.add(rules)
    return web.json_response({"rules": script.uses()})


async def get_answers(request: web.Request) -> web.Response:
    """Say how often each rule for answers was used."""
    return web.json_response({"rules": request.app[SIMULATOR].answers.uses()})


async def get_statuses(request: web.Request) -> web.Response:
    """Say how often each rule for statuses was used."""
    return web.json_response({"rules": request.app[SIMULATOR].statuses.uses()})


async def delete_answers(request: web.Request) -> web.Response:
    """Drop the rules for answers."""
    request.app[SIMULATOR].answers.clear()
    return web.json_response({})


async def delete_statuses(request: web.Request) -> web.Response:
    """Drop the rules for statuses."""
    request.app[SIMULATOR].statuses.clear()
    return web.json_response({})


async def post_inbound(request: web.Request) -> web.Response:
    """Let a customer write."""
    message = send_inbound(request.app[SIMULATOR], read(Inbound, await _json(request), "inbound"))
    return web.json_response({"messageId": message["id"], "message": message})


async def post_changes(request: web.Request) -> web.Response:
    """Tell of a change of another field than `messages`."""
    change = read(FieldChange, await _json(request), "change")
    return web.json_response({"callback": send_change(request.app[SIMULATOR], change)})


async def post_media(request: web.Request) -> web.Response:
    """Keep the body as a customer's file; return its node, ready to stand in an inbound message."""
    simulator = request.app[SIMULATOR]
    number = simulator.number(request.query.get("phoneNumberId", ""))
    if number is None:
        raise JsonError("the query needs the phoneNumberId of a configured number")
    content = await request.read()
    digest = hashlib.sha256(content)
    media = Media(
        number.phone_number_id,
        request.content_type,
        request.query.get("filename"),
        content,
        digest.hexdigest(),
    )
    simulator.media.add(media)
    url = str(request.url.origin() / "_media" / simulator.media.new_address(media))
    sha256 = base64.b64encode(digest.digest()).decode()
    return web.json_response({"id": media.media_id, "mime_type": media.mime_type, "sha256": sha256, "url": url})


async def post_callbacks(request: web.Request) -> web.Response:
    """Send one callback, once, and say what the receiver answered."""
    callbacks = request.app[SIMULATOR].callbacks
    body, signed = prepare(read(CallbackOrder, await _json(request), "callback"), callbacks.settings.app_secret)
    callback = await callbacks.send_bytes(body, signed, max_tries=1)
    if callback is None:
        raise JsonError("there is no callbackUrl; configure it first")
    return web.json_response({"status": callback.statuses[-1], "answer": callback.answer, "number": callback.number})


async def get_callbacks(request: web.Request) -> web.Response:
    """List the callbacks sent, and how many jobs still have some to send."""
    callbacks = request.app[SIMULATOR].callbacks
    state = request.query.get("state")
    shown = [callback.as_json() for callback in callbacks.sent if state in (None, callback.state)]
    return web.json_response({"callbacks": shown, "outstanding": callbacks.outstanding})


async def delete_callbacks(request: web.Request) -> web.Response:
    """Forget the callbacks sent; those under way go on."""
    request.app[SIMULATOR].callbacks.sent.clear()
    return web.json_response({})


async def post_handshake(request: web.Request) -> web.Response:
    """Verify the callback URL as Meta does when it is set."""
    callbacks = request.app[SIMULATOR].callbacks
    order = read(_Handshake, await _json(request), "handshake")
    verify_token = callbacks.settings.verify_token if order.verify_token is None else order.verify_token
    status, body = await callbacks.shake_hands(verify_token, order.challenge)
    verified = status == 200 and body == order.challenge
    return web.json_response({"status": status, "body": body, "verified": verified})


async def get_requests(request: web.Request) -> web.Response:
    """List the requests that equal the filters in the query."""
    filters = _filters(request, _REQUEST_FILTERS)
    return web.json_response({"requests": list(request.app[SIMULATOR].records.matching(filters))})


async def get_answer_counts(request: web.Request) -> web.Response:
    """Say how many answers there were, by HTTP status and by Graph code."""
    filters = _filters(request, _COUNT_FILTERS)
    records = request.app[SIMULATOR].records
    return web.json_response(records.answer_counts(filters.get("edge"), filters.get("phoneNumberId")))


async def delete_requests(request: web.Request) -> web.Response:
    """Forget the requests, the counts of messages taken and those of answers."""
    request.app[SIMULATOR].records.clear()
    return web.json_response({})


async def get_deliveries(request: web.Request) -> web.Response:
    """Say for each biz_opaque_callback_data how many messages with it were taken."""
    return web.json_response(request.app[SIMULATOR].records.taken)


CONTROL_ROUTES = [
    web.post("/_control/configuration", post_configuration),
    web.post("/_control/reset", post_reset),
    web.post("/_control/answers", post_answers),
    web.get("/_control/answers", get_answers),
    web.delete("/_control/answers", delete_answers),
    web.get("/_control/answers/counts", get_answer_counts),
    web.post("/_control/statuses", post_statuses),
    web.get("/_control/statuses", get_statuses),
    web.delete("/_control/statuses", delete_statuses),
    web.post("/_control/inbound", post_inbound),
    web.post("/_control/changes", post_changes),
    web.post("/_control/media", post_media),
    web.post("/_control/callbacks", post_callbacks),
    web.get("/_control/callbacks", get_callbacks),
    web.delete("/_control/callbacks", delete_callbacks),
    web.post("/_control/handshake", post_handshake),
    web.get("/_control/requests", get_requests),
    web.delete("/_control/requests", delete_requests),
    web.get("/_control/deliveries", get_deliveries),
]


def _filters(request: web.Request, known: Sequence[str]) -> dict[str, str]:
    unknown = set(request.query) - set(known)
    if unknown:
        raise JsonError(f"there is no filter {min(unknown)!r}; there are {', '.join(known)}")
    return dict(request.query)


async def _json(request: web.Request) -> object:
    text = await request.text()
    try:
        value: object = json.loads(text or "{}")
    except ValueError as problem:
        raise JsonError(f"the body is not JSON: {problem}") from problem
    return value
