"""`make bench`: what the sender costs: batches of 1, 10 and 50 against a simulated Meta that answers after 200 ms.

The built function is invoked directly, for the local AWS never hands out more than ten. It is measured twice: deployed
on the local AWS, which shares this machine's cores with it and answers one call after the other; and as a process of
its own with an AWS that answers each call after five milliseconds and costs nothing (`canned_aws`). The sizes take
turns. Compared are medians, and beside them the quickest of all rounds: what else runs on the machine only adds.
`python -m tests.bench.sender_cost`.
"""

import dataclasses
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hkreach.adapters.clock import now
from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.dynamodb_messages import DynamoDBMessages
from hkreach.usecases.accept_message import SendRequest, accept_message
from local.build import build, machine_architecture
from local.commands import ROOT
from local.loopback import call
from local.progress import Progress
from local.stack import Stack, running_stack
from local.stack.__main__ import end_on_signals
from local.stack.lifecycle import start_program
from local.stack.ports import free_port
from local.stack.processes import Processes, first_json_line, wait_until
from tests.bench.canned_aws import ACCESS_TOKEN, APPS_TABLE, NUMBERS_TABLE
from tests.bench.process_figures import opened_connections, peak_megabytes, processes_with, used_cpu
from tests.build.artifacts import runtime_libraries, search_path
from tests.build.test_artifacts import SETTINGS
from tests.builders import NUMBER, TEMPLATE
from tests.fakes.stores import FakeMediaStore
from tests.fakes.uploads import FakeUploads

SIZES = {1: None, 10: 1.5, 50: 2.5}
"""Records in a batch, and at most how many times the wall time of one they may take."""
ROUNDS = 15
META_SECONDS = 0.2
AWS_SECONDS = 0.005
MEGABYTES = 128
_SHOWN = {"displayPhoneNumber": "+1 555 010 0001", "countryCode": "US"}
_QUICK = {"messagesPerSecond": None}
"""Of the simulated Meta: no pace is measured here."""


@dataclasses.dataclass(frozen=True)
class Sender:
    """The function somewhere. `accept` gives the id of a message that waits to be sent."""

    name: str
    graph_url: str
    accept: Callable[[], str]
    invoke: Callable[[dict[str, Any]], dict[str, Any]]
    pids: Callable[[], list[int]]


@dataclasses.dataclass
class Seen:
    """What the batches of one size took, in seconds, and the connections that they opened to Meta."""

    wall: list[float] = dataclasses.field(default_factory=list)
    cpu: float = 0.0
    connections: int = 0


def main() -> int:
    end_on_signals()
    progress = Progress(sys.stderr)
    with tempfile.TemporaryDirectory() as folder, beside_canned_aws(Path(folder), progress) as sender:
        report(sender)
    with running_stack(ROOT / ".local/bench-stack", progress=progress) as stack:
        report(deployed(stack))
    return 0


def report(sender: Sender) -> None:
    """Measure and print."""
    call("POST", f"{sender.graph_url}/_control/statuses", {"rules": [{"statuses": []}]})  # receiving is not measured
    call("POST", f"{sender.graph_url}/_control/answers", {"rules": [{"answer": {"delay": META_SECONDS}}]})
    batches = [[_batch(sender, size) for size in SIZES] for _ in range(ROUNDS + 1)]
    assert call("GET", f"{sender.graph_url}/_control/deliveries") == {}, "somebody else sends what is to be measured"
    warm_up, *rounds = batches
    seen = {size: Seen() for size in SIZES}
    first = Seen()
    _measure(sender, warm_up[-1], first)  # the largest comes first and cold: it opens all connections
    for event in warm_up[:-1]:
        _measure(sender, event, Seen())
    for events in rounds:
        for size, event in zip(SIZES, events, strict=True):
            _measure(sender, event, seen[size])
    sent = call("GET", f"{sender.graph_url}/_control/deliveries")
    assert [1] * (ROUNDS + 1) * sum(SIZES) == list(sent.values()), "every message was sent once"
    _say(sender, seen, first)


def _measure(sender: Sender, event: dict[str, Any], seen: Seen) -> None:
    time.sleep(1.1)  # after a second of silence a batch goes at once: what a number's pace holds back is not measured
    pids, connections, started = sender.pids(), opened_connections(_port(sender)), time.monotonic()
    used = used_cpu(pids)
    answer = sender.invoke(event)
    seen.wall.append(time.monotonic() - started)
    seen.cpu += used_cpu(sender.pids()) - used
    seen.connections += len(opened_connections(_port(sender)) - connections)
    assert answer == {"batchItemFailures": []}, answer


def _say(sender: Sender, seen: dict[int, Seen], first: Seen) -> None:
    peak, load = max(map(peak_megabytes, sender.pids())), os.getloadavg()[0] / (os.cpu_count() or 1)
    say(f"\nsender with {sender.name}; {ROUNDS} rounds; Meta answers after {META_SECONDS * 1000:.0f} ms")
    say(f"{'messages':>8}{'target':>9}{'median':>11}{'of one':>8}{'quickest':>12}{'of one':>8}{'CPU each':>12}")
    met = peak <= MEGABYTES
    for size, most in SIZES.items():
        walls = [(pick(seen[size].wall), pick(seen[1].wall)) for pick in (statistics.median, min)]
        (median, ratio), (quickest, best_ratio) = ((wall, wall / one) for wall, one in walls)
        met = met and (most is None or ratio <= most)
        say(
            f"{size:>8}{f'≤ {most}' if most else '':>9}{median * 1000:>8.0f} ms{ratio:>8.2f}{quickest * 1000:>9.0f} ms"
            f"{best_ratio:>8.2f}{seen[size].cpu / ROUNDS / size * 1000:>9.1f} ms"
        )
    opened = [first.connections, *(seen[size].connections for size in SIZES)]
    say(
        f"connections opened to Meta: {opened[0]} by the first 50, cold, in {first.wall[0]:.1f} s; "
        f"{sum(opened[1:])} by all others"
    )
    say(
        f"peak memory {peak:.0f} MB (≤ {MEGABYTES}); load {load:.1f} a core; "
        f"the medians {'are within' if met else 'MISS'} the targets"
    )


def _batch(sender: Sender, size: int) -> dict[str, Any]:
    sample = json.loads((ROOT / "events/send_message/queued.json").read_text(encoding="utf-8"))["Records"][0]
    ids = [sender.accept() for _ in range(size)]
    return {"Records": [sample | {"messageId": i, "body": json.dumps({"messageId": i})} for i in ids]}


def _port(sender: Sender) -> int:
    return urlsplit(sender.graph_url).port or 0


@contextmanager
def beside_canned_aws(folder: Path, progress: Progress) -> Iterator[Sender]:
    """The artifact in a process of its own, between the canned AWS and the simulated Meta."""
    made = build(machine_architecture(), progress)
    (folder / "runtime").mkdir()
    path = search_path(made, "send_message", runtime_libraries(folder / "runtime"))
    processes = Processes(folder)
    try:
        graph_url = start_program(processes, "meta", free_port(), "graphUrl")
        number = {"phoneNumberId": NUMBER, "wabaId": "1", "accessToken": ACCESS_TOKEN} | _SHOWN | _QUICK
        call("POST", f"{graph_url}/_control/configuration", {"numbers": [number]})
        command = [sys.executable, "-m", "tests.bench.canned_aws", "--delay", str(AWS_SECONDS)]
        canned = processes.start("canned aws", command, cwd=ROOT)
        aws_url = str(wait_until(canned, lambda: first_json_line(canned.log), 20)["awsUrl"])
        secret = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        settings = SETTINGS | secret | {"GRAPH_URL": graph_url, "AWS_ENDPOINT_URL": aws_url, "APPS_TABLE": APPS_TABLE}
        settings |= {"NUMBERS_TABLE": NUMBERS_TABLE}
        with subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(Path(__file__).with_name("function_process.py")), *path],
            env=settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(folder / "function.log").open("w"),
            text=True,
        ) as function:

            def invoke(event: dict[str, Any]) -> dict[str, Any]:
                assert function.stdin
                assert function.stdout
                function.stdin.write(json.dumps(event) + "\n")
                function.stdin.flush()
                return dict(json.loads(function.stdout.readline()))

            name = f"an AWS that answers after {AWS_SECONDS * 1000:.0f} ms"
            yield Sender(name, graph_url, lambda: str(uuid.uuid4()), invoke, lambda: [function.pid])
            assert "pool is full" not in (folder / "function.log").read_text(encoding="utf-8")
    finally:
        processes.stop_all()


def deployed(stack: Stack) -> Sender:
    """The deployed function, with everything that would take its messages or its cores from it switched off."""
    aws, dynamodb = stack.client("lambda"), stack.client("dynamodb")
    for mapping in aws.list_event_source_mappings()["EventSourceMappings"]:
        aws.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    messages = DynamoDBMessages(dynamodb, stack.outputs["MessagesTableName"], now)
    app = DynamoDBApps(dynamodb, stack.outputs["AppsTableName"], 60).get(stack.apps[0].app_name)
    assert app
    stack.administer({"action": "set_pace", "appName": app.app_name, "messagesPerSecond": 1_000})
    of = stack.apps[0]
    number = (
        {"phoneNumberId": of.phone_number_id, "wabaId": of.waba_id, "accessToken": of.access_token} | _SHOWN | _QUICK
    )
    call("POST", f"{stack.graph_url}/_control/configuration", {"numbers": [number]})
    functions = [found["FunctionName"] for found in aws.list_functions()["Functions"]]
    (name,) = [found for found in functions if "-SendMessageFunction-" in found]

    def accept() -> str:
        request = SendRequest(f"91{random.randrange(10**10):010}", TEMPLATE)
        return accept_message(
            app, request, messages=messages, media=FakeMediaStore(), uploads=FakeUploads(), now=now
        ).message_id

    def invoke(event: dict[str, Any]) -> dict[str, Any]:
        return dict(json.loads(aws.invoke(FunctionName=name, Payload=json.dumps(event).encode())["Payload"].read()))

    pids = lambda: processes_with(str(ROOT / ".local/bench-stack"), name)  # noqa: E731
    return Sender("the local AWS", stack.graph_url, accept, invoke, pids)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
