"""Keys: their form, the checksum that finds every slip, and the digest that is stored."""

import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain import api_key

ALPHABET = string.digits + string.ascii_letters
SAMPLE = "hkr_live_SampleKey1_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg4cenX6"


def test_a_new_key_has_its_form_and_is_new() -> None:
    keys = [api_key.issue() for _ in range(50)]

    assert all(key == api_key.parse(key.text) for key in keys)
    assert {len(SAMPLE)} == {len(key.text) for key in keys}
    assert 50 == len({key.key_id for key in keys}) == len({key.text for key in keys})


def test_a_key_as_it_was_issued_once_stays_valid() -> None:
    key = api_key.parse(SAMPLE)

    assert key is not None
    assert ("SampleKey1", hashlib.sha256(SAMPLE.encode()).hexdigest()) == (key.key_id, key.digest)


def test_only_its_own_digest_matches() -> None:
    one, other = api_key.issue(), api_key.issue()

    assert one.matches(one.digest)
    assert not one.matches(other.digest)
    assert not one.matches("")


def test_a_key_does_not_show_itself() -> None:
    assert "ApiKey(key_id='SampleKey1')" == repr(api_key.parse(SAMPLE))


@pytest.mark.parametrize("position", range(len(SAMPLE)))
def test_every_single_slip_is_found(position: int) -> None:
    for letter in ALPHABET + "_- é":
        mistyped = SAMPLE[:position] + letter + SAMPLE[position + 1 :]
        assert mistyped == SAMPLE or api_key.parse(mistyped) is None


@pytest.mark.parametrize("position", range(len(SAMPLE) - 1))
def test_two_letters_exchanged_are_found(position: int) -> None:
    mistyped = SAMPLE[:position] + SAMPLE[position + 1] + SAMPLE[position] + SAMPLE[position + 2 :]

    assert mistyped == SAMPLE or api_key.parse(mistyped) is None


@pytest.mark.parametrize(
    "text", ["", SAMPLE[:-1], SAMPLE + "0", f" {SAMPLE}", f"{SAMPLE}\n", SAMPLE.upper(), "Bearer x"]
)
def test_other_forms_are_no_keys(text: str) -> None:
    assert api_key.parse(text) is None


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    assert api_key.parse(text) is None
