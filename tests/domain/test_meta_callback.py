"""Meta's callbacks, item by item."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.inbound import InboundMessage, MetaNews, inbound_message_id
from hkreach.domain.lenient_json import as_json
from hkreach.domain.message import KEPT_FOR, Status, StatusCallback
from hkreach.domain.meta_callback import Ignored, MetaChange, Unreadable, changes_of, news_of, status_of_callback
from hkreach.domain.meta_inbound import Received, inbound_of
from hkreach.domain.time import DAY
from tests.builders import MESSAGE_ID, NOW, NUMBER, RECIPIENT, WAMID

VALUE: dict[str, Any] = {"metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER}}
KINDS = ("text", "image", "location", "contacts", "button", "interactive", "order", "reaction", "system", "edit",
         "revoke", "unsupported", "request_welcome", "audio")  # fmt: skip
STATUS = {"id": WAMID, "status": "sent", "timestamp": "1795338002", "biz_opaque_callback_data": MESSAGE_ID}
TEXT = {"from": RECIPIENT, "id": "wamid.in", "timestamp": "1795338060", "type": "text", "text": {"body": "Hi ☕"}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)  # fmt: skip


def _status(node: object, value: dict[str, Any] | None = None) -> StatusCallback | Unreadable | Ignored:
    return status_of_callback(VALUE if value is None else value, node)


def _read(node: object, value: dict[str, Any] | None = None) -> Received | Unreadable:
    return inbound_of(VALUE if value is None else value, node, {NUMBER: "mystore"}.get, NOW)


def _inbound(node: object, value: dict[str, Any] | None = None) -> InboundMessage:
    read = _read(node, value)
    assert isinstance(read, Received)
    return read.message


def _changes(callback: object) -> list[MetaChange | Unreadable]:
    return list(changes_of(json.dumps(callback).encode()))


def test_every_change_of_every_entry() -> None:
    def entry(*values: object) -> dict[str, Any]:
        return {"id": "w", "changes": [{"field": "messages", "value": value} for value in values]}

    other = {"field": "account_update", "value": {"n": 9}}
    strange = {"id": "x", "time": 1_795_338_000, "changes": [None, other, {"field": "messages"}]}
    changes = _changes({"entry": [entry({"n": 1}, {"n": 2}), 7, strange, entry({"n": 3}, [])]})

    assert [("w", None, {"n": 1}), ("w", None, {"n": 2}), ("x", 1_795_338_000, {"n": 9}), ("w", None, {"n": 3})] == [
        (change.waba_id, change.time, change.value) for change in changes if isinstance(change, MetaChange)
    ]
    assert [
        "entry without changes", "change without a field", "change of messages without a value",
        "change of messages without a value",
    ] == [change.reason for change in changes if isinstance(change, Unreadable)]  # fmt: skip


@pytest.mark.parametrize("name", ["statuses", "messages", "errors"])
@pytest.mark.parametrize("items", [None, {}, "x", 7])
def test_items_that_are_no_list(name: str, items: object) -> None:
    (change,) = _changes({"entry": [{"changes": [{"field": "messages", "value": VALUE | {name: items}}]}]})

    assert isinstance(change, Unreadable)
    assert f"{name} that are no list" == change.reason


@pytest.mark.parametrize(
    ("value", "is_news"),
    [({}, False), ({"statuses": []}, False), ({"messages": [1], "contacts": []}, False), ({"user_id_update": 1}, True)],
)
def test_a_change_of_messages_that_has_something_else_is_news(value: dict[str, Any], is_news: bool) -> None:
    (change,) = _changes({"entry": [{"changes": [{"field": "messages", "value": VALUE | value}]}]})

    assert isinstance(change, MetaChange)
    assert is_news == change.is_news


@pytest.mark.parametrize("time", [None, "1795338000", 0, -1, 10**12, 1.5, True])
def test_news_without_a_readable_time_are_of_now_and_forgotten_sooner(time: object) -> None:
    (change,) = _changes(
        {"entry": [{"id": "w", "time": time, "changes": [{"field": "security", "value": "x \ud83d"}]}]}
    )
    assert isinstance(change, MetaChange)

    news = news_of(change, change.value, change.field, {}.get, NOW)

    assert isinstance(news, MetaNews)
    assert ("security", "w", NOW, "x \ufffd") == (news.field, news.waba_id, news.at, news.value)
    assert NOW + 8 * DAY == news.expires_at


@given(JSON)
def test_no_json_breaks_the_reading(callback: Any) -> None:
    list(changes_of(json.dumps(callback).encode()))
    assert isinstance(_status(callback), Unreadable)
    assert isinstance(_read(callback), Unreadable)
    assert isinstance(status_of_callback({"metadata": callback}, STATUS), Unreadable)
    assert isinstance(_read(TEXT, {"metadata": callback}), Unreadable)
    assert isinstance(_read(TEXT, VALUE | {"contacts": callback}), Received)
    news = news_of(MetaChange("w", 1, "flows", callback), callback, "flows", {}.get, NOW)
    assert callback == getattr(news, "value", None)


@given(st.sampled_from(sorted(KINDS)), st.text() | st.sampled_from(sorted(KINDS)), JSON)
def test_no_part_of_a_message_takes_the_rest_with_it(kind: str, part: str, content: Any) -> None:
    for node in ({**TEXT, "type": kind, kind: content}, {**TEXT, part: content, "id": "wamid.in"}):
        message = _inbound(node)
        assert message.message_id == inbound_message_id(NUMBER, "wamid.in")
        assert json.loads(as_json(message.content)) == message.content


@pytest.mark.parametrize("name", ["sent", "delivered", "read", "failed"])
def test_each_kind_of_status(name: str) -> None:
    expected = StatusCallback(Status(name), 1_795_338_002_000, WAMID, NUMBER, MESSAGE_ID)
    read = _status(STATUS | {"status": name})

    assert isinstance(read, StatusCallback)
    assert (expected.status, expected.at, expected.wamid) == (read.status, read.at, read.wamid)
    assert (NUMBER, MESSAGE_ID, name == "failed") == (read.phone_number_id, read.message_id, read.error is not None)


@pytest.mark.parametrize("name", ["played", "deleted", "warning", "accepted", "queued", "unknown", "SENT"])
def test_other_kinds_are_passed_over(name: str) -> None:
    assert Ignored(f"status of an unknown kind: {name!r}") == _status(STATUS | {"status": name})


@pytest.mark.parametrize("missing", ["id", "status", "timestamp"])
@pytest.mark.parametrize("value", [None, "", 7, {}])
def test_a_status_without_what_it_needs(missing: str, value: object) -> None:
    assert isinstance(_status({name: part for name, part in STATUS.items() if name != missing}), Unreadable)
    read = _status(STATUS | {missing: value})
    assert isinstance(read, Unreadable)
    assert f"status without {missing}" == read.reason


@pytest.mark.parametrize("timestamp", ["soon", "-1", "1.5", "1795338002000", "١٧٩٥٣٣٨٠٠٢", " 1795338002"])
def test_a_time_that_is_none(timestamp: str) -> None:
    read = _status(STATUS | {"timestamp": timestamp})
    assert isinstance(read, Unreadable)
    assert "status without timestamp" == read.reason


@pytest.mark.parametrize("echo", [None, "", "order-1", 7, MESSAGE_ID.upper(), {"id": MESSAGE_ID}])
def test_an_echo_that_is_not_ours_is_left_out(echo: object) -> None:
    read = _status(STATUS | {"biz_opaque_callback_data": echo})

    assert isinstance(read, StatusCallback)
    assert read.message_id is None


@pytest.mark.parametrize("errors", [None, [], ["x"], {}, [None]])
def test_a_failure_without_a_readable_reason(errors: object) -> None:
    read = _status(STATUS | {"status": "failed", "errors": errors})

    assert isinstance(read, StatusCallback)
    assert read.error is not None


def test_a_customers_text() -> None:
    value = VALUE | {"contacts": [None, {"wa_id": "1"}, {"wa_id": RECIPIENT, "profile": {"name": "John Doe"}}]}
    expected = InboundMessage(
        inbound_message_id(NUMBER, "wamid.in"), "mystore", NUMBER, RECIPIENT, "wamid.in", 1_795_338_060_000,
        NOW + KEPT_FOR,
        {"type": "text", "text": {"body": "Hi ☕"}}, "John Doe",
    )  # fmt: skip

    assert expected == _inbound(TEXT, value)


@pytest.mark.parametrize(
    "contacts",
    [None, [], [{"wa_id": RECIPIENT}], [{"wa_id": RECIPIENT, "profile": {}}],
     [{"wa_id": RECIPIENT, "profile": {"name": 7}}],
     [{"wa_id": "1", "profile": {"name": "Somebody else"}}]],
)  # fmt: skip
def test_a_customer_without_a_readable_name(contacts: object) -> None:
    assert _inbound(TEXT, VALUE | {"contacts": contacts}).contact_name is None


def test_half_an_emoji_is_replaced_so_that_it_can_be_stored() -> None:
    value = VALUE | {"contacts": [{"wa_id": RECIPIENT, "profile": {"name": "John \ud83d"}}]}
    read = _inbound(TEXT | {"text": {"body": "cut \ud83dx \ud83d"}}, value)

    assert ("John \ufffd", "cut \ufffdx \ufffd") == (read.contact_name, read.content["text"]["body"])


@pytest.mark.parametrize("wamid", [None, "", 7, "x" * 513])
def test_without_an_id_there_is_nothing_that_could_be_written_once(wamid: object) -> None:
    read = _read(TEXT | {"id": wamid})

    assert isinstance(read, Unreadable)
    assert "message without id" == read.reason


@pytest.mark.parametrize("wrong", [None, 7, [], "soon"])
@pytest.mark.parametrize("name", ["from", "timestamp", "type", "text"])
def test_all_else_may_be_unreadable_and_is_kept_beside_the_message(name: str, wrong: object) -> None:
    read = _read(TEXT | {name: wrong})

    assert isinstance(read, Received)
    assert "wamid.in" == read.message.wamid
    if name == "from" and wrong in (None, "soon"):
        return
    assert isinstance(read.lost, Unreadable)
    assert RECIPIENT not in read.lost.reason
    assert ("unsupported" if name in {"type", "text"} else "text") == read.message.content["type"]
    assert (NOW if name == "timestamp" else 1_795_338_060_000) == read.message.received_at


def test_a_customer_without_a_phone_number() -> None:
    contact = {
        "user_id": "IN.1349", "parent_user_id": "IN.ENT.118",
        "profile": {"name": "Mei", "username": "mei.hk"},
    }  # fmt: skip
    node = {name: part for name, part in TEXT.items() if name != "from"} | {"from_user_id": "IN.1349"}
    read = _inbound(node, VALUE | {"contacts": [{"user_id": "IN.1"}, contact]})

    assert (None, "IN.1349", "IN.ENT.118", "mei.hk", "Mei") == (
        read.sender, read.user_id, read.parent_user_id, read.username, read.contact_name,
    )  # fmt: skip


def test_a_customer_with_both() -> None:
    contact = {"wa_id": RECIPIENT, "user_id": "IN.1349", "identity_key_hash": "Zx9", "profile": {"name": "Mei"}}
    read = _inbound(TEXT, VALUE | {"contacts": [contact]})

    assert (RECIPIENT, "IN.1349", None, "Zx9") == (
        read.sender, read.user_id, read.username, read.identity_key_hash,
    )  # fmt: skip


def test_one_whom_the_message_does_not_name_is_the_only_contact() -> None:
    node = {name: part for name, part in TEXT.items() if name != "from"}
    contact, other = {"user_id": "IN.1349", "profile": {"name": "Mei"}}, {"user_id": "IN.1"}
    read = [_inbound(node, VALUE | {"contacts": contacts}) for contacts in ([contact], [contact, other], [], ["?"])]

    assert [("IN.1349", "Mei")] + [(None, None)] * 3 == [(one.user_id, one.contact_name) for one in read]


def test_a_number_of_nobody() -> None:
    read = _read(TEXT, {"metadata": {"phone_number_id": "1"}})

    assert isinstance(read, Unreadable)
    assert "message for a number of no app" == read.reason
