"""A number in any usual spelling becomes digits; anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.recipient import parse_recipient


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("919999999999", "919999999999"),
        ("+919999999999", "919999999999"),
        ("+91 (99999) 999-99", "919999999999"),
        ("+852 9123-4567", "85291234567"),
        ("1234567", "1234567"),
        ("123456789012345", "123456789012345"),
        ("+1\u00a0631\u00a0555\u00a01234", "16315551234"),
    ],
)
def test_what_is_a_number(text: str, expected: str) -> None:
    assert expected == parse_recipient(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "+", "123456", "1234567890123456", "++919999999999", "91+9999999999", "91999999999a", "00x", "tel:+9199999",
        "919999999999\n", "٩١٩٩٩٩٩٩٩٩٩٩", "919999999999,918888888888", "91.9999.9999", "+ ", "919999999999;ext=1",
        "\t919999999999",
    ],
)  # fmt: skip
def test_what_is_not(text: str) -> None:
    with pytest.raises(ValueError, match="7 to 15 digits"):
        parse_recipient(text)


@given(st.text())
def test_whatever_comes_out_is_digits(text: str) -> None:
    try:
        digits = parse_recipient(text)
    except ValueError:
        return
    assert digits.isascii()
    assert digits.isdigit()
    assert 7 <= len(digits) <= 15


@given(st.from_regex(r"[0-9]{7,15}", fullmatch=True), st.data())
def test_decoration_changes_nothing(digits: str, data: st.DataObject) -> None:
    decorated = "".join(digit + data.draw(st.sampled_from(["", " ", "-", "(", ")"])) for digit in digits)

    assert digits == parse_recipient(f"+{decorated}")
