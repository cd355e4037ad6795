"""How Meta writes to the wire: escaped JSON, its signature, its ids and its response headers."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict

from aiohttp import web

from local.meta.settings import Usage


def escaped_json(value: object) -> bytes:
    r"""Return JSON as Meta serialises it: non-ASCII as lower-case \uXXXX and every slash as \/."""
    return json.dumps(value, separators=(",", ":")).replace("/", r"\/").encode("ascii")


def signature(app_secret: str, body: bytes) -> str:
    """Return the value of X-Hub-Signature-256 for exactly these bytes."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()


def graph_response(
    value: object, *, version: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return an answer of the Graph API, with the headers that Meta sends beside it."""
    return web.Response(
        body=escaped_json(value),
        status=status,
        content_type="application/json",
        charset="UTF-8",
        headers={
            "x-fb-request-id": new_trace_id(),
            "x-fb-trace-id": new_trace_id()[:11],
            "facebook-api-version": version,
            **(headers or {}),
        },
    )


def usage_headers(usage: Usage, waba_id: str) -> Mapping[str, str]:
    """Return the headers that say how much of Meta's limits on calls the app and this WABA have used."""
    of_app = {name: getattr(usage, name) for name in ("call_count", "total_cputime", "total_time")}
    return {"x-business-use-case-usage": json.dumps({waba_id: [asdict(usage)]}), "x-app-usage": json.dumps(of_app)}


def new_trace_id() -> str:
    """Return a fresh id in the form of Meta's fbtrace_id."""
    return "A" + secrets.token_urlsafe(17)


def new_wamid(recipient: str) -> str:
    """Return a fresh message id: `wamid.` and padded base64, opaque and never a safe path segment."""
    address = recipient.encode()[:100]
    packed = (
        bytes([0x1C, 0x18, len(address)])
        + address
        + b"\x15\x02\x00\x11\x18\x12"
        + secrets.token_hex(9).upper().encode()
    )
    if len(packed) % 3 == 0:
        packed += b"\x00"
    return "wamid." + base64.b64encode(packed).decode()


def new_node_id() -> str:
    """Return a fresh id of a Graph node (a media id, say): sixteen digits."""
    return str(10**15 + secrets.randbelow(9 * 10**15))


def user_id_of(wa_id: str) -> str:
    """Return the business-scoped user id (BSUID) that belongs to this phone number: always the same one."""
    return f"US.{int.from_bytes(hashlib.sha256(wa_id.encode()).digest()[:8]):020d}"
