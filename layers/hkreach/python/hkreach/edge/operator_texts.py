"""The texts that an operator's calls are made of."""

import re
from typing import Annotated

from pydantic import AfterValidator


def _of(characters: str, called: str, least: int, most: int) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(f"[{characters}]{{{least},{most}}}", text):
            raise ValueError(f"must have {least} to {most} {called}")
        return text

    return AfterValidator(check)


_VISIBLE = (r"\x21-\x7e", "printable ASCII characters, no spaces")
type Text = Annotated[str, _of(*_VISIBLE, 1, 512)]
type Id = Annotated[str, _of("0-9", "digits", 1, 32)]
type Secret = Annotated[str, _of(*_VISIBLE, 16, 256)]
type Next = Annotated[str, _of("0-9", "digits, the answer's `next`,", 1, 16)]
