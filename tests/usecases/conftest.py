"""The use cases with fakes for all that lies outside."""

import pytest

from hkreach.usecases.receive_meta import ReceiveMeta
from tests.builders import NOW, app
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.inbound import FakeInbound
from tests.fakes.leads import FakeLeads
from tests.fakes.messages import FakeMessages
from tests.fakes.numbers import FakeNumbers
from tests.fakes.stores import FakeStatusQueue
from tests.usecases.app_house import AppHouse
from tests.usecases.meta_callbacks import receiver
from tests.usecases.paced_house import House, furnished
from tests.usecases.process import Process


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def messages(clock: FakeClock) -> FakeMessages:
    return FakeMessages(clock)


@pytest.fixture
def leads() -> FakeLeads:
    return FakeLeads()


@pytest.fixture
def apps() -> FakeApps:
    return FakeApps(app())


@pytest.fixture
def inbound(messages: FakeMessages, clock: FakeClock) -> FakeInbound:
    return FakeInbound(messages, clock)


@pytest.fixture
def statuses() -> FakeStatusQueue:
    return FakeStatusQueue()


@pytest.fixture
def receive(
    messages: FakeMessages,
    apps: FakeApps,
    clock: FakeClock,
    inbound: FakeInbound,
    statuses: FakeStatusQueue,
    numbers: FakeNumbers,
) -> ReceiveMeta:
    return receiver(messages, apps, clock, inbound, statuses, numbers)


@pytest.fixture
def numbers() -> FakeNumbers:
    return FakeNumbers()


@pytest.fixture
def process(numbers: FakeNumbers, clock: FakeClock) -> Process:
    return Process(numbers, clock)


@pytest.fixture
def other(numbers: FakeNumbers, clock: FakeClock) -> Process:
    return Process(numbers, clock)


@pytest.fixture
def paced(messages: FakeMessages, clock: FakeClock, numbers: FakeNumbers) -> House:
    return furnished(messages, clock, numbers)


@pytest.fixture
def shop(clock: FakeClock) -> AppHouse:
    return AppHouse(FakeApps(app(endpoints={}), app("other", meta=None)), clock)
