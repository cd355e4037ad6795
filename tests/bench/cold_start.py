"""`make bench`: what a function's start costs, as ratios of CPU time, each pair run in turns on this machine.

Compared are the built artifacts as `make build` leaves them, and the same without their precompiled modules, as
`sam build` alone would. Absolute times say nothing of Lambda; the ratio of one machine holds roughly on another.
"""

import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from local.build import build, machine_architecture
from local.progress import Progress
from tests.build.artifacts import FUNCTIONS, runtime_libraries, search_path
from tests.build.test_artifacts import SETTINGS

ROUNDS = 7


def main() -> int:
    made = build(machine_architecture(), Progress(sys.stderr))
    with tempfile.TemporaryDirectory() as folder:
        runtime = Path(folder) / "runtime"
        runtime.mkdir()
        runtime_libraries(runtime)
        plain = Path(folder) / "plain"
        shutil.copytree(made.path, plain, ignore=shutil.ignore_patterns("__pycache__"))
        nothing = statistics.median(_cpu_seconds([], "pass") for _ in range(ROUNDS))
        say(f"CPU of a start in multiples of a bare python's, median of {ROUNDS}")
        say(f"{'function':18}{'precompiled':>14}{'as sam build':>14}{'ratio':>8}")
        for function in FUNCTIONS:
            path = search_path(made, function, runtime)
            without = [part.replace(str(made.path), str(plain)) for part in path]
            pairs = [(_cpu_seconds(path), _cpu_seconds(without)) for _ in range(ROUNDS)]
            compiled, source = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
            say(f"{function:18}{compiled / nothing:>14.1f}{source / nothing:>14.1f}{source / compiled:>8.2f}")
    return 0


def _cpu_seconds(path: list[str], work: str = "import handler") -> float:
    """The CPU time of one start. `-B`: what is not compiled stays so, as on Lambda's read-only disk."""
    before = _children()
    code = f"import sys; sys.path[:0] = {path!r}; {work}"
    subprocess.run([sys.executable, "-I", "-S", "-B", "-c", code], env=SETTINGS, check=True)
    return _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
