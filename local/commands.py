"""Runs a tool to its end, with its output in a log and only its reason for failing on the screen."""

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local.progress import CommandError

ROOT = Path(__file__).resolve().parent.parent


def run_logged(
    command: Sequence[str],
    log: Path,
    *,
    environment: Mapping[str, str],
    timeout: float | None = None,
    reason: Callable[[str], str] | None = None,
) -> None:
    """Run it in the repository, with its output added to the log.

    A failure shows what `reason` finds in the output, or the end of it. However this ends, by Ctrl-C too, nothing
    that the tool started goes on.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab+") as output:
        start = output.seek(0, os.SEEK_END)
        tool = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A group of its own, so that what it started ends with it.
            start_new_session=True,
        )
        ended = False
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                tool.wait(timeout)
                ended = True
        finally:
            if not ended:
                os.killpg(tool.pid, signal.SIGKILL)
                tool.wait()
        output.seek(start)
        told = output.read().decode(errors="replace")
    name = f"{Path(command[0]).name} {command[1]}"
    if not ended:
        raise CommandError(f"{name} did not end within {timeout:.0f} s", detail=last_lines(told), log=log)
    if tool.returncode:
        raise CommandError(f"{name} failed", detail=(reason or last_lines)(told), log=log)


def last_lines(output: str, count: int = 12) -> str:
    """The end of a program's output, without blank lines and colours: the reason is there."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    return "\n".join([line.rstrip() for line in plain.splitlines() if line.strip()][-count:])
