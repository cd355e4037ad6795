"""Each built function under the Lambda runtime emulator that aws-sam-cli ships, with its sample events.

The emulator runs the built artifact with Lambda's own runtime client and nothing else; AWS is the deployed stack's.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from local.build import machine_architecture
from local.commands import ROOT
from local.stack.ports import free_port
from tests.build.artifacts import FUNCTIONS, built, runtime_libraries, search_path
from tests.stack.world import World, eventually

EMULATOR = (
    ROOT
    / ".local/venvs/sam/lib/python3.13/site-packages/samcli/local/rapid"
    / ("aws-lambda-rie-arm64" if platform.machine() in {"arm64", "aarch64"} else "aws-lambda-rie-x86_64")
)
DONE = {"batchItemFailures": []}
# What each sample event must come to on a stack that does not know the samples' app, keys and secrets.
EXPECTED: dict[str, dict[str, Any]] = {
    "accept_message/send_template": {"statusCode": 401},
    "accept_message/send_document": {"statusCode": 401},
    "read_message/status": {"statusCode": 401},
    "manage_media/announce": {"statusCode": 401},
    "manage_media/state": {"statusCode": 401},
    "manage_leads/create": {"statusCode": 401},
    "manage_leads/stages": {"statusCode": 401},
    **{
        f"manage_app/{call}": {"statusCode": 401}
        for call in ("create", "list", "show", "change", "delete", "rotate", "test", "pause", "resume")
    },
    "manage_media/content": {"statusCode": 401},
    "relay_outbox/new_message": DONE,
    "relay_outbox/image_received": DONE,
    "fetch_media/queued": DONE,
    "fetch_media/received": DONE,
    "send_message/queued": DONE,
    "read_message/timeline": {"statusCode": 401},
    "wake_due/every_minute": {"woken": 0, "reminded": 0, "deliveries": 0},
    "receive_meta/handshake": {"statusCode": 403},
    "receive_meta/status_delivered": {"statusCode": 401},
    "receive_meta/text_received": {"statusCode": 401},
    "relay_events/status_delivered": DONE,
    "relay_events/message_received": DONE,
    "relay_events/lead_moved": DONE,
    "relay_events/meta_news": DONE,
    "relay_events/image_stored": DONE,
    "deliver_webhook/status_delivered": DONE,
    "deliver_webhook/delivery_due": DONE,
    "deliver_webhook/deliveries_due": DONE,
    "deliver_webhook/event_forwarded": DONE,
    "administer/show_app": {"error": {"code": "not_found", "detail": "There is no app 'mystore'.", "errors": []}},
    "administer/issue_key": {"error": {"code": "not_found", "detail": "There is no app 'mystore'.", "errors": []}},
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_built_function_answers_its_sample_events(world: World, function: str, tmp_path: Path) -> None:
    samples = [name for name in EXPECTED if name.startswith(f"{function}/")]
    assert samples
    with emulated(world, function, tmp_path) as invoke:
        for name in samples:
            answer = invoke(json.loads((ROOT / f"events/{name}.json").read_text(encoding="utf-8")))
            assert EXPECTED[name] == {key: answer.get(key) for key in EXPECTED[name]}, name


def test_the_built_api_accepts_a_message_of_an_app_that_it_knows(world: World, tmp_path: Path) -> None:
    event = json.loads((ROOT / "events/accept_message/send_document.json").read_text(encoding="utf-8"))
    event["headers"] |= world.app.headers
    with emulated(world, "accept_message", tmp_path) as invoke:
        answer = invoke(event)
    assert 202 == answer["statusCode"], answer
    world.until_status(world.app, json.loads(answer["body"])["messageId"], "read")


@contextmanager
def emulated(world: World, function: str, folder: Path) -> Iterator[Any]:
    """The function in an emulator of its own; gives a callable that invokes it."""
    port, runtime_port = free_port(), free_port()
    with (folder / "emulator.log").open("wb") as log:
        emulator = subprocess.Popen(
            [
                str(EMULATOR),
                "--runtime-interface-emulator-address",
                f"127.0.0.1:{port}",
                "--runtime-api-address",
                f"127.0.0.1:{runtime_port}",
                *(sys.executable, "-S", "-m", "awslambdaric", "handler.lambda_handler"),
            ],
            env=_environment(world, function, folder),
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        try:
            url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
            eventually(lambda: _listens(port) or emulator.poll() is not None, bool, 20)
            yield lambda event: requests.post(url, json=event, timeout=60).json()
        finally:
            emulator.terminate()
            emulator.wait(10)


def _environment(world: World, function: str, folder: Path) -> dict[str, str]:
    """The deployed function's own settings, and where its modules and its AWS are."""
    lambda_client = world.stack.client("lambda")
    names = [
        found["FunctionName"]
        for page in lambda_client.get_paginator("list_functions").paginate()
        for found in page["Functions"]
    ]
    (name,) = [found for found in names if f"-{FUNCTIONS[function]}-" in found]
    variables = lambda_client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    libraries = folder / "runtime"
    libraries.mkdir()
    path = search_path(built(machine_architecture()), function, runtime_libraries(libraries))
    return dict(variables) | {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(path),
        "AWS_ENDPOINT_URL": world.stack.aws_endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": world.stack.aws_region,
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "60",
    }


def _listens(port: int) -> bool:
    try:
        requests.get(f"http://127.0.0.1:{port}/", timeout=1)
    except requests.RequestException:
        return False
    return True
