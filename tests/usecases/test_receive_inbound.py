"""receive_meta: customers' messages and news of the account, each written once."""

import json
from typing import Any

import pytest

from hkreach.domain.inbound import inbound_message_id
from hkreach.usecases.receive_meta import ReceiveMeta
from tests.builders import MESSAGE_ID, NUMBER, RECIPIENT
from tests.fakes.apps import FakeApps
from tests.fakes.inbound import FakeInbound
from tests.fakes.messages import FakeMessages
from tests.usecases.meta_callbacks import body_of, call, status_node, text_node, value_of


def test_a_customers_message_is_written_once(receive: ReceiveMeta, inbound: FakeInbound) -> None:
    value = value_of(messages=[text_node()], contacts=[{"wa_id": RECIPIENT, "profile": {"name": "John Doe"}}])

    assert [{"recorded": 1}, {"repeated": 1}] == [call(receive, body_of(value)) for _ in range(2)]
    message = inbound.received[inbound_message_id(NUMBER, "wamid.in")]
    assert ("mystore", RECIPIENT, "John Doe", 1_795_338_060_000) == (
        message.app_name, message.sender, message.contact_name, message.received_at,
    )  # fmt: skip
    assert {"type": "text", "text": {"body": "Hello"}} == message.content


def _account(field: str, value: Any, time: int | None = 1_795_338_000) -> bytes:
    entry = {"id": "102290129340398", "changes": [{"field": field, "value": value}]}
    return json.dumps({"entry": [entry | ({"time": time} if time else {})]}).encode()


@pytest.mark.parametrize(
    "field",
    ["account_update", "account_alerts", "message_template_status_update", "template_category_update",
     "phone_number_quality_update", "security", "user_preferences", "business_capability_update", "history", "calls",
     "flows", "group_lifecycle_update", "a_field_of_tomorrow"],
)  # fmt: skip
def test_every_other_field_is_news_once(
    receive: ReceiveMeta, messages: FakeMessages, inbound: FakeInbound, field: str
) -> None:
    value = value_of(statuses=[status_node("read")], share=0.5, id=10**20)

    assert [{"recorded": 1}, {"repeated": 1}] == [call(receive, _account(field, value)) for _ in range(2)]
    (news,) = inbound.news.values()
    assert (field, "102290129340398", "mystore", value) == (news.field, news.waba_id, news.app_name, news.value)
    assert [] == messages.calls


def test_news_of_another_time_or_content_are_other_news(receive: ReceiveMeta, inbound: FakeInbound) -> None:
    for body in (
        _account("account_update", {"event": "A"}),
        _account("account_update", {"event": "B"}),
        _account("account_update", {"event": "A"}, 1_795_338_001),
        _account("account_update", {"event": "A"}, None),
        _account("security", {"event": "A"}),
    ):
        assert {"recorded": 1} == call(receive, body)
    assert 5 == len(inbound.news)
    assert {None} == {news.app_name for news in inbound.news.values()}, "the account may be of several apps"


def test_news_that_the_bus_cannot_carry_are_kept(receive: ReceiveMeta, inbound: FakeInbound) -> None:
    assert {"kept": 1} == call(receive, _account("history", {"chunk": "x" * 200_000}))
    assert {"kept": 1} == call(receive, _account("no field!", {}))
    assert {"kept": 1} == call(receive, _account("account_update", 1).replace(b'"value": 1', b'"value": 1e999'))
    assert ["change of history of 200,012 bytes: too large for the bus"] == [
        item.reason for item in inbound.kept.values() if "history" in item.reason
    ]


def test_a_failing_write_of_whatever_makes_meta_repeat(receive: ReceiveMeta, inbound: FakeInbound) -> None:
    for method, body in (
        ("keep", b"junk"),
        ("add_news", _account("security", {})),
        ("add", body_of(value_of(messages=[text_node()]))),
        ("own_id", body_of(value_of(messages=[text_node(context={"id": "wamid.of.ours"})]))),
    ):
        inbound.fails(method, OSError(method))
        with pytest.raises(OSError, match=method):
            call(receive, body)
        assert 1 == sum(call(receive, body).values())
    assert (1, 1, 1) == (len(inbound.kept), len(inbound.news), len(inbound.received))


def test_what_a_message_refers_to_has_our_id_if_it_is_known(
    receive: ReceiveMeta, messages: FakeMessages, inbound: FakeInbound
) -> None:
    call(receive, body_of(value_of(statuses=[status_node("sent", id="wamid.ours")])))
    call(receive, body_of(value_of(messages=[text_node("wamid.first")])))
    nodes = [
        text_node("wamid.reply", context={"from": "15550783881", "id": "wamid.ours"}),
        text_node("wamid.own", context={"from": RECIPIENT, "id": "wamid.first"}),
        text_node("wamid.old", context={"id": "wamid.of.last.year"}),
        text_node("wamid.like", type="reaction", reaction={"message_id": "wamid.ours", "emoji": "👍"}),
    ]
    call(receive, body_of(value_of(messages=nodes)))

    def content(wamid: str) -> Any:
        return inbound.received[inbound_message_id(NUMBER, wamid)].content

    assert {"messageId": MESSAGE_ID, "wamid": "wamid.ours", "from": "15550783881"} == content("wamid.reply")["context"]
    assert inbound_message_id(NUMBER, "wamid.first") == content("wamid.own")["context"]["messageId"]
    assert {"wamid": "wamid.of.last.year"} == content("wamid.old")["context"]
    assert {"messageId": MESSAGE_ID, "wamid": "wamid.ours", "emoji": "👍"} == content("wamid.like")["reaction"]


def test_a_thousand_items_are_written_and_their_app_is_looked_up_a_few_times(
    receive: ReceiveMeta, apps: FakeApps, inbound: FakeInbound
) -> None:
    body = body_of(
        value_of(messages=[text_node(f"wamid.{number}", text={"body": "x" * 2_500}) for number in range(1_000)])
    )

    assert {"recorded": 1_000} == call(receive, body)
    assert 1_000 == len(inbound.received)
    assert apps.calls.count("name_of_number") <= 16
