"""An AWS that answers what the sender asks at once: the same queued message for every id, and yes to every write.

With `--delay 0.005` each answer comes five milliseconds later and costs nothing meanwhile, as a service that is not on
this machine. `python -m tests.bench.canned_aws` prints its address; it serves until it is ended.
"""

import argparse
import asyncio
import json
import sys
from base64 import b64encode
from typing import Any
from zlib import crc32

from hkreach.adapters.message_items import outbound_item
from tests.builders import MESSAGE_ID, NUMBER, RECIPIENT, WAMID, outbound

APPS_TABLE = "apps"
NUMBERS_TABLE = "numbers"
ACCESS_TOKEN = "EAAtoken"
_FAR = 4_000_000_000_000  # in milliseconds: the year 2096
_NUMBER = {"N": "1"}
_META = {"phoneNumberId": {"S": NUMBER}, "wabaId": {"S": "1"}, "token": {"B": b64encode(b"sealed").decode()}}
_APP = {
    "appName": {"S": "mystore"},
    "languageCode": {"S": "en"},
    "createdAt": _NUMBER,
    "version": _NUMBER,
    "messagesPerSecond": {"N": "1000"},  # the batches come faster than 80 a second: no pace is measured here
    "keys": {"M": {}},
    "meta": {"M": _META},
}
_QUEUED = outbound_item(outbound(deadline=_FAR, expires_at=_FAR))
_CLAIMED = {"claimNumber": _NUMBER, "claimedUntil": {"N": str(_FAR)}, "claimedBy": {"S": "0123456789abcdef"}}
_ACCEPTED = {"acceptedAt": {"N": str(_FAR)}, "wamid": {"S": WAMID}}


def _answer(operation: str, request: dict[str, Any]) -> bytes:
    match operation:
        case "GetItem" if request["TableName"] == APPS_TABLE:
            told: dict[str, Any] = {"Item": _APP}
        case "GetItem" if request["TableName"] == NUMBERS_TABLE:
            told = {}
        case "PutItem":
            told = {}
        case "GetItem":
            told = {"Item": _QUEUED}
        case "UpdateItem":
            assert request["ReturnValues"] == "UPDATED_NEW"
            told = {"Attributes": _CLAIMED if "claimedUntil = " in request["UpdateExpression"] else _ACCEPTED}
        case "Decrypt":
            return json.dumps({"Plaintext": b64encode(ACCESS_TOKEN.encode()).decode()}).encode()
        case _:
            raise ValueError(f"the sender is not known to call {operation}")
    message_id = request.get("Key", {}).get("messageId", {}).get("S", "")
    customer = f"91{crc32(message_id.encode()):010}"
    return json.dumps(told).replace(MESSAGE_ID, message_id).replace(RECIPIENT, customer).encode()


class _Connection(asyncio.Protocol):
    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._received = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        if not end or len(body) < int(headers.get(b"content-length", b"0")):
            return
        self._received = b""
        operation = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"x-amz-target"))
        told = _answer(operation.rpartition(b".")[2].decode(), json.loads(body))
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n%b"
        asyncio.get_running_loop().call_later(self._delay, self._transport.write, answer % (len(told), told))


async def _serve(delay: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(delay), "127.0.0.1", 0, backlog=256)
    sys.stdout.write(json.dumps({"awsUrl": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"}) + "\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.canned_aws")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    asyncio.run(_serve(parser.parse_args().delay))
