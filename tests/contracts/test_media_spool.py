"""MediaSpool: a file is stored while it comes, read by its parts, kept under its content, or gone."""

import hashlib
import io
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from threading import get_ident
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from hkreach.adapters.aws import client
from hkreach.adapters.s3_media import S3Media
from hkreach.adapters.s3_spool import S3Spool
from hkreach.domain.media_fetch import MediaIncomplete
from hkreach.ports.media import MediaSpool, MediaStore
from tests.aws import ENVIRONMENT, MEDIA_BUCKET, aws, environment
from tests.builders import PDF
from tests.fakes.stores import FakeMediaSpool, FakeMediaStore

BLOCK = 262_144


@dataclass
class Spools:
    spool: MediaSpool
    store: MediaStore


@pytest.fixture(params=["fake", "s3"])
def spools(request: pytest.FixtureRequest) -> Spools:
    if request.param == "fake":
        store = FakeMediaStore()
        return Spools(FakeMediaSpool(store), store)
    request.getfixturevalue("imitated_aws")
    return Spools(S3Spool(aws("s3"), MEDIA_BUCKET), S3Media(aws("s3"), MEDIA_BUCKET))


def _content(size: int) -> bytes:
    return (PDF + bytes(range(251)) * (size // 251 + 1))[:size]


def _blocks(content: bytes) -> Iterator[bytes]:
    return (content[at : at + BLOCK] for at in range(0, len(content), BLOCK))


@pytest.mark.parametrize("size", [1, 8 * 1024 * 1024 - 1, 8 * 1024 * 1024, 20_000_003])
def test_a_file_is_kept_byte_for_byte_as_if_it_had_been_put(spools: Spools, size: int) -> None:
    content = _content(size)
    with spools.spool.spool("mystore", _blocks(content), 30) as file:
        assert size == file.size
        assert content[:4_096] == file.read(0, 4_096)
        assert content[-1:] == file.read(size - 1, 4_096)
        key = file.keep("application/pdf", 30)

    assert f"mystore/outbound/{hashlib.sha256(content).hexdigest()}" == key
    with spools.store.open(key) as kept:
        assert content == kept.read(size + 1)


def test_what_a_customer_sent_is_kept_under_its_id(spools: Spools) -> None:
    for _ in range(2):
        with spools.spool.spool("mystore", iter([PDF]), 30) as file:
            assert hashlib.sha256(PDF).hexdigest() == file.sha256
            assert "mystore/inbound/m-1" == file.keep_received("m-1", "application/pdf", 30)
    with spools.store.open("mystore/inbound/m-1") as kept:
        assert PDF == kept.read(len(PDF) + 1)


def test_what_breaks_off_is_raised_and_nothing_is_stored(imitated_aws: None) -> None:
    def broken() -> Iterator[bytes]:
        yield from _blocks(_content(9_000_000))
        raise MediaIncomplete

    with pytest.raises(MediaIncomplete), S3Spool(aws("s3"), MEDIA_BUCKET).spool("mystore", broken(), 30):
        raise AssertionError("there is no file")
    assert ([], []) == (_keys(), aws("s3").list_multipart_uploads(Bucket=MEDIA_BUCKET).get("Uploads", []))


def test_what_is_not_kept_is_gone_and_of_what_is_one_object_stays(imitated_aws: None) -> None:
    spool = S3Spool(aws("s3"), MEDIA_BUCKET)
    with spool.spool("mystore", iter([PDF]), 30):
        assert ["mystore/fetched/"] == [key[:16] for key in _keys()]
    assert [] == _keys()
    with spool.spool("mystore", iter([PDF]), 30) as file:
        key = file.keep("application/pdf", 30)
    assert [key] == _keys()
    assert "application/pdf" == aws("s3").head_object(Bucket=MEDIA_BUCKET, Key=key)["ContentType"]


def test_a_file_that_cannot_be_removed_does_not_lose_the_one_that_was_kept(
    imitated_aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**_: object) -> None:
        raise OSError("s3")

    client = aws("s3")
    monkeypatch.setattr(client, "delete_object", fails)
    with S3Spool(client, MEDIA_BUCKET).spool("mystore", iter([PDF]), 30) as file:
        key = file.keep("application/pdf", 30)
    assert key in _keys()


def _answer(request: Any, **_: object) -> AWSResponse:
    """S3 as it answers each call of an upload by parts, without keeping any."""
    body = b"<X><UploadId>1</UploadId><ETag>e</ETag></X>"
    return AWSResponse(request.url, 200, {"ETag": "e"}, _Raw(body))


class _Raw(io.BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


def test_a_hundred_megabytes_are_never_held() -> None:
    with environment(ENVIRONMENT):
        s3 = client("s3")
    s3.meta.events.register("before-send.s3", _answer)
    threads = set[int]()
    s3.meta.events.register("before-send.s3", lambda **_: threads.add(get_ident()))
    tracemalloc.start()
    with S3Spool(s3, MEDIA_BUCKET).spool("mystore", (bytes(BLOCK) for _ in range(400)), 30) as file:
        assert 400 * BLOCK == file.size
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 40_000_000
    assert {get_ident()} == threads, "a thread for each part would hold a part each, and outlive a deadline"


def _keys() -> list[str]:
    return [each["Key"] for each in aws("s3").list_objects_v2(Bucket=MEDIA_BUCKET).get("Contents", [])]
