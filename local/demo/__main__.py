"""`make demo`: brings the stack up, sends through it, shows every step, and serves until Ctrl-C.

Without a terminal it ends after the show. 0 if every step was seen; 1 with what was missing.
"""

import os
import sys
import time

import requests

from local.demo.show import curl_lines, show
from local.loopback import call
from local.meta.settings import Settings
from local.progress import CommandError, Progress
from local.stack import Stack, Wanted, bring_up
from local.stack.__main__ import down, end_on_signals, read_wishes, shown


def demo(wanted: Wanted, progress: Progress) -> int:
    """Show it all; a stack that was up before stays up, one that was started for the demo is taken down."""
    if wanted.graph_url or wanted.webhook_url:
        raise CommandError("the demo looks into its own Meta and inbox: use make up with GRAPH_URL and WEBHOOK_URL")
    stack, was_up = bring_up(wanted, progress)
    try:
        missing = show(stack, progress)
        tell(stack, missing, wanted, progress)
        if sys.stdin.isatty() and sys.stdout.isatty():
            serve(wanted, progress)
    finally:
        if was_up:
            call("POST", f"{stack.graph_url}/_control/configuration", {"statusDelay": Settings().status_delay})
            progress.say("the stack was up before the demo and stays up; make down ends it")
        else:
            down(wanted, progress)
    return 1 if missing else 0


def tell(stack: Stack, missing: list[str], wanted: Wanted, progress: Progress) -> None:
    """Give the result, and what one may do next."""
    if missing:
        progress.missed(f"not seen: {'; '.join(missing)}")
        progress.plain(f"          logs: {shown(wanted.state_dir / 'logs')}")
    else:
        progress.seen("every step was seen")
    progress.plain("\nTry it yourself (what came to the inbox: " + f"{stack.inbox_url}/):\n")
    for line in curl_lines(stack):
        progress.plain(f"  {line}\n")
    progress.plain(f"The stack is described in {shown(wanted.state_dir / 'stack.json')}.\n")


def serve(wanted: Wanted, progress: Progress) -> None:
    """Wait for Ctrl-C, or for a `make down` elsewhere."""
    progress.say("serving; Ctrl-C ends it")
    try:
        while (wanted.state_dir / "stack.json").exists():
            time.sleep(0.5)
    except KeyboardInterrupt:
        progress.plain()


def main() -> int:
    """0 if every step was seen; 1 with the reason if not; 130 after Ctrl-C before the end of the show."""
    progress = Progress()
    end_on_signals()
    try:
        return demo(read_wishes(os.environ), progress)
    except CommandError as error:
        return progress.fail(error)
    except requests.RequestException as error:
        return progress.fail(CommandError(f"the API did not answer: {error}"))
    except KeyboardInterrupt:
        progress.missed("interrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main())
