"""`make bench`: what a callback of Meta's costs: one item, ten posters at once, 1,000 items in nearly 3 MB.

The step with its real adapters, each poster a process of its own, as Lambda would have it; an AWS that answers each
call after five milliseconds and costs nothing (`canned_aws`). Meta wants a median answer within 250 ms; the function's
start and the way to it are not in these times. `python -m tests.bench.receive_cost`.
"""

import io
import json
import multiprocessing
import statistics
import subprocess
import sys
import time
import uuid
from typing import Any

from aws_lambda_powertools import Logger

from hkreach.adapters.aws import client
from hkreach.adapters.clock import now
from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.dynamodb_inbound import DynamoDBInbound
from hkreach.adapters.dynamodb_messages import DynamoDBMessages
from hkreach.adapters.dynamodb_numbers import DynamoDBNumbers
from hkreach.domain.signature import sign
from hkreach.usecases.receive_meta import ReceiveMeta
from tests.aws import ENVIRONMENT, environment
from tests.bench.canned_aws import APPS_TABLE, NUMBERS_TABLE
from tests.builders import NUMBER, RECIPIENT
from tests.fakes.secrets import FakeMetaApp
from tests.fakes.stores import FakeStatusQueue

DELAY = 0.005
META_WANTS = 0.25
POSTERS = 10
CALLBACKS = 30
LARGE = 1_000
ROUNDS = 5
_PROCESSES = multiprocessing.get_context("spawn")


def _callback(items: int, letters: int) -> bytes:
    messages = [
        {"from": RECIPIENT, "id": f"wamid.{uuid.uuid4().hex}", "timestamp": "1795338060", "type": "text",
         "text": {"body": "x" * letters}}
        for _ in range(items)
    ]  # fmt: skip
    value = {"metadata": {"phone_number_id": NUMBER}, "messages": messages}
    return json.dumps({"entry": [{"id": "w", "changes": [{"field": "messages", "value": value}]}]}).encode()


def _posted(arguments: tuple[str, int, int, int]) -> list[float]:
    """Seconds of each of some callbacks, one after the other; the first is not counted."""
    aws_url, callbacks, items, letters = arguments
    Logger(service="hkreach", stream=io.StringIO())
    with environment(ENVIRONMENT | {"AWS_ENDPOINT_URL": aws_url}):
        dynamodb = client("dynamodb")
    receive = ReceiveMeta(
        DynamoDBMessages(dynamodb, "messages", now), DynamoDBApps(dynamodb, APPS_TABLE, 60), FakeMetaApp("secret"),
        now, DynamoDBNumbers(dynamodb, NUMBERS_TABLE), DynamoDBInbound(dynamodb, "messages", now), FakeStatusQueue(),
    )  # fmt: skip
    seconds = []
    for _ in range(callbacks + 1):
        body = _callback(items, letters)
        signature = f"sha256={sign('secret', body)}"
        began = time.perf_counter()
        assert {"recorded": items} == receive(body, signature)
        seconds.append(time.perf_counter() - began)
    return seconds[1:]


def main() -> int:
    """Print each as a ratio."""
    command = [sys.executable, "-m", "tests.bench.canned_aws", "--delay", str(DELAY)]
    aws = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert aws.stdout
        url = str(json.loads(aws.stdout.readline())["awsUrl"])
        one, ten, large = list[float](), list[float](), list[float]()
        for _ in range(ROUNDS):
            with _PROCESSES.Pool(1) as pool:
                one += pool.apply(_posted, ((url, CALLBACKS, 1, 100),))
                large += pool.apply(_posted, ((url, 1, LARGE, 2_700),))
            with _PROCESSES.Pool(POSTERS) as pool:
                for seconds in pool.map(_posted, [(url, CALLBACKS, 1, 100)] * POSTERS, chunksize=1):
                    ten += seconds
    finally:
        aws.terminate()
        aws.wait(10)
    alone = statistics.median(one)
    rows: list[tuple[str, Any, float]] = [
        ("1 item, 1 poster", statistics.median(one), 1),
        (f"1 item, {POSTERS} posters at once", statistics.median(ten), 1),
        (f"{LARGE:,} items of 3 KB, each", statistics.median(large), LARGE),
    ]
    for name, median, items in rows:
        sys.stdout.write(
            f"{name:28}  {median / items / alone:6.2f} x one   its callback {median / META_WANTS:6.2f} x 250 ms\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
