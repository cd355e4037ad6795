"""When the environments are made anew, and what is told when something is missing."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

from local.commands import ROOT
from local.environments import LOCKED, SetupError, fingerprint, is_current, missing_for_setup, pinned_uv, run_logged


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in LOCKED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_an_environment_is_made_anew_when_the_lock_changes(root: Path) -> None:
    environment = root / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin/python").touch()
    (environment / "hkreach-stamp").write_text(fingerprint(root), encoding="utf-8")
    assert is_current(root, Path(".venv"), fingerprint(root))
    (root / "uv.lock").write_text("changed", encoding="utf-8")
    assert not is_current(root, Path(".venv"), fingerprint(root))


def test_one_without_an_interpreter_is_none(root: Path) -> None:
    (root / ".venv").mkdir()
    (root / ".venv/hkreach-stamp").write_text(fingerprint(root), encoding="utf-8")
    assert not is_current(root, Path(".venv"), fingerprint(root))


def test_a_moved_repository_makes_its_environments_anew(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    moved = tmp_path_factory.mktemp("moved") / "repository"
    shutil.copytree(root, moved)
    assert fingerprint(root) != fingerprint(moved)


def test_uv_is_the_one_that_is_pinned() -> None:
    assert pinned_uv(ROOT).startswith("uv==")


def test_nothing_is_missing_here() -> None:
    assert missing_for_setup() is None


def test_a_python_without_venv_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())
    assert "apt install python3.13-venv" in str(missing_for_setup())


def test_a_missing_git_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert str(missing_for_setup()).startswith("git is missing")


def test_a_machine_without_python_3_13_gets_one_plain_line(tmp_path: Path) -> None:
    for name in ("sh", "dirname"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    for name in ("python3", "python3.13"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        ["sh", str(ROOT / "local/setup.sh")], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Python 3.13 is missing: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_failed_installation_shows_its_end_and_its_log(root: Path) -> None:
    with pytest.raises(SetupError, match=r"(?s)no network.*setup\.log"):
        run_logged(["sh", "-c", "echo no network; exit 1"], root)
