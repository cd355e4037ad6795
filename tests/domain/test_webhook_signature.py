"""The signatures of webhooks, against the public vectors of both schemes."""

import base64

import pytest

from hkreach.domain.signature import sign
from hkreach.domain.webhook_signature import (
    new_webhook_secret,
    signature_headers,
    standard_key,
    standard_signature,
)
from tests.builders import NOW

NEW, OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY = b'{"test": 2432232314}'


def test_githubs_public_vector() -> None:
    expected = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    headers = signature_headers(["It's a Secret to Everybody"], "evt_1", NOW, b"Hello, World!")
    assert {"X-HKReach-Signature": expected} == headers


def test_standard_webhooks_public_vector() -> None:
    headers = signature_headers([NEW], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330_999, BODY)

    assert {
        "X-HKReach-Signature": sign(NEW, BODY),
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    } == headers


def test_with_two_live_secrets_the_standard_has_both_and_ours_has_the_older() -> None:
    headers = signature_headers([NEW, OLD], "evt_1", NOW, BODY)
    keys = [standard_key(NEW), standard_key(OLD)]

    assert sign(OLD, BODY) == headers["X-HKReach-Signature"]
    assert headers["webhook-signature"].split(" ") == [
        standard_signature(key, "evt_1", NOW // 1000, BODY) for key in keys if key
    ]


def test_without_a_secret_there_is_nothing() -> None:
    assert {} == signature_headers([], "evt_1", NOW, BODY)


def test_of_two_secrets_only_those_of_the_standards_form_sign_its_headers() -> None:
    headers = signature_headers([NEW, "chosen by the operator"], "evt_1", NOW, BODY)

    assert sign("chosen by the operator", BODY) == headers["X-HKReach-Signature"]
    assert 1 == len(headers["webhook-signature"].split(" "))


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        ("whsec_c2VjcmV0", b"secret"),
        ("whsec_", None),
        ("whsec_c2VjcmV", None),
        ("whsec_c2Vjcm V0", None),
        ("whsec_c2Vjc-_0", None),
        ("c2VjcmV0", None),
        ("WHSEC_c2VjcmV0", None),
    ],
)
def test_the_standards_key_is_the_base64_of_a_whsec_secret(secret: str, key: bytes | None) -> None:
    assert key == standard_key(secret)


def test_new_secrets_are_32_random_bytes_each() -> None:
    secrets = {new_webhook_secret() for _ in range(20)}

    assert 20 == len(secrets)
    assert {32} == {len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) for secret in secrets}
    assert all(standard_key(secret) for secret in secrets)
