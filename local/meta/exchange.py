"""Answers one request: as Meta would, or as a rule says."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from aiohttp import web

from local.meta.graph_errors import GraphError
from local.meta.records import RequestRecord
from local.meta.script import Answer, RawAnswer, ScriptedError
from local.meta.simulator import SIMULATOR
from local.meta.wire import graph_response
from local.typed_json import JsonObject

type Process = Callable[[], Awaitable[JsonObject]]
"""Does what the request asks and returns Meta's answer, or raises a GraphError."""

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_BAD_GATEWAY = RawAnswer(502, {"Content-Type": "text/html"}, "<html><body><h1>502 Bad Gateway</h1></body></html>")


def open_record(request: web.Request, edge: str) -> RequestRecord:
    """Return the record of a request that was just received, without its token."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return RequestRecord(
        method=request.method,
        path=request.path,
        edge=edge,
        phone_number_id=request.match_info["node_id"],
        authorization=f"{scheme} [redacted]" if token else None,
        time=request.app[SIMULATOR].clock(),
    )


async def answer_request(
    request: web.Request,
    record: RequestRecord,
    process: Process,
    answer: Answer | None = None,
    headers: Mapping[str, str] = _NO_HEADERS,
) -> web.Response:
    """Process and answer a request, and write into its record what was answered.

    The headers are added to what the Graph API answers; those of a rule go before them.
    """
    answer = answer or Answer()
    if answer.fault:
        record.answer["fault"] = answer.fault
    if answer.fault == "hang_before":
        await asyncio.sleep(answer.seconds)
    if answer.fault in ("reset_before", "hang_before"):
        return _reset(request)
    try:
        result = await process() if answer.is_processed else {}
    except GraphError as error:
        return _refuse(error, request, record, headers)
    if answer.fault == "reset_after":
        return _reset(request)
    response = _respond(answer, result, request, record, headers)
    await asyncio.sleep(answer.delay + (answer.seconds if answer.fault == "hang_after" else 0.0))
    if answer.fault in ("drip", "drip_headers"):
        await _drip(request, response, answer)
    return response


def _respond(
    answer: Answer, result: JsonObject, request: web.Request, record: RequestRecord, headers: Mapping[str, str]
) -> web.Response:
    raw = answer.raw
    if answer.graph_error is not None:
        scripted = answer.graph_error
        if isinstance(scripted, int):
            scripted = ScriptedError(scripted)
        return _refuse(scripted.as_graph_error(), request, record, {**headers, **scripted.headers})
    if raw is None and answer.fault == "error_after":
        raw = _BAD_GATEWAY
    record.answer["status"] = raw.status if raw else 200
    request.app[SIMULATOR].records.count_answer(record)
    if raw:
        return web.Response(status=raw.status, headers=raw.headers, body=raw.body.encode())
    return graph_response(result, version=request.match_info["version"], headers=headers)


def _refuse(error: GraphError, request: web.Request, record: RequestRecord, headers: Mapping[str, str]) -> web.Response:
    record.answer |= {"status": error.status, "code": error.code}
    request.app[SIMULATOR].records.count_answer(record)
    return graph_response(error.body(), version=request.match_info["version"], status=error.status, headers=headers)


async def _drip(request: web.Request, response: web.Response, answer: Answer) -> None:
    """Write the answer one byte after another, so that no timeout of a single read ever fires, and hang up."""
    assert isinstance(response.body, bytes)
    response.headers.update({"Content-Length": str(len(response.body)), "Connection": "close"})
    lines = [f"HTTP/1.1 {response.status} {response.reason}", *(f"{k}: {v}" for k, v in response.headers.items())]
    head = "\r\n".join([*lines, "\r\n"]).encode()
    at_once, slowly = (b"", head + response.body) if answer.fault == "drip_headers" else (head, response.body)
    transport = request.transport
    if transport is None:
        return
    transport.write(at_once)
    for byte in slowly:
        await asyncio.sleep(answer.seconds / len(slowly))
        if transport.is_closing():
            return
        transport.write(bytes([byte]))
    transport.close()


def _reset(request: web.Request) -> web.Response:
    """Tear the connection down with an RST, which no client can mistake for an answer."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        request.transport.abort()
    return web.Response()
