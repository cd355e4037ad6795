"""SealedSecrets and MetaAppSecrets: a ciphertext opens in its own place only; a rotated secret leaves one beside it."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from hkreach.adapters.kms_secrets import KMSSecrets
from hkreach.adapters.ssm_meta_app import SSMMetaApp
from hkreach.domain.app import Purpose
from hkreach.ports import MetaAppSecrets, SealedSecrets
from tests.aws import META_PARAMETERS, aws, new_key
from tests.fakes.secrets import SealedElsewhere


class Counting:
    """A client that counts its calls."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        self.calls += name not in {"exceptions", "meta"}
        return getattr(self._client, name)


@pytest.mark.parametrize("secret", ["EAAtoken", "whsec_AbC+/=", "Zoë ☕"])
def test_a_sealed_secret_opens_in_its_place(sealed: SealedSecrets, secret: str) -> None:
    ciphertext = sealed.seal("mystore", "access_token", secret)

    assert secret == sealed.open("mystore", "access_token", ciphertext)
    assert secret.encode() not in ciphertext


@pytest.mark.parametrize(
    ("app_name", "purpose"), [("other", "access_token"), ("mystore", "webhook_secret")], ids=["app", "purpose"]
)
@pytest.mark.parametrize("opened_before", [False, True])
def test_a_ciphertext_moved_elsewhere_stays_shut(
    sealed: SealedSecrets, app_name: str, purpose: Purpose, opened_before: bool
) -> None:
    ciphertext = sealed.seal("mystore", "access_token", "EAAtoken")
    if opened_before:
        sealed.open("mystore", "access_token", ciphertext)

    with pytest.raises((ClientError, SealedElsewhere)):
        sealed.open(app_name, purpose, ciphertext)


@pytest.mark.usefixtures("imitated_aws")
def test_kms_is_not_asked_for_each_message() -> None:
    ciphertext = KMSSecrets(aws("kms"), new_key()).seal("mystore", "access_token", "EAAtoken")
    client = Counting(aws("kms"))
    secrets = KMSSecrets(client)

    assert ["EAAtoken"] * 3 == [secrets.open("mystore", "access_token", ciphertext) for _ in range(3)]
    assert 1 == client.calls


def test_before_anything_is_set_nothing_is_live(meta_app: MetaAppSecrets) -> None:
    assert [] == list(meta_app.app_secrets())
    assert meta_app.verify_token() is None


def test_what_was_set_is_live_at_once(meta_app: MetaAppSecrets) -> None:
    meta_app.app_secrets()
    meta_app.rotate("secret-1", "token-1")

    assert (["secret-1"], "token-1") == (list(meta_app.app_secrets()), meta_app.verify_token())


def test_rotation_keeps_the_secret_before_and_no_more(meta_app: MetaAppSecrets) -> None:
    for number in (1, 2, 3):
        meta_app.rotate(f"secret-{number}", f"token-{number}")

    assert (["secret-3", "secret-2"], "token-3") == (list(meta_app.app_secrets()), meta_app.verify_token())


def test_setting_the_same_secret_again_keeps_the_one_before(meta_app: MetaAppSecrets) -> None:
    for secret in ("secret-1", "secret-2", "secret-2"):
        meta_app.rotate(secret, "token")

    assert ["secret-2", "secret-1"] == list(meta_app.app_secrets())


@pytest.mark.usefixtures("imitated_aws")
class TestTheParameters:
    """Of the real adapter only."""

    def test_they_are_encrypted_strings(self) -> None:
        SSMMetaApp(aws("ssm"), META_PARAMETERS, new_key()).rotate("secret-1", "token-1")
        names = [f"{META_PARAMETERS}/app-secrets", f"{META_PARAMETERS}/verify-token"]
        found = aws("ssm").get_parameters(Names=names)["Parameters"]

        assert dict.fromkeys(names, "SecureString") == {p["Name"]: p["Type"] for p in found}

    def test_another_process_reads_them_once_a_minute(self) -> None:
        SSMMetaApp(aws("ssm"), META_PARAMETERS, new_key()).rotate("secret-1", "token-1")
        client = Counting(aws("ssm"))
        reader = SSMMetaApp(client, META_PARAMETERS)

        assert [["secret-1"]] * 3 == [list(reader.app_secrets()) for _ in range(3)]
        assert ["token-1"] * 2 == [reader.verify_token() for _ in range(2)]
        assert client.calls <= 2

    def test_a_rotation_elsewhere_builds_on_what_is_stored(self) -> None:
        one, other = (SSMMetaApp(aws("ssm"), META_PARAMETERS, new_key()) for _ in range(2))
        one.rotate("secret-1", "token")
        other.app_secrets()
        one.rotate("secret-2", "token")
        other.rotate("secret-3", "token")

        assert ["secret-3", "secret-2"] == list(other.app_secrets())
