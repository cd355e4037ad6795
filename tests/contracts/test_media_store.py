"""MediaStore: bytes come back as they went in; the same file of an app is one object."""

import hashlib

import pytest

from hkreach.adapters.s3_media import S3Media
from hkreach.ports.media import MediaGone, MediaStore
from tests.aws import MEDIA_BUCKET, aws
from tests.builders import PDF, PNG


@pytest.mark.parametrize("content", [PDF, PNG, bytes(range(256)) * 100], ids=["pdf", "png", "all bytes"])
def test_a_file_comes_back_byte_for_byte(media: MediaStore, content: bytes) -> None:
    key = media.put("mystore", content, "application/pdf", 30)

    with media.open(key) as file:
        blocks = list(iter(lambda: file.read(1_000), b""))
        assert len(content) == len(file)
    assert content == b"".join(blocks)
    assert 1_000 >= max(map(len, blocks))


def test_a_file_that_is_gone_says_so(media: MediaStore) -> None:
    with pytest.raises(MediaGone), media.open("mystore/outbound/0a1b"):
        pytest.fail("opened")


def test_the_same_file_twice_is_one_object(media: MediaStore) -> None:
    assert media.put("mystore", PDF, "application/pdf", 30) == media.put("mystore", PDF, "application/pdf", 30)


def test_two_apps_never_share_an_object(media: MediaStore) -> None:
    mine, theirs = (media.put(name, PDF, "application/pdf", 30) for name in ("mystore", "other"))

    assert mine != theirs
    assert ("mystore/", "other/") == (mine[:8], theirs[:6])


@pytest.mark.usefixtures("imitated_aws")
def test_the_key_is_where_the_roles_may_look() -> None:
    key = S3Media(aws("s3"), MEDIA_BUCKET).put("mystore", PDF, "application/pdf", 30)

    assert f"mystore/outbound/{hashlib.sha256(PDF).hexdigest()}" == key
    assert "application/pdf" == aws("s3").head_object(Bucket=MEDIA_BUCKET, Key=key)["ContentType"]
