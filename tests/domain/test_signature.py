"""Public vectors for what we sign, and all that is no signature of Meta's."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.signature import meta_signature_is_valid, sign

# GitHub's own example: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
VECTOR = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
SECRET, BODY = "It's a Secret to Everybody", b"Hello, World!"


def test_githubs_vector() -> None:
    assert VECTOR == sign(SECRET, BODY)
    assert meta_signature_is_valid(f"sha256={VECTOR}", BODY, [SECRET])


@given(st.text(st.characters(codec="utf-8")), st.binary())
def test_the_key_is_the_secrets_text_in_utf_8(secret: str, body: bytes) -> None:
    assert hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() == sign(secret, body)


def test_any_live_secret_will_do() -> None:
    for secrets in ([SECRET, "other"], ["other", SECRET], iter([SECRET])):
        assert meta_signature_is_valid(f"sha256={VECTOR}", BODY, secrets)


@pytest.mark.parametrize(
    "header",
    ["", VECTOR, "sha256=", "sha256", f"sha1={VECTOR}", f"SHA256={VECTOR}", f"sha256={VECTOR[:-1]}",
     f"sha256={VECTOR}0",
     f"sha256= {VECTOR}", f"sha256={VECTOR.upper()}", "sha256=é", "sha256=\ud800", "=" + VECTOR],
)  # fmt: skip
def test_what_is_no_signature(header: str) -> None:
    assert not meta_signature_is_valid(header, BODY, [SECRET])


def test_no_secret_no_signature() -> None:
    assert not meta_signature_is_valid(f"sha256={sign('', BODY)}", BODY, [])


@given(st.binary(), st.integers(0))
def test_every_changed_byte_is_seen(body: bytes, position: int) -> None:
    header = f"sha256={sign(SECRET, body)}"
    changed = bytearray(body or b"\0")
    changed[position % len(changed)] ^= 1

    assert meta_signature_is_valid(header, body, [SECRET])
    assert not meta_signature_is_valid(header, bytes(changed), [SECRET])
