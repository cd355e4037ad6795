"""What a server's answer means, and what its Retry-After asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.webhook_answer import Answer, parse_retry_after

NOW = 1_795_338_000_000  # Sun, 22 Nov 2026 09:00:00 GMT


@pytest.mark.parametrize(
    ("status", "failure"),
    [(200, None), (204, None), (299, None), (199, "HTTP 199"), (302, "HTTP 302"), (410, "HTTP 410"),
     (None, "no answer")],
)  # fmt: skip
def test_only_2xx_is_taken(status: int | None, failure: str | None) -> None:
    assert failure == Answer(status).failure


@pytest.mark.parametrize(
    ("header", "milliseconds"),
    [
        (None, None),
        ("", None),
        ("0", 0),
        (" 120 ", 120_000),
        ("9" * 5_000, 10**12),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("Sun, 22 Nov 2026 09:02:00 GMT", 120_000),
        ("Sunday, 22-Nov-26 09:02:00 GMT", 120_000),
        ("Sun Nov 22 09:02:00 2026", 120_000),
        ("Sun, 22 Nov 2026 10:02:00 +0100", 120_000),
        ("Sun, 22 Nov 2026 08:00:00 GMT", 0),
        ("Sun, 22 Nov 99999 08:00:00 GMT", None),
        ("Sun, 99 Nov 2026 08:00:00 GMT", None),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
        ("Sun, 22 Nov 2026 08:00:00 +99999999999999", None),
    ],
)
def test_seconds_or_a_date(header: str | None, milliseconds: int | None) -> None:
    assert milliseconds == parse_retry_after(header, NOW)


@given(st.one_of(st.text(), st.from_regex(r"\w{3}, \d{1,9} \w{3} \d{1,12} \d+:\d+:\d+ [+-]?\w+", fullmatch=True)))
def test_whatever_it_says_it_is_read(header: str) -> None:
    wait = parse_retry_after(header, NOW)

    assert wait is None or wait >= 0
