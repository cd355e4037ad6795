"""`python -m local.stack up` brings the stack up in the background, `down` takes it down; `make up` and `make down`.

Reads AWS_PORT, META_PORT, INBOX_PORT, GRAPH_URL, WEBHOOK_URL and STATE_DIR, which make hands on as variables.
"""

import argparse
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from local.commands import ROOT
from local.progress import CommandError, Progress
from local.stack.lifecycle import Wanted, bring_up, take_down
from local.stack.ports import Ports


def read_wishes(variables: Mapping[str, str]) -> Wanted:
    """What the make variables ask for; empty ones ask for nothing."""
    return Wanted(
        state_dir=(ROOT / (variables.get("STATE_DIR") or ".local")).resolve(),
        ports=Ports(*(port(variables, name) for name in ("AWS_PORT", "META_PORT", "INBOX_PORT"))),
        graph_url=address(variables, "GRAPH_URL"),
        webhook_url=address(variables, "WEBHOOK_URL"),
    )


def port(variables: Mapping[str, str], name: str) -> int | None:
    """The number in the variable, 0 for any free port."""
    text = variables.get(name, "").strip()
    if not text:
        return None
    if not text.isdecimal() or int(text) > 65535:
        raise CommandError(f"{name} must be a port from 0 to 65535, not {text}")
    return int(text)


def address(variables: Mapping[str, str], name: str) -> str | None:
    """The http or https address in the variable."""
    text = variables.get(name, "").strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        complete = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        complete = False
    if not complete:
        raise CommandError(f"{name} must be an address such as http://127.0.0.1:9000, not {text}")
    # Paths are put after Meta's address; a webhook's address is taken to the letter.
    return text.rstrip("/") if name == "GRAPH_URL" else text


def end_on_signals() -> None:
    """A closed terminal and a polite kill end the command as Ctrl-C does: with its cleaning up."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)


def up(wanted: Wanted, progress: Progress) -> int:
    """Return when the stack is ready, and leave it running."""
    stack, _ = bring_up(wanted, progress)
    progress.seen(f"up: {stack.api_url}")
    progress.plain(f"          described in {shown(wanted.state_dir / 'stack.json')}; make down ends it")
    return 0


def down(wanted: Wanted, progress: Progress) -> int:
    """End the stack, and say what was ended."""
    stopped = take_down(wanted.state_dir, progress)
    names = ", ".join(f"{process.name} (pid {process.pid})" for process in stopped)
    progress.say(f"down: stopped {names}" if stopped else "down: nothing was running")
    return 0


def shown(path: Path) -> str:
    """The path as short as it can be given from the repository."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def main() -> int:
    """0 when done; 1 with the reason when not; 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m local.stack", description="The local stack, in the background.")
    parser.add_argument("command", choices=("up", "down"))
    command = {"up": up, "down": down}[parser.parse_args().command]
    progress = Progress()
    end_on_signals()
    try:
        return command(read_wishes(os.environ), progress)
    except CommandError as failure:
        return progress.fail(failure)
    except KeyboardInterrupt:
        progress.missed("interrupted: nothing was left running")
        return 130


if __name__ == "__main__":
    sys.exit(main())
