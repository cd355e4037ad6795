"""Each contract runs on the fake and on the real adapter, the latter against moto with the template's own tables."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from hkreach.adapters.dynamodb_apps import DynamoDBApps
from hkreach.adapters.dynamodb_inbound import DynamoDBInbound, DynamoDBUnread
from hkreach.adapters.dynamodb_leads import DynamoDBLeads
from hkreach.adapters.dynamodb_messages import DynamoDBMessages
from hkreach.adapters.dynamodb_stopped import DynamoDBStopped
from hkreach.adapters.dynamodb_unsettled import DynamoDBUnsettled
from hkreach.adapters.kms_secrets import KMSSecrets
from hkreach.adapters.s3_media import S3Media
from hkreach.adapters.ssm_meta_app import SSMMetaApp
from hkreach.ports import Apps, Messages, MetaAppSecrets, SealedSecrets, UnsettledMessages
from hkreach.ports.inbound import Inbound, UnreadItems
from hkreach.ports.leads import Leads
from hkreach.ports.media import MediaStore
from hkreach.ports.stopped import StoppedMessages
from tests.aws import APPS_TABLE, LEADS_TABLE, MEDIA_BUCKET, MESSAGES_TABLE, META_PARAMETERS, aws, imitated, new_key
from tests.builders import NOW
from tests.fakes.apps import FakeApps
from tests.fakes.clock import FakeClock
from tests.fakes.inbound import FakeInbound
from tests.fakes.leads import FakeLeads
from tests.fakes.messages import FakeMessages
from tests.fakes.secrets import FakeMetaApp, FakeSealedSecrets
from tests.fakes.stopped import FakeStopped
from tests.fakes.stores import FakeMediaStore
from tests.fakes.unsettled import FakeUnsettled


@dataclass
class MessagesUnderTest:
    messages: Messages
    unsettled: UnsettledMessages
    inbound: Inbound
    unread: UnreadItems
    clock: FakeClock
    stopped: StoppedMessages

    def attempts(self, message_id: str) -> list[tuple[int, int, str]]:
        """Each attempt that a message keeps: its number, when, code."""
        message = self.messages.get(message_id)
        return [(a.number, a.at, a.code) for a in message.attempts] if message else []


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def imitated_aws() -> Iterator[None]:
    with imitated():
        yield


@pytest.fixture(params=["fake", "dynamodb"])
def table(request: pytest.FixtureRequest, clock: FakeClock) -> MessagesUnderTest:
    if request.param == "fake":
        fake = FakeMessages(clock)
        inbound = FakeInbound(fake, clock)
        unsettled = FakeUnsettled(fake, inbound=inbound)
        return MessagesUnderTest(fake, unsettled, inbound, inbound, clock, FakeStopped(fake))
    request.getfixturevalue("imitated_aws")
    return MessagesUnderTest(
        DynamoDBMessages(aws("dynamodb"), MESSAGES_TABLE, clock),
        DynamoDBUnsettled(aws("dynamodb"), MESSAGES_TABLE, clock, page=2),
        DynamoDBInbound(aws("dynamodb"), MESSAGES_TABLE, clock),
        DynamoDBUnread(aws("dynamodb"), MESSAGES_TABLE, clock, page=2),
        clock,
        DynamoDBStopped(aws("dynamodb"), MESSAGES_TABLE, page=2),
    )


@pytest.fixture(params=["fake", "dynamodb"])
def apps(request: pytest.FixtureRequest) -> Apps:
    if request.param == "fake":
        return FakeApps()
    request.getfixturevalue("imitated_aws")
    return DynamoDBApps(aws("dynamodb"), APPS_TABLE, 60)


@pytest.fixture(params=["fake", "dynamodb"])
def leads(request: pytest.FixtureRequest) -> Leads:
    if request.param == "fake":
        return FakeLeads()
    request.getfixturevalue("imitated_aws")
    return DynamoDBLeads(aws("dynamodb"), LEADS_TABLE)


@pytest.fixture(params=["fake", "s3"])
def media(request: pytest.FixtureRequest) -> MediaStore:
    if request.param == "fake":
        return FakeMediaStore()
    request.getfixturevalue("imitated_aws")
    return S3Media(aws("s3"), MEDIA_BUCKET)


@pytest.fixture(params=["fake", "kms"])
def sealed(request: pytest.FixtureRequest) -> SealedSecrets:
    if request.param == "fake":
        return FakeSealedSecrets()
    request.getfixturevalue("imitated_aws")
    return KMSSecrets(aws("kms"), new_key())


@pytest.fixture(params=["fake", "ssm"])
def meta_app(request: pytest.FixtureRequest) -> MetaAppSecrets:
    if request.param == "fake":
        return FakeMetaApp()
    request.getfixturevalue("imitated_aws")
    return SSMMetaApp(aws("ssm"), META_PARAMETERS, new_key())
