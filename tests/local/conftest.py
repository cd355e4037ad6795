"""A simulated Meta and a receiver of its callbacks for each test."""

from collections.abc import Iterator

import pytest

from local.meta.app import make_app
from tests.local.running import CONFIGURATION, Meta, Receiver, serving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    with serving(receiver.app()) as url:
        receiver.url = f"{url}/meta"
        yield receiver


@pytest.fixture
def meta(receiver: Receiver) -> Iterator[Meta]:
    with serving(make_app({**CONFIGURATION, "callbackUrl": receiver.url})) as url:
        meta = Meta(url, receiver)
        yield meta
        # A connection that the receiver accepts while it is being stopped would be left open.
        meta.settle()
