"""The classes of faults that the Outbox has to stand, and which of the harness's own kinds belong to each."""

from collections import Counter
from collections.abc import Mapping

CLASSES: Mapping[str, tuple[str, ...]] = {
    "killed before a call": ("killed before",),
    "killed after a call": ("killed after",),
    "paused, and gone on much later": ("paused",),
    "Lambda's time-out": ("Lambda timed out", "Lambda: record out of time", "Lambda: little time left"),
    "partial batch": ("partial batch",),
    "overtaken by another worker": ("overtaken",),
    "conditional check lost": ("conditional check lost",),
    "table throttled": ("throttled",),
    "call failed before or after it was done": ("failed before", "failed after"),
    "stream record repeated": ("stream records repeated",),
    "stream record late": ("stream late",),
    "stream record dropped": ("stream records dropped",),
    "queue message repeated": ("queue record doubled",),
    "queue message late": ("queue record late",),
    "queue message redelivered while in work": ("queue record redelivered",),
    "queue message lost": ("queue record lost",),
    "queue or bus refused an entry": ("queue refused", "bus refused"),
    "connection refused": ("meta: not processed, no_connection",),
    "429 and other refusals to process": ("meta: not processed, 1", "meta: stops everybody"),
    "Meta asks to wait": ("meta: Retry-After",),
    "account halted": ("meta: account refused",),
    "refused for good": ("meta: refused for good",),
    "reset before acceptance": ("meta: reset before",),
    "reset after acceptance": ("meta: taken, then reset",),
    "time-out after acceptance": ("meta: taken, then time-out",),
    "5xx after acceptance": ("meta: taken, then 5xx",),
    "malformed 200": ("meta: taken, then malformed 200",),
    "200 without an id": ("meta: taken, then 200 without an id",),
    "upload failed": ("upload",),
    "address does not give its file": ("address",),
    "Meta forgot a file": ("meta: forgot the file",),
    "status before the answer": ("callbacks before the answer",),
    "status repeated": ("callback repeated",),
    "statuses reordered": ("callbacks out of order",),
    "status late": ("callbacks late",),
    "status never": ("callbacks never come",),
    "status left out": ("callbacks: read without delivered",),
    "status failed": ("callbacks: failed", "callbacks: sent, failed"),
    "status without the echo": ("callbacks without the echo", "failed callback without the echo"),
    "error of the account called back": ("callback with an error of the account",),
    "webhook refused": ("webhook refused",),
    "clock skew": ("clock skewed",),
    "operator's call short of time": ("operator's call short of time",),
}


def by_class(kinds: Counter[str]) -> Mapping[str, int]:
    """How often each class came; every kind must belong to one."""
    counts = dict.fromkeys(CLASSES, 0)
    for kind, times in kinds.items():
        counts[next(name for name, starts in CLASSES.items() if kind.startswith(starts))] += times
    return counts
