"""Files of an app that wants them gone sooner carry the tag of the bucket's rule for that; all others carry none."""

import uuid
from collections.abc import Callable

import pytest

from hkreach.adapters.s3_media import S3Media
from hkreach.adapters.s3_spool import S3Spool
from hkreach.adapters.s3_uploads import S3Uploads
from hkreach.domain.upload import Uploaded
from tests.aws import MEDIA_BUCKET, aws
from tests.builders import PDF

pytestmark = pytest.mark.usefixtures("imitated_aws")


def _put(days: int) -> list[str]:
    return [S3Media(aws("s3"), MEDIA_BUCKET).put("mystore", PDF, "application/pdf", days)]


def _kept(days: int) -> list[str]:
    with S3Spool(aws("s3"), MEDIA_BUCKET).spool("mystore", iter([PDF]), days) as file:
        return [file.keep("application/pdf", days)]


def _received(days: int) -> list[str]:
    with S3Spool(aws("s3"), MEDIA_BUCKET).spool("mystore", iter([PDF]), days) as file:
        return [file.keep_received("m-1", "application/pdf", days)]


def _announced(days: int) -> list[str]:
    media_id = str(uuid.uuid4())
    S3Uploads(aws("s3"), MEDIA_BUCKET).announce("mystore", media_id, "a.pdf", 1, 100, days)
    return [f"mystore/expected/{media_id}"]


def _sealed(days: int) -> list[str]:
    uploads, media_id = S3Uploads(aws("s3"), MEDIA_BUCKET), str(uuid.uuid4())
    key = f"mystore/uploads/{media_id}"
    uploads.announce("mystore", media_id, "a.pdf", 1, 100, days)
    aws("s3").put_object(Bucket=MEDIA_BUCKET, Key=key, Body=PDF)
    found = uploads.find("mystore", media_id)
    assert isinstance(found, Uploaded)
    return [key, uploads.seal("mystore", found, "application/pdf", "a.pdf", days).key]


@pytest.mark.parametrize("store", [_put, _kept, _received, _sealed, _announced])
def test_the_tag_says_how_long(store: Callable[[int], list[str]]) -> None:
    assert all({"keep-days": "8"} == _tags(key) for key in store(8))
    assert all({} == _tags(key) for key in store(30)), "of the same file too: its time starts anew"


@pytest.mark.parametrize("size", [7, 9_000_000], ids=["in one", "by parts"])
def test_so_it_does_while_a_file_is_looked_at(size: int) -> None:
    """A process that is killed then leaves it there."""
    with S3Spool(aws("s3"), MEDIA_BUCKET).spool("mystore", iter([bytes(size)]), 8):
        (spooled,) = aws("s3").list_objects_v2(Bucket=MEDIA_BUCKET, Prefix="mystore/fetched/")["Contents"]
        assert {"keep-days": "8"} == _tags(spooled["Key"])


def test_a_file_whose_tag_failed_is_tagged_by_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = aws("s3")
    uploads, media_id = S3Uploads(s3, MEDIA_BUCKET), str(uuid.uuid4())
    s3.put_object(Bucket=MEDIA_BUCKET, Key=f"mystore/uploads/{media_id}", Body=PDF)

    def look() -> None:
        found = uploads.find("mystore", media_id)
        assert isinstance(found, Uploaded)
        uploads.seal("mystore", found, "application/pdf", "a.pdf", 8)

    with monkeypatch.context() as patch:
        patch.setattr(s3, "put_object_tagging", _fails)
        with pytest.raises(OSError, match="S3"):
            look()
    look()

    assert {"keep-days": "8"} == _tags(f"mystore/uploads/{media_id}")


def _fails(**_: object) -> None:
    raise OSError("S3")


def _tags(key: str) -> dict[str, str]:
    found = aws("s3").get_object_tagging(Bucket=MEDIA_BUCKET, Key=key)["TagSet"]
    return {tag["Key"]: tag["Value"] for tag in found}
