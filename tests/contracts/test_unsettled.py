"""UnsettledMessages: what is stuck is found, page by page, and nothing else; each write asks the table once more."""

from collections.abc import Callable

import pytest

from hkreach.domain.message import OutboundMessage, Resend, Status
from hkreach.domain.time import DAY
from hkreach.ports import Page
from tests.builders import ERROR, MESSAGE_ID, NOW, OTHER_ID, callback, inbound, outbound
from tests.contracts.conftest import MessagesUnderTest

IDS = [f"3fa85f64-5717-4562-b3fc-2c963f66af{number:02}" for number in range(7)]
LATER = NOW + 60_000


def _read(table: MessagesUnderTest, message_id: str = MESSAGE_ID) -> OutboundMessage:
    message = table.messages.get(message_id)
    assert message is not None
    return message


def _claim(table: MessagesUnderTest, message_id: str = MESSAGE_ID, **parts: object) -> None:
    table.messages.add(outbound(message_id, **parts))
    assert table.messages.claim(message_id, NOW, NOW + 25_000) is not None


def _become_unknown(table: MessagesUnderTest, message_id: str = MESSAGE_ID, **parts: object) -> None:
    _claim(table, message_id, **parts)
    claim = _read(table, message_id).claim
    assert claim is not None
    assert table.messages.record_unknown(message_id, claim, NOW + 1)


def _all(page: Callable[[str | None], Page]) -> list[str]:
    """The ids on all pages, sorted."""
    found, after = [], None
    for _ in range(20):
        answer = page(after)
        found += [message.message_id for message in answer.messages]
        after = answer.next
        if after is None:
            return sorted(found)
    raise AssertionError("it never ends")


def _unknown(table: MessagesUnderTest, app_name: str | None = "mystore") -> list[str]:
    return _all(lambda after: table.unsettled.unknown(app_name, after))


def _forgotten(table: MessagesUnderTest, before: int = LATER) -> list[str]:
    return _all(lambda after: table.unsettled.forgotten(before, after))


def test_an_empty_table_has_nothing(table: MessagesUnderTest) -> None:
    assert ([], []) == (_unknown(table), _forgotten(table))


def test_all_unknown_messages_of_an_app_are_found_over_all_pages(table: MessagesUnderTest) -> None:
    for message_id in IDS:
        _become_unknown(table, message_id)
    _become_unknown(table, MESSAGE_ID, app_name="other")
    table.inbound.add(inbound(OTHER_ID))

    assert (IDS, [MESSAGE_ID], []) == (_unknown(table), _unknown(table, "other"), _unknown(table, "nobody"))
    assert sorted([*IDS, MESSAGE_ID]) == _unknown(table, None), "of all apps"


def test_what_is_queued_settled_claimed_or_expired_is_not_unknown(table: MessagesUnderTest) -> None:
    table.messages.add(outbound(IDS[0]))
    for message_id in IDS[1:4]:
        _become_unknown(table, message_id)
    table.messages.record_status(callback(message_id=IDS[1]))
    table.unsettled.resend(IDS[2], "mystore", NOW)
    table.messages.claim_again(IDS[2], NOW, LATER)
    assert [IDS[3]] == _unknown(table)

    table.clock.advance(90 * DAY)
    assert [] == _unknown(table)


def test_what_is_queued_and_waits_nowhere_is_forgotten(table: MessagesUnderTest) -> None:
    for message_id in IDS:
        table.messages.add(outbound(message_id))
    table.inbound.add(inbound(OTHER_ID))

    assert (IDS, []) == (_forgotten(table), _forgotten(table, NOW))


def test_what_waits_in_the_table_is_settled_or_is_claimed_is_not_forgotten(table: MessagesUnderTest) -> None:
    for message_id in IDS[:2]:
        table.messages.add(outbound(message_id))
    table.messages.postpone(outbound(IDS[0]), NOW, "190", NOW + 5)
    table.messages.record_status(callback(message_id=IDS[1]))
    _become_unknown(table, IDS[2])
    _claim(table, IDS[3])

    assert [] == _forgotten(table, NOW + 25_000)


def test_a_claim_that_ran_out_long_ago_is_forgotten(table: MessagesUnderTest) -> None:
    _claim(table)
    _become_unknown(table, OTHER_ID)
    table.unsettled.resend(OTHER_ID, "mystore", NOW)
    table.messages.claim_again(OTHER_ID, NOW, NOW + 25_000)
    assert [MESSAGE_ID, OTHER_ID] == _forgotten(table, NOW + 25_001)

    table.messages.record_status(callback())
    assert [OTHER_ID] == _forgotten(table, NOW + 25_001)


def test_what_is_forgotten_is_put_back_once(table: MessagesUnderTest) -> None:
    table.messages.add(outbound())

    assert [True, False] == [table.unsettled.put_back(MESSAGE_ID, LATER) for _ in range(2)]
    assert [MESSAGE_ID] == [due.message_id for due in table.messages.due(LATER, 100)]
    assert [] == _forgotten(table)


def test_nothing_else_is_put_back(table: MessagesUnderTest) -> None:
    for message_id in IDS[:2]:
        table.messages.add(outbound(message_id))
    table.messages.postpone(outbound(IDS[0]), NOW, "190", NOW + 5)
    table.messages.record_status(callback(message_id=IDS[1]))
    _become_unknown(table, IDS[2])
    _claim(table, IDS[3])

    assert [False] * 5 == [table.unsettled.put_back(message_id, LATER) for message_id in (*IDS[:4], OTHER_ID)]
    assert NOW + 5 == _read(table, IDS[0]).due_at
    assert table.messages.get(OTHER_ID) is None


def test_the_operators_leave_makes_it_due_now(table: MessagesUnderTest) -> None:
    _become_unknown(table)

    assert table.unsettled.resend(MESSAGE_ID, "mystore", LATER)
    assert (LATER, Resend(LATER, "operator")) == (_read(table).due_at, _read(table).resend)
    assert table.messages.claim_again(MESSAGE_ID, LATER, LATER + 25_000) is not None


def test_the_operators_failure_settles_it(table: MessagesUnderTest) -> None:
    _become_unknown(table)
    table.unsettled.resend(MESSAGE_ID, "mystore", NOW)

    assert table.unsettled.fail(MESSAGE_ID, "mystore", LATER, ERROR)
    message = _read(table)
    assert (Status.FAILED, LATER, ERROR, None, None) == (
        message.status, message.facts[Status.FAILED], message.error, message.due_at, message.resend,
    )  # fmt: skip
    assert not table.unsettled.fail(MESSAGE_ID, "mystore", LATER + 1, ERROR)


@pytest.fixture(params=["resend", "fail"])
def settle(request: pytest.FixtureRequest, table: MessagesUnderTest) -> Callable[..., bool]:
    if request.param == "resend":
        return lambda message_id, app_name="mystore", now=LATER: table.unsettled.resend(message_id, app_name, now)
    return lambda message_id, app_name="mystore", now=LATER: table.unsettled.fail(message_id, app_name, now, ERROR)


def test_another_apps_message_is_not_settled(table: MessagesUnderTest, settle: Callable[..., bool]) -> None:
    _become_unknown(table)
    before = _read(table)

    assert not settle(MESSAGE_ID, "other")
    assert before == _read(table)


@pytest.mark.parametrize("status", [Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED])
def test_what_meta_settled_meanwhile_is_not_settled(
    table: MessagesUnderTest, settle: Callable[..., bool], status: Status
) -> None:
    _become_unknown(table)
    table.messages.record_status(callback(status))
    before = _read(table)

    assert not settle(MESSAGE_ID)
    assert before == _read(table)


def test_what_is_queued_claimed_or_no_message_is_not_settled(
    table: MessagesUnderTest, settle: Callable[..., bool]
) -> None:
    table.messages.add(outbound(IDS[0]))
    _claim(table, IDS[1])
    _become_unknown(table, IDS[2])
    table.unsettled.resend(IDS[2], "mystore", NOW)
    table.messages.claim_again(IDS[2], NOW, NOW + 25_000)

    assert [False] * 4 == [settle(message_id) for message_id in (*IDS[:3], OTHER_ID)]
    assert table.messages.get(OTHER_ID) is None


def test_past_its_deadline_there_is_no_leave(table: MessagesUnderTest) -> None:
    _become_unknown(table)

    assert not table.unsettled.resend(MESSAGE_ID, "mystore", outbound().deadline)
    assert _read(table).resend is None
