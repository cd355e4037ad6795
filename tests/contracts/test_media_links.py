"""MediaLinks: an address at the bucket that makes a file an attachment, for a minute."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from hkreach.adapters.s3_links import S3Links
from tests.aws import MEDIA_BUCKET, aws
from tests.builders import PNG


@pytest.mark.usefixtures("imitated_aws")
def test_an_address_gives_the_bytes_as_an_attachment_that_nobody_caches() -> None:
    aws("s3").put_object(Bucket=MEDIA_BUCKET, Key="mystore/inbound/1", Body=PNG, ContentType="text/html")
    url = S3Links(aws("s3"), MEDIA_BUCKET).link("mystore/inbound/1", "image/png", 'Zoë "x"\r\n; a=.png', 60)

    parts = urlsplit(url)
    query = {name: value for name, (value,) in parse_qs(parts.query).items()}
    assert ("https", f"{MEDIA_BUCKET}.s3.amazonaws.com", "/mystore/inbound/1") == parts[:3]
    assert ("60", "AWS4-HMAC-SHA256") == (query["X-Amz-Expires"], query["X-Amz-Algorithm"])
    assert {
        "response-content-type": "image/png",
        "response-cache-control": "no-store",
        "response-content-disposition": "attachment; filename*=UTF-8''Zo%C3%AB%20%22x%22%0D%0A%3B%20a%3D.png",
    }.items() <= query.items()
    answer = requests.get(url, timeout=5)
    assert (200, PNG) == (answer.status_code, answer.content)
