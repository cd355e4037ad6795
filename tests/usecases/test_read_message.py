"""read_message: an app sees its own messages; all others look as if they never were."""

import pytest

from hkreach.domain.errors import NotFound
from hkreach.domain.time import DAY
from hkreach.usecases.read_message import read_message
from tests.builders import MESSAGE_ID, OTHER_ID, app, inbound, outbound
from tests.fakes.clock import FakeClock
from tests.fakes.inbound import FakeInbound
from tests.fakes.messages import FakeMessages


@pytest.fixture(autouse=True)
def stored(messages: FakeMessages) -> None:
    messages.add(outbound())
    FakeInbound(messages).add(inbound(OTHER_ID))


def test_an_apps_own_message(messages: FakeMessages) -> None:
    assert outbound() == read_message(app(), MESSAGE_ID, messages=messages)


def test_all_others_are_refused_with_the_same_words(messages: FakeMessages, clock: FakeClock) -> None:
    told = set()
    for who, message_id in [(app("other"), MESSAGE_ID), (app(), OTHER_ID), (app(), MESSAGE_ID.upper()), (app(), "x")]:
        with pytest.raises(NotFound) as refused:
            read_message(who, message_id, messages=messages)
        told.add(refused.value.detail)
    clock.advance(90 * DAY)
    with pytest.raises(NotFound) as refused:
        read_message(app(), MESSAGE_ID, messages=messages)

    assert {refused.value.detail} == told


@pytest.mark.parametrize("message_id", ["x" * 3_000, "", "../../etc", "\0", "é"])
def test_what_cannot_be_an_id_is_not_even_looked_for(messages: FakeMessages, message_id: str) -> None:
    messages.calls.clear()

    with pytest.raises(NotFound):
        read_message(app(), message_id, messages=messages)
    assert [] == messages.calls
