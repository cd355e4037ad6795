"""What Linux tells of processes: their CPU, their memory, the connections to a port of this machine."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def processes_with(*words: str) -> list[int]:
    """The ids of the processes whose command line holds all these words."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            command = (process / "cmdline").read_bytes().decode()
            if all(word in command for word in words):
                found.append(int(process.name))
    return found


def used_cpu(pids: Iterable[int]) -> float:
    """Seconds of CPU that the processes used since they started, in user and kernel."""
    return sum(sum(map(int, _stat(pid)[11:13])) / _TICKS for pid in pids)


def peak_megabytes(pid: int) -> float:
    """The most memory that the process held at once (VmHWM, which is getrusage's ru_maxrss)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def opened_connections(port: int) -> set[str]:
    """The clients' ends of the connections to a port here, those too that were closed in the last minute."""
    remote = f"0100007F:{port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="utf-8").splitlines()[1:]]
    return {local for _, local, to, *_ in rows if to == remote}


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on: 14 and 15 of the manual are 11 and 12 here."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
