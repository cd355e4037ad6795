"""Meta's callbacks, item by item."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.message import KEPT_FOR, InboundMessage, Status, StatusCallback, inbound_message_id
from hkreach.domain.meta_callback import Unreadable, inbound_of, status_of_callback, values_of
from tests.builders import MESSAGE_ID, NOW, NUMBER, RECIPIENT, WAMID

VALUE: dict[str, Any] = {"metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER}}
STATUS = {"id": WAMID, "status": "sent", "timestamp": "1795338002", "biz_opaque_callback_data": MESSAGE_ID}
TEXT = {"from": RECIPIENT, "id": "wamid.in", "timestamp": "1795338060", "type": "text", "text": {"body": "Hi ☕"}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)  # fmt: skip


def _status(node: object, value: dict[str, Any] | None = None) -> StatusCallback | Unreadable:
    return status_of_callback(VALUE if value is None else value, node)


def _inbound(node: object, value: dict[str, Any] | None = None) -> InboundMessage | Unreadable:
    return inbound_of(VALUE if value is None else value, node, {NUMBER: "mystore"}.get, NOW)


def test_every_value_of_every_change_of_every_entry() -> None:
    def entry(*values: object) -> dict[str, Any]:
        return {"id": "w", "changes": [{"field": "messages", "value": value} for value in values]}

    other = {"field": "account_update", "value": {"n": 9}}
    callback = {
        "entry": [entry({"n": 1}, {"n": 2}), 7, {"changes": [None, other, {"field": "messages"}]}, entry({"n": 3}, [])]
    }

    values = list(values_of(callback))

    assert [{"n": 1}, {"n": 2}, {"n": 3}] == [value for value in values if isinstance(value, dict)]
    assert "change of a field that is not taken yet: 'account_update'" in {
        value.reason for value in values if isinstance(value, Unreadable)
    }


def test_an_error_of_the_account_is_told() -> None:
    value = {"errors": [{"code": 130429, "title": "Rate limit hit"}]}

    assert [value, Unreadable("error of the account: 130429")] == list(
        values_of({"entry": [{"changes": [{"field": "messages", "value": value}]}]})
    )


@given(JSON)
def test_no_json_breaks_the_reading(callback: Any) -> None:
    list(values_of(callback))
    assert isinstance(_status(callback), Unreadable)
    assert isinstance(_inbound(callback), Unreadable)
    assert isinstance(status_of_callback({"metadata": callback}, STATUS), Unreadable)


@pytest.mark.parametrize("name", ["sent", "delivered", "read", "failed"])
def test_each_kind_of_status(name: str) -> None:
    expected = StatusCallback(Status(name), 1_795_338_002_000, WAMID, NUMBER, MESSAGE_ID)
    read = _status(STATUS | {"status": name})

    assert isinstance(read, StatusCallback)
    assert (expected.status, expected.at, expected.wamid) == (read.status, read.at, read.wamid)
    assert (NUMBER, MESSAGE_ID, name == "failed") == (read.phone_number_id, read.message_id, read.error is not None)


@pytest.mark.parametrize("name", ["played", "deleted", "warning", "accepted", "queued", "unknown", "SENT"])
def test_other_kinds_are_passed_over(name: str) -> None:
    assert Unreadable(f"status of an unknown kind: {name!r}") == _status(STATUS | {"status": name})


@pytest.mark.parametrize("missing", ["id", "status", "timestamp"])
@pytest.mark.parametrize("value", [None, "", 7, {}])
def test_a_status_without_what_it_needs(missing: str, value: object) -> None:
    assert isinstance(_status({name: part for name, part in STATUS.items() if name != missing}), Unreadable)
    assert Unreadable(f"status without {missing}") == _status(STATUS | {missing: value})


@pytest.mark.parametrize("timestamp", ["soon", "-1", "1.5", "1795338002000", "١٧٩٥٣٣٨٠٠٢", " 1795338002"])
def test_a_time_that_is_none(timestamp: str) -> None:
    assert Unreadable("status without timestamp") == _status(STATUS | {"timestamp": timestamp})


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
    read = _inbound(TEXT, VALUE | {"contacts": contacts})

    assert isinstance(read, InboundMessage)
    assert read.contact_name is None


def test_half_an_emoji_is_replaced_so_that_it_can_be_stored() -> None:
    value = VALUE | {"contacts": [{"wa_id": RECIPIENT, "profile": {"name": "John \ud83d"}}]}
    read = _inbound(TEXT | {"text": {"body": "cut \ud83d"}}, value)

    assert isinstance(read, InboundMessage)
    assert ("John \ufffd", "cut \ufffd") == (read.contact_name, read.content["text"]["body"])


@pytest.mark.parametrize("missing", ["from", "id", "timestamp", "type", "text"])
def test_a_text_without_what_it_needs(missing: str) -> None:
    read = _inbound({name: part for name, part in TEXT.items() if name != missing})

    assert isinstance(read, Unreadable)
    assert RECIPIENT not in read.reason


@pytest.mark.parametrize("kind", ["image", "reaction", "unsupported", "system"])
def test_other_kinds_of_messages_are_passed_over(kind: str) -> None:
    assert Unreadable(f"message of a kind that is not taken yet: {kind!r}") == _inbound(TEXT | {"type": kind})


def test_a_number_of_nobody() -> None:
    read = _inbound(TEXT, {"metadata": {"phone_number_id": "1"}})

    assert Unreadable("message for a number of no app: '1'") == read
