"""What was built, and a Python that has nothing beside it but what Lambda's own runtime brings."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.build import Build, build
from local.commands import ROOT
from local.progress import Progress

FUNCTIONS = {
    path.parent.name: "".join(word.title() for word in path.parent.name.split("_")) + "Function"
    for path in sorted((ROOT / "functions").glob("*/handler.py"))
}
"""`send_message` → `SendMessageFunction`, its artifact."""
_OF_THE_RUNTIME = (
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "dateutil",
    "six.py",
    "awslambdaric",
    "simplejson",
    "snapshot_restore_py",
)
_SITE_PACKAGES = ROOT / ".local/venvs/sam/lib/python3.13/site-packages"


def built(arch: str) -> Build:
    """The artifacts of all functions and layers; made anew only if a source changed."""
    return build(arch, Progress(sys.stderr))


def runtime_libraries(folder: Path) -> Path:
    """A folder with what Lambda's Python runtime brings, and nothing else."""
    for name in (*_OF_THE_RUNTIME, *(path.name for path in _SITE_PACKAGES.glob("runtime_client*"))):
        (folder / name).symlink_to(_SITE_PACKAGES / name)
    return folder


def search_path(made: Build, function: str, runtime: Path) -> list[str]:
    """Where a function finds its modules, in Lambda's order: code, layers, runtime."""
    layers = [made.path / layer / "python" for layer in ("DependenciesLayer", "HkreachLayer")]
    return [str(path) for path in (made.path / FUNCTIONS[function], *layers, runtime)]


def run_python(code: str, environment: dict[str, str]) -> str:
    """Run code in a Python without site-packages, user folders or variables of its own; returns what it prints."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        pytest.fail(done.stderr[-2000:])
    return done.stdout
