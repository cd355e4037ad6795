"""What the documents tell people to type works as it stands there."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from local.commands import ROOT
from tests.stack.world import World

BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def _blocks(document: str) -> list[str]:
    return BLOCK.findall((ROOT / document).read_text(encoding="utf-8"))


def _run(world: World, script: str, folder: Path, **variables: str) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "SAM_CLI_TELEMETRY": "0",
        "AWS_ENDPOINT_URL": world.stack.aws_endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": world.stack.aws_region,
    }
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{script}\n{done.stdout}\n{done.stderr}"[-3000:])
    return done.stdout


def test_the_api_pages_commands_send_and_ask(world: World, tmp_path: Path) -> None:
    template, document, address, _, _, _, status = _blocks("docs/api.md")
    files = f"{world.stack.inbox_url}/files/"
    file = files.replace("/files/", "/_control/files/invoice-12345.pdf")
    assert world.http.put(file, data=b"%PDF-1.4\nAn invoice").ok
    (tmp_path / "invoice.pdf").write_bytes(b"%PDF-1.4\nAn invoice")
    app = {"API_URL": world.stack.api_url, "APP_NAME": world.app.app_name, "API_KEY": world.app.api_key}
    for command in (template, document, address.replace("https://files.example.com/", files)):
        message_id = json.loads(_run(world, command, tmp_path, **app))["messageId"]
        world.until_status(world.app, message_id, "read")
        answer = json.loads(_run(world, status, tmp_path, **app, MESSAGE_ID=message_id))
        assert {"status": "read", "messageId": message_id} == answer


def test_the_api_pages_commands_upload_a_file_and_send_it(world: World, tmp_path: Path) -> None:
    _, _, _, upload, state, send, _ = _blocks("docs/api.md")
    (tmp_path / "catalogue.pdf").write_bytes(b"%PDF-1.4\nA catalogue")
    app = {"API_URL": world.stack.api_url, "APP_NAME": world.app.app_name, "API_KEY": world.app.api_key}
    _run(world, upload, tmp_path, **app)
    app["MEDIA_ID"] = json.loads((tmp_path / "media.json").read_text())["mediaId"]
    assert "ready" == json.loads(_run(world, state, tmp_path, **app))["state"]
    message_id = json.loads(_run(world, send, tmp_path, **app))["messageId"]
    world.until_status(world.app, message_id, "read")


def test_the_operators_commands_reach_the_operators_function(world: World, tmp_path: Path) -> None:
    path, invoke = _blocks("docs/operations.md")
    # The same call with an event that changes nothing here, on the stack that is there.
    command = invoke.replace("hk-reach-dev", world.stack.stack_name).replace("set_meta_app.json", "show_app.json")
    for folder in ("events", ".local"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    answer = json.loads(_run(world, path + command, tmp_path))
    assert "not_found" == answer["error"]["code"]


def test_every_make_target_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    named = {
        name for document in documents for name in re.findall(r"`?make ([a-z-]+)", document.read_text(encoding="utf-8"))
    }
    assert {"demo", "up", "down", "test"} <= named & targets


def test_every_link_in_a_document_leads_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "local/meta/README.md"]:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            assert "://" in link or (document.parent / link).exists(), f"{document.name}: {link}"
