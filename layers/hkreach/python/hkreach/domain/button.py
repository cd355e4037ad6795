"""Values for the variable parts of a template's buttons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

type ButtonType = Literal["url", "quick_reply", "copy_code"]

MAX_BUTTONS = 10
MAX_URL_TEXT = 2_000
MAX_PAYLOAD = 256
"""Meta states no limit for a template's; this is that of the buttons of other messages."""
MAX_CODE = 20
"""Meta's pages say 15 in one place and 20 in another."""

_PARAMETERS: Mapping[ButtonType, str] = {"url": "text", "quick_reply": "payload", "copy_code": "coupon_code"}


@dataclass(frozen=True, slots=True)
class ButtonParam:
    """The value for one button: what ends its URL, what comes back when it is tapped, or the code it copies."""

    index: int
    """Its position in the template, from 0."""
    type: ButtonType
    value: str


def check_indexes(indexes: Sequence[int]) -> None:
    """Raises ValueError if two values are for one button."""
    if twice := sorted({index for index in indexes if indexes.count(index) > 1}):
        raise ValueError(f"has more than one value for the button at index {twice[0]}")


def meta_button(button: ButtonParam) -> dict[str, Any]:
    """The component that Meta wants, one for each button that has a variable."""
    kind = _PARAMETERS[button.type]
    parameter = {"type": kind, kind: button.value}
    return {"type": "button", "sub_type": button.type, "index": str(button.index), "parameters": [parameter]}
