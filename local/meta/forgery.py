"""Callbacks made by hand: any content, signed well, badly or not at all."""

from dataclasses import dataclass
from typing import Any, Literal

from local.meta.wire import escaped_json, signature
from local.typed_json import JsonError


@dataclass(frozen=True)
class CallbackOrder:
    """A callback to send once."""

    value: dict[str, Any] | list[Any] | None = None
    raw: str | None = None
    """The body as text, instead of a value."""
    body: Literal["whole", "truncated", "altered"] = "whole"
    signature: Literal["valid", "of_whole", "omitted", "forged", "truncated"] = "valid"
    """`valid` signs the bytes that are sent, `of_whole` those before they were truncated or altered."""


def prepare(order: CallbackOrder, app_secret: str) -> tuple[bytes, str | None]:
    """Return the bytes to send and the value of X-Hub-Signature-256, None to send none."""
    if (order.value is None) == (order.raw is None):
        raise JsonError("a callback has either a value or a raw text")
    whole = escaped_json(order.value) if order.raw is None else order.raw.encode()
    sent = {"whole": whole, "truncated": whole[: len(whole) // 2], "altered": whole + b" "}[order.body]
    valid = signature(app_secret, sent)
    return sent, {
        "valid": valid,
        "of_whole": signature(app_secret, whole),
        "omitted": None,
        "forged": signature(app_secret + "-forged", sent),
        "truncated": valid[:-8],
    }[order.signature]
