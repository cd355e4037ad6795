"""The use cases with fakes for all that lies outside."""

import pytest

from tests.builders import NOW
from tests.fakes.clock import FakeClock
from tests.fakes.messages import FakeMessages


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def messages(clock: FakeClock) -> FakeMessages:
    return FakeMessages(clock)
