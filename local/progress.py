"""What the local commands tell the person who runs them: short lines, elapsed time, one plain reason on failure."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO


class CommandError(Exception):
    """A command cannot go on: what happened in one line, perhaps the end of some output, and where the log is."""

    def __init__(self, reason: str, *, detail: str = "", log: Path | None = None) -> None:
        super().__init__(reason)
        self.detail = detail
        self.log = log


class Progress:
    """Writes lines with the seconds since the start; colours only where a terminal shows them."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out if out is not None else sys.stdout
        self._started = time.monotonic()
        self._coloured = self._out.isatty() and "NO_COLOR" not in os.environ

    def say(self, text: str) -> None:
        """One line with the seconds since the start."""
        print(
            f"{self.paint(f'{time.monotonic() - self._started:6.1f} s', '2')}  {text}",
            file=self._out,
            flush=True,
        )

    def plain(self, text: str = "") -> None:
        """One line as it is, to be copied."""
        print(text, file=self._out, flush=True)

    def seen(self, text: str) -> None:
        """A step that was waited for has happened."""
        self.say(f"{self.paint('✓', '32')} {text}")

    def missed(self, text: str) -> None:
        """A step that was waited for has not happened."""
        self.say(f"{self.paint('✗', '31')} {text}")

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Announces a step that takes a while, then how long it took; silent about the end if it fails."""
        self.say(f"{text} …")
        started = time.monotonic()
        yield
        self.seen(f"{text}: {time.monotonic() - started:.1f} s")

    def fail(self, failure: CommandError) -> int:
        """Tell why it ended, and give the exit code for it."""
        self.missed(str(failure))
        if failure.detail:
            self.plain("\n".join(f"          {line}" for line in failure.detail.splitlines()))
        if failure.log is not None:
            self.plain(f"          log: {failure.log}")
        return 1

    def paint(self, text: str, code: str) -> str:
        """The text in a colour, where colours are shown."""
        return f"\x1b[{code}m{text}\x1b[0m" if self._coloured else text
