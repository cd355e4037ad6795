"""The subscriber of docs/subscribe.md, deployed as it stands there, hears what its rule asks for, and a replay."""

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from local.commands import ROOT
from local.stack.deployment import sam_environment
from tests.stack.world import World, eventually, number

STACK = "my-subscriber"
_TEXT = (ROOT / "docs/subscribe.md").read_text(encoding="utf-8")


def _block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", _TEXT, re.DOTALL)
    return str(found)


@pytest.fixture
def subscriber(world: World, tmp_path: Path) -> Iterator[str]:
    """The name of its function."""
    (tmp_path / "subscriber.yaml").write_text(_block("yaml"), encoding="utf-8")
    (tmp_path / ".local").symlink_to(ROOT / ".local")
    path = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    _run(world, ["bash", "-euc", _block("sh")], path | {"EVENT_BUS_NAME": world.stack.outputs["EventBusName"]})
    formation = world.stack.client("cloudformation")
    resources = formation.describe_stack_resources(StackName=STACK)["StackResources"]
    (name,) = [r["PhysicalResourceId"] for r in resources if r["ResourceType"] == "AWS::Lambda::Function"]
    yield name
    formation.delete_stack(StackName=STACK)


def test_the_subscriber_hears_of_what_failed_and_of_nothing_else(world: World, subscriber: str, tmp_path: Path) -> None:
    archive = _archive(world)
    well = world.send_template(world.app, to=number())
    to = number()
    world.meta_answers({"match": {"edge": "messages", "to": f"+{to}"}, "answer": {"graphError": 132001}})
    failed = world.send_template(world.app, to=to)
    world.until_status(world.app, well, "read")
    world.until_status(world.app, failed, "failed")

    (line,) = eventually(lambda: _heard(world, subscriber, failed), len)
    assert re.fullmatch(rf"failed: {failed} 132001 event evt_[0-9a-f]{{32}}", line)
    assert [] == _heard(world, subscriber, well)

    _replay(world, archive, tmp_path)
    lines = eventually(lambda: _heard(world, subscriber, failed), lambda seen: len(seen) > 1)
    assert {line} == set(lines), "the same event, with the same id"


def _heard(world: World, subscriber: str, message_id: str) -> list[str]:
    logs = world.stack.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{subscriber}")
    try:
        lines = [line for page in pages for event in page["events"] for line in event["message"].splitlines()]
    except logs.exceptions.ResourceNotFoundException:  # its first invocation makes the group
        return []
    return [line[line.index("failed:") :] for line in lines if f"failed: {message_id}" in line]


def _archive(world: World) -> str:
    """The archive that the template makes on AWS; the local AWS does not know it in a template."""
    events, bus = world.stack.client("events"), world.stack.outputs["EventBusName"]
    source = events.describe_event_bus(Name=bus)["Arn"]
    return str(events.create_archive(ArchiveName=f"a-{uuid.uuid4().hex[:8]}", EventSourceArn=source)["ArchiveArn"])


def _replay(world: World, archive: str, folder: Path) -> None:
    (mine,) = world.stack.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    (rule,) = [output["OutputValue"] for output in mine["Outputs"] if output["OutputKey"] == "RuleArn"]
    arns = {"ARCHIVE_ARN": archive, "RULE_ARN": rule, "EVENT_BUS_ARN": world.stack.outputs["EventBusArn"]}
    _run(world, [sys.executable, "-c", _block("python")], arns | {"HOME": str(folder)}, folder)


def _run(world: World, command: list[str], variables: Mapping[str, str], folder: Path | None = None) -> None:
    environment = sam_environment(world.stack.aws_endpoint_url) | variables
    done = subprocess.run(
        command,
        cwd=folder or Path(variables["HOME"]),
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{command}\n{done.stdout}\n{done.stderr}"[-3000:])
