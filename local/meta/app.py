"""Puts the simulated Meta together as one web application."""

from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from local.meta.clock import Clock, steady_clock
from local.meta.control import CONTROL_ROUTES
from local.meta.graph_errors import GraphError
from local.meta.media import get_content, post_media
from local.meta.messages import post_message
from local.meta.nodes import delete_node, get_node
from local.meta.simulator import SIMULATOR, Simulator, unknown_path
from local.meta.wire import graph_response
from local.typed_json import JsonError, JsonObject

_LARGEST_BODY = 101 * 1024 * 1024
_VERSION = r"{version:v\d+\.\d+}"


def make_app(configuration: JsonObject | None = None, clock: Clock | None = None) -> web.Application:
    """Return a simulated Meta with this configuration and this clock, or raise a JsonError about it."""
    app = web.Application(client_max_size=_LARGEST_BODY, middlewares=[_answer_errors])
    app[SIMULATOR] = Simulator(configuration or {}, clock or steady_clock())
    app.add_routes(CONTROL_ROUTES)
    app.add_routes(
        [
            web.post(f"/{_VERSION}/{{node_id}}/messages", post_message),
            web.post(f"/{_VERSION}/{{node_id}}/media", post_media),
            web.get(f"/{_VERSION}/{{node_id}}", get_node),
            web.delete(f"/{_VERSION}/{{node_id}}", delete_node),
            web.get("/_media/{key}", get_content),
            web.route("*", "/{path:.*}", _refuse_path),
        ]
    )
    app.cleanup_ctx.append(_callbacks)
    return app


async def _callbacks(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[SIMULATOR].callbacks.close()


async def _refuse_path(request: web.Request) -> web.Response:
    if request.path.startswith("/_control/"):
        raise JsonError(f"the control API has no {request.method} {request.path}; see local/meta/README.md")
    raise unknown_path(request)


@web.middleware
async def _answer_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except JsonError as problem:
        return web.json_response({"error": str(problem)}, status=400)
    except GraphError as error:
        version = request.match_info.get("version", "v0.0")
        return graph_response(error.body(), version=version, status=error.status)
