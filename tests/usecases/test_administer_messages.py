"""administer, on unknown messages: one or all of an app are settled; repeated, late and broken off as well."""

import pytest

from hkreach.domain.errors import Conflict, NotFound, ReachError
from hkreach.domain.message import OutboundMessage, Resend, Status
from hkreach.usecases.administer_messages import Outcome
from tests.builders import MESSAGE_ID, NOW, OTHER_ID, callback, outbound
from tests.fakes.clock import FakeClock
from tests.fakes.messages import FakeMessages
from tests.usecases.stuck import IDS, PLENTY, House, stuck_house, times


@pytest.fixture
def house(messages: FakeMessages, clock: FakeClock) -> House:
    return stuck_house(messages, clock)


class TestOne:
    def test_it_is_sent_again(self, house: House) -> None:
        house.add_unknown(MESSAGE_ID)
        house.clock.advance(5)

        assert {"messageId": MESSAGE_ID, "settled": 1} == house.calls.settle_unknown("mystore", MESSAGE_ID, "resend")
        assert (NOW + 5, Resend(NOW + 5, "operator")) == (house.message().due_at, house.message().resend)
        assert [MESSAGE_ID] == [due.message_id for due in house.messages.due(NOW + 5, 10)]

    def test_it_fails_and_the_caller_may_repeat_it(self, house: House) -> None:
        house.add_unknown(MESSAGE_ID)
        house.calls.settle_unknown("mystore", MESSAGE_ID, "failed")

        error = house.message().error
        assert error is not None
        assert (Status.FAILED, "unknown_outcome", True) == (house.message().status, error.code, error.retryable)

    @pytest.mark.parametrize("outcome", ["resend", "failed"])
    @pytest.mark.parametrize(
        ("app_name", "message_id"), [("other", MESSAGE_ID), ("mystore", OTHER_ID), ("mystore", "x")]
    )
    def test_another_apps_message_looks_as_if_it_never_was(
        self, house: House, outcome: Outcome, app_name: str, message_id: str
    ) -> None:
        house.add_unknown(MESSAGE_ID)
        before = house.message()

        with pytest.raises(NotFound):
            house.calls.settle_unknown(app_name, message_id, outcome)
        assert before == house.message()

    @pytest.mark.parametrize("outcome", ["resend", "failed"])
    @pytest.mark.parametrize("status", [Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED])
    def test_what_was_settled_meanwhile_is_left(self, house: House, outcome: Outcome, status: Status) -> None:
        house.add_unknown(MESSAGE_ID)
        house.messages.record_status(callback(status))
        before = house.message()

        with pytest.raises(Conflict):
            house.calls.settle_unknown("mystore", MESSAGE_ID, outcome)
        assert before == house.message()

    @pytest.mark.parametrize("outcome", ["resend", "failed"])
    def test_an_echo_between_reading_and_writing_counts(self, house: House, outcome: Outcome) -> None:
        house.add_unknown(MESSAGE_ID)
        get = house.messages.get

        def overtaken(message_id: str) -> OutboundMessage | None:
            message = get(message_id)
            house.messages.record_status(callback(Status.SENT))
            return message

        house.messages.get = overtaken  # type: ignore[method-assign]

        with pytest.raises(Conflict):
            house.calls.settle_unknown("mystore", MESSAGE_ID, outcome)
        assert Status.SENT == house.message().status

    def test_repeated_it_fails_once(self, house: House) -> None:
        house.add_unknown(MESSAGE_ID)
        house.calls.settle_unknown("mystore", MESSAGE_ID, "failed")
        before = house.message()

        for outcome in ("failed", "resend"):
            with pytest.raises(Conflict):
                house.calls.settle_unknown("mystore", MESSAGE_ID, outcome)
        assert before == house.message()

    def test_repeated_an_order_to_send_is_one_order(self, house: House) -> None:
        house.add_unknown(MESSAGE_ID)
        for _ in range(3):
            house.calls.settle_unknown("mystore", MESSAGE_ID, "resend")

        claim = house.messages.claim_again(MESSAGE_ID, NOW, NOW + 25_000)
        assert claim is not None
        with pytest.raises(Conflict):
            house.calls.settle_unknown("mystore", MESSAGE_ID, "resend")
        house.messages.record_unknown(MESSAGE_ID, claim, NOW)
        assert house.messages.claim_again(MESSAGE_ID, NOW, NOW + 25_000) is None

    def test_past_its_deadline_it_can_only_fail(self, house: House) -> None:
        house.add_unknown(MESSAGE_ID)
        house.clock.now = house.message().deadline

        with pytest.raises(Conflict, match="deadline"):
            house.calls.settle_unknown("mystore", MESSAGE_ID, "resend")
        assert 1 == house.calls.settle_unknown("mystore", MESSAGE_ID, "failed")["settled"]

    @pytest.mark.parametrize("outcome", ["resend", "failed"])
    def test_what_is_only_queued_is_not_the_operators(self, house: House, outcome: Outcome) -> None:
        house.messages.add(outbound())

        with pytest.raises(Conflict):
            house.calls.settle_unknown("mystore", MESSAGE_ID, outcome)
        assert outbound() == house.message()


class TestAll:
    def test_all_of_an_app_and_of_no_other(self, house: House) -> None:
        house.add_unknown(*IDS)
        house.add_unknown(MESSAGE_ID, app_name="other")
        answers = [house.calls.settle_all_unknown("mystore", "failed", None, PLENTY) for _ in range(2)]

        rest = {"unknownAfter": 0, "more": False, "next": None}
        assert [{"unknownBefore": 5, "settled": 5} | rest, {"unknownBefore": 0, "settled": 0} | rest] == answers
        assert [*["failed"] * 5, "unknown"] == house.statuses(*IDS, MESSAGE_ID)

    def test_those_past_their_deadline_are_not_sent_again_and_counted(self, house: House) -> None:
        house.add_unknown(*IDS[:3])
        house.add_unknown(*IDS[3:], deadline=NOW)
        answer = house.calls.settle_all_unknown("mystore", "resend", None, PLENTY)

        assert (5, 3, 2) == (answer["unknownBefore"], answer["settled"], answer["unknownAfter"])
        assert IDS[:3] == sorted(due.message_id for due in house.messages.due(NOW, 10))

    def test_what_is_settled_meanwhile_is_not_counted_as_ours(self, house: House) -> None:
        house.add_unknown(MESSAGE_ID)
        unknown = house.unsettled.unknown

        def overtaken(app_name: str, after: str | None) -> object:
            page = unknown(app_name, after)
            house.messages.record_status(callback(Status.SENT))
            return page

        house.unsettled.unknown = overtaken  # type: ignore[method-assign, assignment]
        answer = house.calls.settle_all_unknown("mystore", "failed", None, PLENTY)

        assert (1, 0, Status.SENT) == (answer["unknownBefore"], answer["settled"], house.message().status)

    def test_it_stops_in_time_and_goes_on_where_it_stopped(self, house: House) -> None:
        house.add_unknown(*IDS)
        first = house.calls.settle_all_unknown("mystore", "failed", None, times(*[50_000] * 5, 4_000))
        assert (3, True, IDS[1]) == (first["settled"], first["more"], first["next"])

        second = house.calls.settle_all_unknown("mystore", "failed", first["next"], PLENTY)
        assert (2, False, None) == (second["settled"], second["more"], second["next"])
        assert ["failed"] * 5 == house.statuses(*IDS)

    def test_without_time_it_does_nothing(self, house: House) -> None:
        house.add_unknown(MESSAGE_ID)
        answer = house.calls.settle_all_unknown("mystore", "failed", None, lambda: 5_000)

        assert (0, True, None) == (answer["unknownBefore"], answer["more"], answer["next"])

    @pytest.mark.parametrize("method", ["unknown", "fail"])
    def test_a_table_that_fails_in_the_middle_is_gone_on_with(self, house: House, method: str) -> None:
        house.add_unknown(*IDS)
        house.calls.settle_all_unknown("mystore", "failed", None, times(*[50_000] * 3, 0))
        house.unsettled.fails(method, OSError("table"))
        with pytest.raises(OSError, match="table"):
            house.calls.settle_all_unknown("mystore", "failed", None, PLENTY)

        answer = house.calls.settle_all_unknown("mystore", "failed", None, PLENTY)
        assert (False, ["failed"] * 5) == (answer["more"], house.statuses(*IDS))

    def test_an_app_that_is_not_there(self, house: House) -> None:
        with pytest.raises(ReachError, match="nobody"):
            house.calls.settle_all_unknown("nobody", "failed", None, PLENTY)
