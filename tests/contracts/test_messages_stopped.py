"""StoppedMessages: what waits for a number that was stopped is found in its order, page by page, and moved up once."""

import pytest

from hkreach.domain.message import DueMessage, OutboundMessage
from hkreach.domain.time import MINUTE
from tests.builders import MESSAGE_ID, NOW, OTHER_ID, callback, outbound
from tests.contracts.conftest import MessagesUnderTest

IDS = [f"3fa85f64-5717-4562-b3fc-2c963f66af{number:02}" for number in range(9)]


def _wait(table: MessagesUnderTest, message_id: str, until: int, why: str = "halted:190", **parts: object) -> None:
    table.messages.add(outbound(message_id, **parts))
    table.messages.wait(outbound(message_id), until, why)


def _waiting(table: MessagesUnderTest, app_name: str = "mystore") -> list[str]:
    found, after = list[str](), None
    for _ in range(20):
        page = table.stopped.waiting(app_name, after)
        found += [message.message_id for message in page.messages]
        after = page.next
        if after is None:
            return found
    raise AssertionError("it never ends")


def _read(table: MessagesUnderTest, message_id: str = MESSAGE_ID) -> OutboundMessage:
    message = table.messages.get(message_id)
    assert message is not None
    return message


def test_nothing_waits_in_an_empty_table(table: MessagesUnderTest) -> None:
    assert [] == _waiting(table)


def test_what_waits_is_found_in_its_order_over_all_pages(table: MessagesUnderTest) -> None:
    for place, message_id in enumerate(IDS):
        _wait(table, message_id, NOW + 9 * MINUTE - place)
    _wait(table, OTHER_ID, NOW, app_name="other")

    assert (IDS[::-1], [OTHER_ID], []) == (_waiting(table), _waiting(table, "other"), _waiting(table, "nobody"))


@pytest.mark.parametrize(
    ("why", "found"),
    [("halted:131048", True), ("breaker:unknown", True), ("pair_rate", False), ("number_rate", False),
     ("media:190", False), ("upload", False)],
)  # fmt: skip
def test_what_waits_for_something_else_is_not_found(table: MessagesUnderTest, why: str, found: bool) -> None:
    _wait(table, MESSAGE_ID, NOW + MINUTE, why)

    assert found == (_waiting(table) == [MESSAGE_ID])


def test_what_waits_after_a_try_is_found(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())
    table.messages.postpone(outbound(), NOW, "190", NOW + MINUTE)
    (found,) = table.stopped.waiting("mystore", None).messages

    assert DueMessage(MESSAGE_ID, "mystore", NOW + MINUTE) == found


def test_it_is_moved_up_once_and_then_waits_in_its_numbers_line(table: MessagesUnderTest) -> None:
    _wait(table, MESSAGE_ID, NOW + MINUTE)
    (found,) = table.stopped.waiting("mystore", None).messages

    assert [True, False] == [table.stopped.move_up(found, NOW + 5) for _ in range(2)]
    assert (NOW + 5, "number_rate") == (_read(table).due_at, _read(table).waits_for)
    assert [MESSAGE_ID] == [due.message_id for due in table.messages.due(NOW + 5, 100)]
    assert [] == _waiting(table)


@pytest.mark.parametrize("overtaken_by", ["claim", "callback", "wake_due"])
def test_what_was_touched_meanwhile_is_left(table: MessagesUnderTest, overtaken_by: str) -> None:
    _wait(table, MESSAGE_ID, NOW + MINUTE)
    (found,) = table.stopped.waiting("mystore", None).messages
    if overtaken_by == "claim":
        table.messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
    elif overtaken_by == "callback":
        table.messages.record_status(callback())
    else:
        table.messages.wait_again(found, NOW + 2 * MINUTE)
    before = _read(table)

    assert not table.stopped.move_up(found, NOW)
    assert before == _read(table)


def test_a_message_that_may_have_gone_is_left(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())
    claim = table.messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
    assert claim is not None
    table.messages.record_unknown(MESSAGE_ID, claim, NOW, NOW + MINUTE)
    (found,) = table.stopped.waiting("mystore", None).messages

    assert not table.stopped.move_up(found, NOW)
    assert NOW + MINUTE == _read(table).due_at


def test_more_in_one_millisecond_than_a_page_holds_do_not_stop_it(table: MessagesUnderTest) -> None:
    for message_id in IDS:
        _wait(table, message_id, NOW + MINUTE)
    for _ in IDS:
        after: str | None = "0"
        while after is not None:
            page = table.stopped.waiting("mystore", after)
            after = page.next
            for message in page.messages:
                table.stopped.move_up(message, NOW)

    assert [] == _waiting(table)
    assert {NOW} == {_read(table, message_id).due_at for message_id in IDS}
