"""MediaUploads: how far an upload came is told from the bucket alone, and what was looked at is never replaced."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from botocore.exceptions import ClientError

from hkreach.adapters.aws import client
from hkreach.adapters.s3_uploads import S3Uploads
from hkreach.domain.time import MINUTE
from hkreach.domain.upload import Announced, Sealed, Uploaded, UploadForm
from hkreach.ports.media import MediaUploads
from tests.aws import ENVIRONMENT, MEDIA_BUCKET, aws, environment
from tests.builders import MESSAGE_ID, OTHER_ID, PDF, PNG
from tests.fakes.clock import FakeClock
from tests.fakes.stores import FakeMediaStore
from tests.fakes.uploads import FakeUploads

NAME = "März ☕ " + "票" * 230 + ".pdf"


@dataclass
class UploadsUnderTest:
    uploads: MediaUploads
    upload: Callable[[UploadForm, bytes], None]
    """What whoever has the form does with it."""

    def announce(self, app_name: str = "mystore", filename: str | None = NAME) -> UploadForm:
        return self.uploads.announce(app_name, MESSAGE_ID, filename, 1, 100, 30)

    def uploaded(self, content: bytes = PDF, filename: str | None = NAME) -> Uploaded:
        self.upload(self.announce(filename=filename), content)
        found = self.uploads.find("mystore", MESSAGE_ID)
        assert isinstance(found, Uploaded)
        return found


@pytest.fixture(params=["fake", "s3"])
def bucket(request: pytest.FixtureRequest, clock: FakeClock) -> UploadsUnderTest:
    if request.param == "fake":
        fake = FakeUploads(clock)
        return UploadsUnderTest(fake, fake.upload)
    request.getfixturevalue("imitated_aws")

    def upload(form: UploadForm, content: bytes) -> None:
        aws("s3").put_object(Bucket=MEDIA_BUCKET, Key=form.fields["key"], Body=content)

    return UploadsUnderTest(S3Uploads(aws("s3"), MEDIA_BUCKET), upload)


def test_an_id_that_never_was_is_not_found(bucket: UploadsUnderTest) -> None:
    bucket.announce()

    assert bucket.uploads.find("mystore", OTHER_ID) is None


def test_an_id_of_another_app_is_not_found_at_any_time(bucket: UploadsUnderTest) -> None:
    form = bucket.announce()
    assert bucket.uploads.find("other", MESSAGE_ID) is None

    bucket.upload(form, PDF)
    found = bucket.uploads.find("mystore", MESSAGE_ID)
    assert isinstance(found, Uploaded)
    bucket.uploads.seal("mystore", found, "application/pdf", "a.pdf", 30)
    assert bucket.uploads.find("other", MESSAGE_ID) is None


def test_it_is_announced_then_uploaded_then_sealed(bucket: UploadsUnderTest) -> None:
    form = bucket.announce()
    assert isinstance(bucket.uploads.find("mystore", MESSAGE_ID), Announced)

    bucket.upload(form, PDF)
    found = bucket.uploads.find("mystore", MESSAGE_ID)
    assert isinstance(found, Uploaded)
    assert (MESSAGE_ID, NAME, len(PDF)) == (found.media_id, found.filename, found.file.size)

    media = bucket.uploads.seal("mystore", found, "application/pdf", NAME, 30)
    assert ("application/pdf", len(PDF), NAME) == (media.mime_type, media.size, media.filename)
    assert Sealed(media, found.uploaded_at, 30) == bucket.uploads.find("mystore", MESSAGE_ID)


def test_a_file_without_a_name(bucket: UploadsUnderTest) -> None:
    assert bucket.uploaded(filename=None).filename is None


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [(0, 4, PDF[:4]), (3, 2, PDF[3:5]), (9, 4_096, PDF[9:]), (len(PDF), 1, b""), (len(PDF) + 1, 1, b""), (0, 0, b"")],
)
def test_a_file_is_read_by_its_parts(bucket: UploadsUnderTest, offset: int, length: int, expected: bytes) -> None:
    assert expected == bucket.uploaded().file.read(offset, length)


def test_a_sealed_file_stands_for_its_content_however_it_came(bucket: UploadsUnderTest) -> None:
    inline = FakeMediaStore().put("mystore", PDF, "application/pdf", 30)
    media = bucket.uploads.seal("mystore", bucket.uploaded(), "application/pdf", NAME, 30)
    found = bucket.uploads.find("mystore", MESSAGE_ID)

    assert isinstance(found, Sealed)
    assert [inline] * 2 == [media.content, found.media.content]
    assert inline != media.key


def test_it_is_told_for_how_many_days_a_file_was_sealed(bucket: UploadsUnderTest) -> None:
    bucket.uploads.seal("mystore", bucket.uploaded(), "application/pdf", NAME, 14)
    found = bucket.uploads.find("mystore", MESSAGE_ID)

    assert isinstance(found, Sealed)
    assert 14 == found.media_days


@pytest.mark.parametrize("told", [{}, {"ChecksumSHA256": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=-2"}])
@pytest.mark.usefixtures("imitated_aws")
def test_where_s3_tells_no_digest_of_the_whole_file_it_stands_for_itself(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, str]
) -> None:
    s3 = aws("s3")
    uploads = S3Uploads(s3, MEDIA_BUCKET)
    s3.put_object(Bucket=MEDIA_BUCKET, Key=f"mystore/uploads/{MESSAGE_ID}", Body=PDF)
    found = uploads.find("mystore", MESSAGE_ID)
    assert isinstance(found, Uploaded)
    monkeypatch.setattr(s3, "copy_object", lambda **_: {"CopyObjectResult": told})
    media = uploads.seal("mystore", found, "application/pdf", "a.pdf", 30)

    assert media.key == media.content


def test_sealing_twice_is_sealing_once(bucket: UploadsUnderTest) -> None:
    found = bucket.uploaded()
    first, again = (bucket.uploads.seal("mystore", found, "application/pdf", "a.pdf", 30) for _ in range(2))

    assert first == again


def test_what_was_replaced_is_not_read_on(bucket: UploadsUnderTest) -> None:
    found = bucket.uploaded()
    bucket.upload(bucket.announce(), PNG)

    with pytest.raises((ClientError, OSError), match=r"PreconditionFailed|replaced"):
        found.file.read(0, 4)


def test_what_replaces_a_sealed_file_is_looked_at_anew_and_spoils_nothing(bucket: UploadsUnderTest) -> None:
    first = bucket.uploads.seal("mystore", bucket.uploaded(), "application/pdf", "a.pdf", 30)
    bucket.upload(bucket.announce(), PNG)

    found = bucket.uploads.find("mystore", MESSAGE_ID)
    assert isinstance(found, Uploaded)
    second = bucket.uploads.seal("mystore", found, "image/png", "a.png", 30)
    assert first.key != second.key


@pytest.mark.usefixtures("imitated_aws")
def test_the_form_allows_one_key_these_sizes_and_a_quarter_of_an_hour() -> None:
    form = S3Uploads(aws("s3"), MEDIA_BUCKET).announce("mystore", MESSAGE_ID, "a.pdf", 5, 100, 30)
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    conditions = policy["conditions"]

    assert ["content-length-range", 5, 100] in conditions
    assert {"key": f"mystore/uploads/{MESSAGE_ID}"} in conditions
    assert {"bucket": MEDIA_BUCKET} in conditions
    assert not [each for each in conditions if isinstance(each, list) and each[0] != "content-length-range"]
    assert "AWS4-HMAC-SHA256" == form.fields["x-amz-algorithm"]
    assert 15 * MINUTE == _lives(policy["expiration"], form.fields["x-amz-date"])


@pytest.mark.usefixtures("imitated_aws")
def test_what_is_sealed_lies_where_the_senders_role_may_look() -> None:
    uploads = S3Uploads(aws("s3"), MEDIA_BUCKET)
    aws("s3").put_object(Bucket=MEDIA_BUCKET, Key=f"mystore/uploads/{MESSAGE_ID}", Body=PDF)
    found = uploads.find("mystore", MESSAGE_ID)
    assert isinstance(found, Uploaded)
    media = uploads.seal("mystore", found, "application/pdf", "a.pdf", 30)

    assert media.key.startswith(f"mystore/outbound/{MESSAGE_ID}.")
    assert PDF == aws("s3").get_object(Bucket=MEDIA_BUCKET, Key=media.key)["Body"].read()


def _lives(expiration: str, signed: str) -> int:
    """In milliseconds; both are of the same second or the next, so it is rounded to a minute."""
    begin, end = (datetime.fromisoformat(text).timestamp() for text in (signed, expiration))
    return round((end - begin) / 60) * MINUTE


def test_the_form_goes_to_the_buckets_own_region() -> None:
    """Elsewhere it would be redirected, and a form does not follow."""
    with environment(ENVIRONMENT | {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-1"}):
        form = client("s3").generate_presigned_post(MEDIA_BUCKET, "key")

    assert f"https://{MEDIA_BUCKET}.s3.eu-west-1.amazonaws.com/" == form["url"]
