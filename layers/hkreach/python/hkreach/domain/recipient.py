"""The number a message goes to."""

import re

_DECORATION = re.compile(r"[ ()\-\u00a0]")
_DIGITS = re.compile(r"\+?([0-9]{7,15})")


def parse_recipient(text: str) -> str:
    """`+91 (99999) 999-99` → `919999999999`: the digits alone.

    Raises ValueError, saying what is expected. Meta must always be given a `+` before the digits: without it, it
    puts the sender's own country code in front (Meta, "Send messages", phone number formats).
    """
    match = _DIGITS.fullmatch(_DECORATION.sub("", text))
    if match is None:
        raise ValueError("must be a phone number with its country code: 7 to 15 digits, with or without +")
    return match[1]
