"""`python -m tests.bench.multipart`: what reading a form costs, our reader's CPU time to others', as ratios of one run.

Each reads the same bodies of 1 and 4 MB in turns: a file of random bytes, one of nothing but line ends, and two fields.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable

from tests.edge.conftest import field, file, form
from tests.edge.odd_forms import TYPE
from tests.edge.other_readers import OTHERS, Reading, ours

ROUNDS = 15
MEGABYTE = 1_000_000


def main() -> int:
    for size in (1, 4):
        contents = {"random bytes": os.urandom(size * MEGABYTE), "line ends": b"\r\n" * (size * MEGABYTE // 2)}
        for words, content in contents.items():
            body = form(field("to", "919999999999"), field("templateName", "invoice"), file(content))
            readers = {"ours": ours, "a copy": _copy} | OTHERS
            assert {(("invoice.pdf", content),)} == {read(body, TYPE)[1] for read in (ours, *OTHERS.values())}  # type: ignore[index]
            rounds = [{name: _cpu_seconds(read, body) for name, read in readers.items()} for _ in range(ROUNDS)]
            mine = statistics.median(each["ours"] for each in rounds)
            ratios = ", ".join(
                f"{name} {statistics.median(each[name] / each['ours'] for each in rounds):.2f}"
                for name in readers
                if name != "ours"
            )
            sys.stdout.write(
                f"{size} MB of {words}: ours 1 ({mine * 1_000:.2f} ms of CPU), {ratios}; medians of {ROUNDS} rounds\n"
            )
    return 0


def _copy(body: bytes, content_type: str) -> Reading | None:
    """What nobody can be faster than: the bytes once more."""
    bytearray(body)
    return None


def _cpu_seconds(read: Callable[[bytes, str], Reading | None], body: bytes) -> float:
    """Of four readings."""
    before = time.process_time()
    for _ in range(4):
        read(body, TYPE)
    return (time.process_time() - before) / 4


if __name__ == "__main__":
    sys.exit(main())
