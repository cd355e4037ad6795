"""`python -m tests.kills.runner STEP`: the production handler of a step as a process that can be killed at any call.

The handler is imported once, with its real settings and adapters; each order on standard input is carried out by a
fork, which is cold: it knows no app, no secret, no connection. An order is a line of JSON, `{"event", "kill"}`, where
`kill` is null or `[n, "before" | "after"]`: with SIGKILL, before the n-th call leaves, or once its answer is there, or
lost. The answer is a line too: `{"calls", "killed", "answer", "error"}`. Nothing of hkreach is changed: the calls are
seen by botocore's own events, and by `requests` as it sends.
"""

import gc
import importlib.util
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import requests

FUNCTIONS = Path(__file__).parents[2] / "functions"
MILLISECONDS_LEFT = 60_000


class Calls:
    """Counts the calls of one process, and ends it at the one that it is told."""

    def __init__(self) -> None:
        self.kill: tuple[int, str] | None = None
        self.tell: Callable[[dict[str, Any]], None] = lambda _: None
        self._count = 0
        self._lock = threading.Lock()
        self._mine = threading.local()

    def begin(self, name: str) -> None:
        with self._lock:
            self._count += 1
            self._mine.number = self._count
            self.tell({"call": name})
            self._die_at("before")

    def end(self) -> None:
        with self._lock:
            self._die_at("after")

    def _die_at(self, when: str) -> None:
        if self.kill == (self._mine.number, when):
            os.kill(os.getpid(), signal.SIGKILL)


CALLS = Calls()


def watch_calls() -> None:
    """See every call that leaves the process: each try of an AWS call, and each HTTP request."""
    boto3.setup_default_session()
    events = boto3.DEFAULT_SESSION.events
    events.register("before-send", lambda event_name, **_: CALLS.begin(event_name.removeprefix("before-send.")))
    events.register("response-received", lambda **_: CALLS.end())
    if os.environ.get("PLANTED") == "the claim leaves no trace":
        events.register("before-parameter-build.dynamodb.UpdateItem", forget_the_claim)
    send = requests.Session.send

    def counted(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        CALLS.begin(f"{request.method} {request.path_url.rpartition('/')[2]}")
        try:
            return send(self, request, **options)
        finally:
            CALLS.end()

    requests.Session.send = counted  # type: ignore[method-assign]


def forget_the_claim(params: dict[str, Any], **_: Any) -> None:
    """A planted bug: the claim is asked for, and not written."""
    trace = ", claimedUntil = :until, claimedBy = :token"
    if trace in params["UpdateExpression"]:
        params["UpdateExpression"] = params["UpdateExpression"].replace(trace, "")
        for name in (":until", ":token"):
            del params["ExpressionAttributeValues"][name]


def load(step: str) -> Callable[[Any, Any], Any]:
    spec = importlib.util.spec_from_file_location(f"handler_of_{step}", FUNCTIONS / step / "handler.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Callable[[Any, Any], Any] = module.lambda_handler
    return handler


def carry_out(order: dict[str, Any], handler: Callable[[Any, Any], Any], told: int) -> None:
    """In the fork: run the handler, and tell each call as it begins and the answer at the end."""

    def tell(line: dict[str, Any]) -> None:
        os.write(told, json.dumps(line).encode() + b"\n")

    CALLS.tell, CALLS.kill = tell, tuple(order["kill"]) if order["kill"] else None
    context = SimpleNamespace(
        function_name="function",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:function",
        aws_request_id="request",
        get_remaining_time_in_millis=lambda: MILLISECONDS_LEFT,
    )
    try:
        tell({"answer": handler(order["event"], context)})
    except BaseException:  # noqa: BLE001 - whatever it is, the test is to see it
        tell({"error": traceback.format_exc()})


def in_a_fork(order: dict[str, Any], handler: Callable[[Any, Any], Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        carry_out(order, handler, writing)
        sys.stdout.flush()
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        lines = [json.loads(line) for line in pipe]
    _, status = os.waitpid(child, 0)
    result: dict[str, Any] = {"calls": [], "answer": None, "error": None}
    for line in lines:
        if "call" in line:
            result["calls"].append(line["call"])
        else:
            result |= line
    return result | {"killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL}


def main() -> None:
    # What the handler prints, its log, goes to standard error; the answers keep standard output for themselves.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        watch_calls()
        handler = load(sys.argv[1])
        gc.freeze()  # a fork that collects what was imported would copy it
        answers.write("ready\n")
        answers.flush()
        for line in sys.stdin:
            answers.write(json.dumps(in_a_fork(json.loads(line), handler)) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
