"""Starts programs in the background, and ends those and no others."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from local.progress import CommandError

POLL_SECONDS = 0.05
STOP_SECONDS = 8.0


@dataclass(frozen=True)
class Process:
    """One program that we started. `born` tells it from a later program that got the same id."""

    name: str
    pid: int
    born: str
    log: str

    @property
    def is_running(self) -> bool:
        """Whether this very process still runs."""
        return birth(self.pid) == self.born


class Processes:
    """The programs of one stack, written to a file as they start, so that whoever comes later can end them."""

    def __init__(self, state_dir: Path) -> None:
        self._record = state_dir / "processes.json"
        self._logs = state_dir / "logs"
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self.started: list[Process] = self._read()

    def _read(self) -> list[Process]:
        try:
            return [Process(**entry) for entry in json.loads(self._record.read_text(encoding="utf-8"))]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError) as error:
            raise CommandError(f"{self._record} is not readable: end its processes by hand, then delete it") from error

    def _write(self) -> None:
        self._record.parent.mkdir(parents=True, exist_ok=True)
        self._record.write_text(json.dumps([asdict(process) for process in self.started], indent=2), encoding="utf-8")

    def start(
        self, name: str, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str] | None = None
    ) -> Process:
        """Start it in a session of its own (Ctrl-C at our terminal does not reach it) with its output in a log."""
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{name.replace(' ', '-')}.log"
        with log.open("wb") as output:
            child = subprocess.Popen(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        # Kept, because a child that ends is gone from the process table only once it is waited for.
        self._children[child.pid] = child
        process = Process(name, child.pid, birth(child.pid) or "", str(log))
        self.started.append(process)
        self._write()
        return process

    def stop_all(self) -> list[Process]:
        """End what still runs, last started first; return what was ended. Ctrl-C does not cut it short."""
        with uninterrupted():
            stopped = [process for process in reversed(self.started) if self._stop(process)]
            self.started = []
            self._record.unlink(missing_ok=True)
        return stopped

    def _stop(self, process: Process) -> bool:
        running = process.is_running
        if running:
            # Its group too: MiniStack runs each Lambda function as a process of its own.
            signal_group(process.pid, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while process.is_running and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            signal_group(process.pid, signal.SIGKILL)
        if child := self._children.pop(process.pid, None):
            child.wait()
        return running


def wait_until[T](process: Process, probe: Callable[[], T | None], timeout: float) -> T:
    """What the probe returns once it returns something; a failure when the program ends first or time is up."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if (answer := probe()) is not None:
            return answer
        if not process.is_running:
            raise CommandError(f"{process.name} ended while starting", detail=tail(process.log), log=Path(process.log))
        time.sleep(POLL_SECONDS)
    raise CommandError(
        f"{process.name} was not ready after {timeout:.0f} s", detail=tail(process.log), log=Path(process.log)
    )


def first_json_line(log: str) -> dict[str, object] | None:
    """The line of JSON with which our programs say that they are ready."""
    for line in Path(log).read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
        if line.startswith("{") and line.endswith("\n"):
            with contextlib.suppress(ValueError):
                answer: dict[str, object] = json.loads(line)
                return answer
    return None


def tail(log: str, count: int = 8) -> str:
    """The last lines of a log."""
    return "\n".join(Path(log).read_text(encoding="utf-8", errors="replace").splitlines()[-count:])


def birth(pid: int) -> str | None:
    """When the process with this id was started, to tell it from others; None when there is none that runs."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            # The name in brackets may hold anything: what is counted comes after the last bracket.
            state, *numbers = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        # A zombie has ended; field 22 of the line, the 19th after the state, is the start time.
        return None if state in "ZX" else numbers[18]
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip() or None


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signal a session that we started, if anything of it is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Cleaning up goes to its end, even when Ctrl-C is pressed twice."""
    held = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
