"""npm's packages for the tests, as tests/security/npm locks them, in .local/npm: made once, until the lock changes."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from local.commands import last_lines, run_logged
from local.environments import one_at_a_time
from local.progress import CommandError
from tests.template import ROOT

LOCKED = ROOT / "tests/security/npm"
OUR_FAULT = {"EUSAGE", "EINTEGRITY", "EJSONPARSE", "ETARGET", "E404"}
"""npm's codes for a lock that does not fit; all others are the machine's or the network's."""


class NpmMissing(Exception):
    """This machine has no packages from npm; the text says why, in one line."""


def missing_for_npm() -> str | None:
    """What this machine lacks, in one line; None when it lacks nothing."""
    if absent := [command for command in ("node", "npm") if shutil.which(command) is None]:
        return f"{' and '.join(absent)} not installed here: Node 20 or newer brings both"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    major = re.match(r"v(\d+)\.", version)
    if major is None or int(major[1]) < 20:
        return f"Node 20 or newer is needed, this is {version or 'one that does not run'}"
    return None


def install(root: Path = ROOT, locked: Path = LOCKED, options: Sequence[str] = ()) -> Path:
    """The folder with `node_modules`, made by `npm ci` if need be, with these options too. No package's script runs.

    Raises NpmMissing when there is no Node or no registry, CommandError when the lock itself is at fault.
    """
    if lack := missing_for_npm():
        raise NpmMissing(lack)
    folder = root / ".local/npm"
    files = [locked / "package.json", locked / "package-lock.json"]
    expected = hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
    stamp = folder / "hkreach-stamp"
    # Two runs of the tests at once must not write it together: the second waits, then finds it made.
    with one_at_a_time(root):
        if stamp.is_file() and stamp.read_text() == expected and (folder / "node_modules").is_dir():
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        for file in files:
            shutil.copy(file, folder)
        _run_npm_ci(folder, root / ".local/logs/npm.log", options)
        stamp.write_text(expected)
    return folder


def _run_npm_ci(folder: Path, log: Path, options: Sequence[str]) -> None:
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    # npm's own first pause is 10 s.
    tries = ["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=3000"]
    command = ["npm", "ci", "--prefix", str(folder), *quiet, *tries, *options]
    try:
        run_logged(command, log, environment=os.environ, timeout=120, reason=_reason)
    except CommandError as failure:
        why = failure.detail.partition("\n")[0]
        if why in OUR_FAULT:
            raise
        raise NpmMissing(f"{failure} ({why}), is npm's registry in reach? The whole output: {log}") from failure


def _reason(output: str) -> str:
    """npm's code, and the end of what it says."""
    code = re.search(r"^npm (?:error|ERR!) code (\w+)", output, re.MULTILINE)
    return f"{code[1]}\n{last_lines(output)}" if code else last_lines(output)
