"""MiniStack, the local AWS: one process on loopback, with IAM enforcement on."""

import os
import shutil
from pathlib import Path

from local.commands import ROOT
from local.loopback import answers
from local.stack.processes import Processes, wait_until

PYTHON = ROOT / ".local/venvs/ministack/bin/python"
READY_SECONDS = 60.0


def start_ministack(processes: Processes, state_dir: Path, port: int) -> str:
    """Start it and return the address of every AWS service of it, once it answers."""
    folder = (state_dir / "tmp").resolve()
    # Workers of the last run leave their unpacked code behind.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    process = processes.start(
        "aws", [str(PYTHON), "-m", "ministack"], cwd=folder, environment=environment(folder, port)
    )
    # By number: boto3 puts bucket names before a host name, and no *.localhost resolves in Python.
    endpoint_url = f"http://127.0.0.1:{port}"
    wait_until(process, lambda: is_ready(endpoint_url) or None, READY_SECONDS)
    return endpoint_url


def environment(folder: Path, port: int) -> dict[str, str]:
    """Return all that MiniStack gets to see. It hands its environment to the functions: nothing of ours is in it."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": os.environ.get("HOME", str(folder)),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        # Its defaults listen on every interface.
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # Calls of the functions are held to their roles.
        "AUTH": "true",
    }


def is_ready(endpoint_url: str) -> bool:
    """Whether it answers."""
    return answers(f"{endpoint_url}/_ministack/health")
