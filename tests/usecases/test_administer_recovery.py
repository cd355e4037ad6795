"""administer, on what queues lost or gave up: put back and redriven; repeated, late and broken off as well."""

import pytest

from hkreach.domain.errors import NotFound
from hkreach.domain.inbound import unread
from hkreach.domain.message import Status
from tests.builders import MESSAGE_ID, NOW, app, callback, outbound
from tests.fakes.clock import FakeClock
from tests.fakes.messages import FakeMessages
from tests.usecases.stuck import IDS, PLENTY, House, stuck_house, times

DAY = 86_400


@pytest.fixture
def house(messages: FakeMessages, clock: FakeClock) -> House:
    return stuck_house(messages, clock)


class TestRecover:
    def test_what_no_queue_holds_is_put_back_once(self, house: House) -> None:
        for message_id in IDS:
            house.messages.add(outbound(message_id))
        house.clock.advance(DAY * 1_000)
        assert 0 == house.calls.recover(DAY, None, PLENTY)["found"], "not older than a day yet"
        house.clock.advance(1)
        answers = [house.calls.recover(DAY, None, PLENTY) for _ in range(2)]

        rest = {"becameUnknown": 0, "more": False, "next": None}
        assert [{"found": 5, "putBack": 5} | rest, {"found": 0, "putBack": 0} | rest] == answers
        assert IDS == sorted(due.message_id for due in house.messages.due(house.clock(), 10))

    def test_what_waits_is_claimed_or_settled_is_left(self, house: House) -> None:
        for message_id in IDS[:3]:
            house.messages.add(outbound(message_id))
        house.messages.postpone(outbound(IDS[0]), NOW, "190", NOW + 5)
        house.messages.record_status(callback(message_id=IDS[1]))
        house.messages.claim(IDS[2], NOW, NOW + 10**9)
        house.add_unknown(IDS[3])
        house.clock.advance(2 * DAY * 1_000)

        assert 0 == house.calls.recover(DAY, None, PLENTY)["found"]

    def test_what_is_claimed_between_reading_and_writing_is_left(self, house: House) -> None:
        house.messages.add(outbound(deadline=NOW + 3 * DAY * 1_000))
        house.clock.advance(2 * DAY * 1_000)
        put_back = house.unsettled.put_back

        def overtaken(message_id: str, now: int) -> bool:
            house.messages.claim(message_id, now, now + 25_000)
            return put_back(message_id, now)

        house.unsettled.put_back = overtaken  # type: ignore[method-assign]
        answer = house.calls.recover(DAY, None, PLENTY)

        assert (1, 0, None) == (answer["found"], answer["putBack"], house.message().due_at)

    @pytest.mark.parametrize(
        ("policy", "due_at"), [("park", None), ("resend", NOW + 600_000 + 25_001 + 3_600_000), ("no app", None)]
    )
    def test_a_claim_that_ran_out_long_ago_is_unknown(self, house: House, policy: str, due_at: int | None) -> None:
        house.apps.apps["mystore"] = app(unknown_policy=policy)
        if policy == "no app":
            house.apps.apps.clear()
        house.messages.add(outbound())
        house.messages.claim(MESSAGE_ID, NOW, NOW + 25_000)
        house.clock.advance(600_000 + 25_000)
        assert 0 == house.calls.recover(600, None, PLENTY)["found"]
        house.clock.advance(1)
        answer = house.calls.recover(600, None, PLENTY)

        assert (1, 0, 1) == (answer["found"], answer["putBack"], answer["becameUnknown"])
        assert (Status.UNKNOWN, None, due_at) == (
            house.message().status, house.message().claim, house.message().due_at,
        )  # fmt: skip
        assert 0 == house.calls.recover(600, None, PLENTY)["found"]

    def test_a_claim_for_a_second_call_that_ran_out_is_unknown_as_before(self, house: House) -> None:
        house.add_unknown(MESSAGE_ID)
        house.calls.settle_unknown("mystore", MESSAGE_ID, "resend")
        house.messages.claim_again(MESSAGE_ID, NOW, NOW + 25_000)
        house.clock.advance(DAY * 1_000)

        assert 1 == house.calls.recover(600, None, PLENTY)["becameUnknown"]
        assert (Status.UNKNOWN, None, None) == (
            house.message().status, house.message().claim, house.message().resend,
        )  # fmt: skip

    @pytest.mark.parametrize("method", ["forgotten", "put_back"])
    def test_a_table_that_fails_in_the_middle_is_gone_on_with(self, house: House, method: str) -> None:
        for message_id in IDS:
            house.messages.add(outbound(message_id))
        house.clock.advance(2 * DAY * 1_000)
        house.calls.recover(DAY, None, times(*[50_000] * 3, 0))
        house.unsettled.fails(method, OSError("table"))
        with pytest.raises(OSError, match="table"):
            house.calls.recover(DAY, None, PLENTY)

        assert not house.calls.recover(DAY, None, PLENTY)["more"]
        assert IDS == sorted(due.message_id for due in house.messages.due(house.clock(), 10))


class TestRedrive:
    def test_all_letters_of_one_queue_are_moved(self, house: House) -> None:
        house.letters.letters = list(map(str, range(23)))
        answers = [house.calls.redrive("send", PLENTY) for _ in range(2)]

        rest = {"queue": "send", "after": 0, "more": False}
        assert [{"before": 23, "moved": 23} | rest, {"before": 0, "moved": 0} | rest] == answers
        assert 23 == len(house.letters.moved)
        assert 1 == house.calls.redrive("webhooks", PLENTY)["moved"]

    def test_what_the_queue_refuses_stays(self, house: House) -> None:
        house.letters.letters = ["a", "b"]
        house.letters.refuses = frozenset({"a"})

        assert {"queue": "send", "before": 2, "moved": 1, "after": 1, "more": False} == house.calls.redrive(
            "send", PLENTY
        )

    def test_it_stops_in_time(self, house: House) -> None:
        house.letters.letters = list(map(str, range(23)))

        assert {"queue": "send", "before": 23, "moved": 10, "after": 13, "more": True} == house.calls.redrive(
            "send", times(50_000, 5_000)
        )

    def test_a_queue_that_fails_in_the_middle_is_gone_on_with(self, house: House) -> None:
        house.letters.letters = list(map(str, range(12)))
        house.calls.redrive("send", times(50_000, 5_000))
        house.letters.fails("move", OSError("queue"))
        with pytest.raises(OSError, match="queue"):
            house.calls.redrive("send", PLENTY)

        assert 2 == house.calls.redrive("send", PLENTY)["moved"]
        assert 12 == len(house.letters.moved)


class TestListUnreadable:
    def test_what_could_not_be_read_is_listed_in_portions(self, house: House) -> None:
        kept = [unread({"n": number}, "message without id", NOW) for number in range(45)]
        for item in kept:
            house.inbound.keep(item)
        found, after = [], None
        for more in (True, True, False):
            answer = house.calls.list_unreadable(after, PLENTY)
            assert more == answer["more"]
            found += [item["id"] for item in answer["items"]]
            after = answer["next"]

        assert [item.item_id for item in kept] == found

    def test_without_time_it_says_where_to_go_on(self, house: House) -> None:
        assert {"items": [], "more": True, "next": IDS[0]} == house.calls.list_unreadable(IDS[0], times(0))


class TestListUnknown:
    def test_all_that_is_unknown_is_listed_and_who_settles_it(self, house: House) -> None:
        house.add_unknown(*IDS[:3])
        house.add_unknown(IDS[3], app_name="other")
        house.messages.add(outbound(IDS[4]))
        house.calls.settle_unknown("mystore", IDS[1], "resend")
        of_all, of_one = (house.calls.list_unknown(name, None, PLENTY) for name in (None, "other"))

        item = {"unknownSince": "2026-11-22T09:00:00Z", "deadline": "2026-11-24T09:00:00Z", "resendAt": None}
        assert {
            "items": [
                {"messageId": IDS[0], "appName": "mystore"} | item,
                {"messageId": IDS[1], "appName": "mystore"} | item | {"resendAt": "2026-11-22T09:00:00Z"},
                {"messageId": IDS[2], "appName": "mystore"} | item,
                {"messageId": IDS[3], "appName": "other"} | item,
            ],
            "more": False,
            "next": None,
        } == of_all
        assert [IDS[3]] == [item["messageId"] for item in of_one["items"]]

    def test_without_time_it_goes_on_behind_the_last_page(self, house: House) -> None:
        house.add_unknown(*IDS)
        first = house.calls.list_unknown(None, None, times(50_000, 5_000))
        rest = house.calls.list_unknown(None, first["next"], PLENTY)

        assert (True, False) == (first["more"], rest["more"])
        assert IDS == [item["messageId"] for answer in (first, rest) for item in answer["items"]]

    def test_of_an_app_that_is_not_there(self, house: House) -> None:
        with pytest.raises(NotFound):
            house.calls.list_unknown("nobody", None, PLENTY)
