"""What the local stack starts and ends: its own programs, and nothing else."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.progress import CommandError
from local.stack.processes import Process, Processes, birth, first_json_line, wait_until

SLEEP = [sys.executable, "-c", 'import time; print(\'{"url": "http://here"}\', flush=True); time.sleep(60)']


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path)
    yield processes
    processes.stop_all()


def test_a_program_is_ready_when_it_says_so(processes: Processes, tmp_path: Path) -> None:
    process = processes.start("sleeper", SLEEP, cwd=tmp_path)
    assert wait_until(process, lambda: first_json_line(process.log), 10) == {"url": "http://here"}
    assert process.is_running


def test_what_was_started_is_ended_by_another_command(processes: Processes, tmp_path: Path) -> None:
    process = processes.start("sleeper", SLEEP, cwd=tmp_path)
    assert [process] == Processes(tmp_path).stop_all()
    assert not process.is_running
    assert Processes(tmp_path).stop_all() == []


def test_what_a_program_started_ends_with_it(processes: Processes, tmp_path: Path) -> None:
    code = (
        "import subprocess, time; child = subprocess.Popen(['sleep', '60']);"
        "print('{\"pid\": %d}' % child.pid, flush=True); time.sleep(60)"
    )
    process = processes.start("parent", [sys.executable, "-c", code], cwd=tmp_path)
    child = wait_until(process, lambda: first_json_line(process.log), 10)["pid"]
    assert isinstance(child, int)
    assert birth(child)
    processes.stop_all()
    deadline = time.monotonic() + 10  # it was told to; a busy machine takes a moment to end it
    while birth(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert birth(child) is None


def test_a_program_that_ignores_the_polite_signal_is_ended(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.stack.processes.STOP_SECONDS", 0.2)
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('{}', flush=True); time.sleep(60)"
    process = processes.start("stubborn", [sys.executable, "-c", code], cwd=tmp_path)
    wait_until(process, lambda: first_json_line(process.log), 10)
    assert [process] == processes.stop_all()
    assert not process.is_running


def test_a_process_that_only_has_the_same_id_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        stale = Process("aws", other.pid, "born at another time", "no log")
        (tmp_path / "processes.json").write_text(json.dumps([dataclasses.asdict(stale)]), encoding="utf-8")
        assert Processes(tmp_path).stop_all() == []
        assert other.poll() is None
        other.kill()


def test_a_program_that_ends_while_starting_is_told_with_its_last_words(processes: Processes, tmp_path: Path) -> None:
    process = processes.start("short", [sys.executable, "-c", "print('port taken'); exit(1)"], cwd=tmp_path)
    with pytest.raises(CommandError, match="short ended while starting") as caught:
        wait_until(process, lambda: first_json_line(process.log), 10)
    assert caught.value.detail == "port taken"


def test_a_process_that_has_ended_has_no_birth() -> None:
    assert birth(os.getpid())
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    assert birth(ended.pid) is None
