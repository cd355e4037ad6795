"""Waits: jittered, growing, and never longer than a minute."""

from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.backoff import full_jitter


@given(st.integers(-5, 10_000), st.floats(0.01, 100))
def test_a_wait_is_from_one_second_to_a_minute(tries: int, base: float) -> None:
    assert 1 <= full_jitter(tries, base) <= 60


def test_it_grows_with_the_tries_and_spreads() -> None:
    first, fifth = ([full_jitter(tries, 2) for _ in range(500)] for tries in (1, 5))

    assert max(first) <= 2
    assert 2 < max(fifth) <= 32
    assert len(set(fifth)) > 10


def test_a_longest_of_ones_own() -> None:
    assert max(full_jitter(20, 5, longest=3) for _ in range(100)) <= 3
