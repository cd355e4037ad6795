"""Makes the virtual environments from uv.lock, and leaves alone those that are up to date.

Standard library only, since it runs before anything is installed; `make` reaches it through local/setup.sh.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENVS = Path(".local/venvs")
LOCKED = ("uv.lock", "pyproject.toml", "layers/hkreach/pyproject.toml")


class SetupError(Exception):
    """Something is missing or failed; the text says what, and what to do."""


@dataclass(frozen=True)
class Environment:
    """One virtual environment that `uv sync` makes from the lock."""

    path: Path
    purpose: str
    sync: tuple[str, ...]


ENVIRONMENTS = (
    Environment(Path(".venv"), "package, tests and tools", ()),
    Environment(VENVS / "sam", "AWS SAM", ("--only-group", "sam")),
    Environment(VENVS / "ministack", "the local AWS", ("--only-group", "ministack")),
)


def missing_for_setup() -> str | None:
    """What this machine lacks, in one line with the remedy; None when it lacks nothing."""
    if sys.version_info[:2] != (3, 13):
        return f"Python 3.13 is needed, this is {sys.version.split()[0]}: make PYTHON=/path/to/python3.13"
    # Debian ships venv without ensurepip until python3-venv is installed; only ensurepip tells.
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        return (
            f"{sys.executable} has no working venv module: install it "
            "(Debian and Ubuntu: sudo apt install python3.13-venv), then run make again"
        )
    if shutil.which("git") is None:
        return "git is missing: install it (Debian and Ubuntu: sudo apt install git), then run make again"
    return None


def pinned_uv(root: Path) -> str:
    """The requirement of uv as pyproject.toml pins it, such as `uv==0.13.9`."""
    pyproject = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    for requirement in pyproject["dependency-groups"]["dev"]:
        if isinstance(requirement, str) and requirement.startswith("uv=="):
            return requirement
    raise SetupError("pyproject.toml pins no uv==… in its dev group")


def fingerprint(root: Path, *extra: str) -> str:
    """Changes when a locked file, the interpreter or the folder changes: a virtual environment cannot be moved."""
    digest = hashlib.sha256()
    for part in (str(root), os.path.realpath(sys.executable), sys.version, *extra):
        digest.update(part.encode() + b"\0")
    for name in LOCKED:
        digest.update((root / name).read_bytes() + b"\0")
    return digest.hexdigest()


def is_current(root: Path, path: Path, expected: str) -> bool:
    """Whether the environment at `path` was made from exactly this, and still has an interpreter."""
    stamp = root / path / "hkreach-stamp"
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == expected and (root / path / "bin/python").exists()


def run_logged(command: list[str], root: Path, environment: Mapping[str, str] | None = None) -> None:
    """Run to the end; its output goes to the log, and the last of it into the error if it fails."""
    log = root / ".local/logs/setup.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        command,
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    with log.open("a", encoding="utf-8") as file:
        file.write(f"$ {' '.join(command)}\n{done.stdout}\n")
    if done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-8:])
        raise SetupError(f"{' '.join(command)} failed:\n{tail}\nThe whole output: {log}")


@contextlib.contextmanager
def one_at_a_time(root: Path) -> Iterator[None]:
    """Two makes at once must not write one environment together: the second waits, then finds it made."""
    (root / ".local").mkdir(exist_ok=True)
    with (root / ".local/setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install_uv(root: Path) -> Path:
    """The uv that pyproject.toml pins, in an environment of its own; nothing is installed for the whole machine."""
    requirement, venv = pinned_uv(root), VENVS / "uv"
    expected = hashlib.sha256(f"{root} {os.path.realpath(sys.executable)} {requirement}".encode()).hexdigest()
    if not is_current(root, venv, expected):
        announce(f"setup: installing {requirement}")
        run_logged([os.path.realpath(sys.executable), "-m", "venv", "--clear", str(venv)], root)
        run_logged([str(root / venv / "bin/python"), "-m", "pip", "install", "--quiet", requirement], root)
        (root / venv / "hkreach-stamp").write_text(expected, encoding="utf-8")
    return root / venv / "bin/uv"


def sync(root: Path, uv: Path, environment: Environment) -> None:
    """Make one environment hold exactly what the lock says, on this very interpreter."""
    variables = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    variables |= {
        "UV_PROJECT_ENVIRONMENT": str(environment.path),
        "UV_PYTHON": os.path.realpath(sys.executable),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
        # As pip does: whom the machine trusts, a company's own proxy say, uv trusts too.
        "UV_SYSTEM_CERTS": os.environ.get("UV_SYSTEM_CERTS", "1"),
    }
    run_logged([str(uv), "sync", "--frozen", *environment.sync], root, variables)


def announce(line: str) -> None:
    """Tell the user; flushed, so that progress shows through a pipe too."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def make_environments(root: Path) -> None:
    """Install what changed since the last time, and say what is reused."""
    uv = install_uv(root)
    reused = []
    for environment in ENVIRONMENTS:
        expected = fingerprint(root, *environment.sync)
        if is_current(root, environment.path, expected):
            reused.append(str(environment.path))
            continue
        announce(f"setup: installing {environment.path} ({environment.purpose})")
        started = time.monotonic()
        sync(root, uv, environment)
        (root / environment.path / "hkreach-stamp").write_text(expected, encoding="utf-8")
        announce(f"setup: {environment.path} ready after {time.monotonic() - started:.0f} s")
    if reused:
        announce(f"setup: reused {', '.join(reused)} (uv.lock unchanged)")


def main() -> int:
    """Return 0 when every environment is ready, and 1 with one plain reason when not."""
    if lack := missing_for_setup():
        announce(f"setup: {lack}")
        return 1
    try:
        with one_at_a_time(ROOT):
            make_environments(ROOT)
    except SetupError as error:
        announce(f"setup: {error}")
        return 1
    except KeyboardInterrupt:
        announce("setup: interrupted; run make again to go on")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
