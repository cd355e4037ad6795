"""Serves one aiohttp application until it is told to stop."""

import json
import socket
import sys

from aiohttp import web

SHUTDOWN_SECONDS = 1.0


def serve(app: web.Application, host: str, port: int, url_name: str) -> None:
    """Listen, print one line of JSON with the address under `url_name`, and serve until SIGTERM or SIGINT.

    Port 0 takes a free port.
    """
    listening = socket.create_server((host, port), backlog=1024)
    sys.stdout.write(json.dumps({url_name: f"http://{host}:{listening.getsockname()[1]}"}) + "\n")
    sys.stdout.flush()
    web.run_app(app, sock=listening, print=None, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
