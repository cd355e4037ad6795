"""Time is an integer of milliseconds since the epoch; outside it is RFC 3339 in UTC."""

from datetime import UTC, datetime

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def to_rfc3339(milliseconds: int) -> str:
    """`1795338000123` → `2026-11-22T09:00:00Z`: whole seconds, as the guide shows them."""
    return datetime.fromtimestamp(milliseconds // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
