"""The programs as they are run: one line with the address, then service until they are told to stop."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.local.running import CONFIGURATION, NUMBER, TIMEOUT, TOKEN

pytestmark = pytest.mark.loopback

ROOT = Path(__file__).parents[2]


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Run a program; yield it with the line that it printed."""
    command = [sys.executable, "-m", *arguments, "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def test_meta_serves_its_configuration_until_it_is_stopped(tmp_path: Path) -> None:
    config = tmp_path / "meta.json"
    config.write_text(json.dumps(CONFIGURATION), encoding="utf-8")
    with running("local.meta", "--config", str(config)) as (process, printed):
        headers = {"Authorization": f"Bearer {TOKEN}"}
        node = requests.get(f"{printed['graphUrl']}/v25.0/{NUMBER}", headers=headers, timeout=TIMEOUT)
        assert node.json()["id"] == NUMBER
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0


def test_inbox_serves_until_it_is_interrupted() -> None:
    with running("local.inbox") as (process, printed):
        assert requests.get(printed["inboxUrl"], timeout=TIMEOUT).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT) == 0


def test_meta_says_what_is_wrong_with_its_configuration(tmp_path: Path) -> None:
    config = tmp_path / "meta.json"
    config.write_text('{"nubers": []}', encoding="utf-8")
    command = [sys.executable, "-m", "local.meta", "--port", "0", "--config", str(config)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    assert ended.returncode == 2
    assert "configuration has no field 'nubers'" in ended.stderr
