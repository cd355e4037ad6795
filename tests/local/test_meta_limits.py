"""Meta's limits: how many messages from a number in a second, and how many from one number to one recipient."""

from typing import Any

import pytest

from local.meta.graph_errors import GraphError
from local.meta.limits import Limits
from local.meta.recipients import Recipient
from local.meta.settings import Number, Settings, read_settings
from local.meta.wire import user_id_of
from tests.local.running import CONFIGURATION, HandClock


def number(**changes: object) -> Number:
    (read,) = read_settings({"numbers": [{**CONFIGURATION["numbers"][0], **changes}]}).numbers
    return read


def phone(digits: int) -> Recipient:
    wa_id = f"852{digits:08}"
    return Recipient(given=f"+{wa_id}", wa_id=wa_id, user_id=user_id_of(wa_id))


NO_LIMIT = number(messagesPerSecond=None)
HER = phone(1)
GROUP = Recipient(given="group-1", group_id="group-1")


class Tries:
    """Sends many messages and tells what became of them."""

    def __init__(self, clock: HandClock, **settings: Any) -> None:
        self._limits = Limits(clock)
        self._settings: Settings = read_settings(settings)

    def codes(self, times: int, to: Recipient = HER, number: Number = NO_LIMIT) -> list[int]:
        """The codes with which messages to one recipient are refused."""
        return [code for _ in range(times) if (code := self.code(to, number))]

    def code(self, to: Recipient, number: Number) -> int | None:
        """The code with which a message is refused, if it is."""
        try:
            self._limits.take(number, to, self._settings)
        except GraphError as refusal:
            return refusal.code
        return None

    def hear(self, number: Number, times: int) -> None:
        """Let a customer write."""
        for _ in range(times):
            self._limits.count_inbound(number)

    @property
    def pairs_kept(self) -> int:
        """How many pairs are remembered."""
        return len(self._limits._borrowed)


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        pytest.param({}, [(0, 46, 45)], id="a burst of 45"),
        pytest.param({}, [(0, 45, 45), (5.5, 1, 0), (0.5, 2, 1)], id="one more after 6 s"),
        pytest.param({}, [(6, 1, 1)] * 100, id="one each 6 s for ever"),
        pytest.param({}, [(0, 45, 45), *[(1, 1, 0)] * 5, (1, 1, 1), *[(1, 1, 0)] * 5], id="45 in 6 s, then one in 6 s"),
        pytest.param({}, [(0, 20, 20), (120, 46, 45)], id="even two minutes after a burst of 20"),
        pytest.param({}, [(0, 20, 20), (114, 46, 44)], id="not even before that"),
        pytest.param({}, [(0, 145, 45), (6, 10, 1)], id="what is refused costs nothing"),
        pytest.param({}, [(0, 1, 1), (86_400, 46, 45)], id="rest does not add up"),
        pytest.param({"pairBurst": 2, "pairSeconds": 0.5}, [(0, 3, 2), (0.5, 2, 1)], id="other settings"),
        pytest.param({"pairBurst": 0}, [(0, 1, 0)], id="no burst at all"),
        pytest.param({"pairBurst": None}, [(0, 200, 200)], id="turned off by its burst"),
        pytest.param({"pairSeconds": None}, [(0, 200, 200)], id="turned off by its time"),
        pytest.param({"pairSeconds": 0}, [(0, 200, 200)], id="no time"),
    ],
)
def test_a_pair_borrows_from_its_future(settings: dict[str, Any], steps: list[tuple[float, int, int]]) -> None:
    clock = HandClock()
    tries = Tries(clock, **settings)
    for seconds, sent, taken in steps:
        clock.now += seconds
        assert [131056] * (sent - taken) == tries.codes(sent)


@pytest.mark.parametrize(
    ("other", "sender", "refused"),
    [
        pytest.param(phone(2), NO_LIMIT, [], id="another recipient"),
        pytest.param(HER, number(phoneNumberId="2", messagesPerSecond=None), [], id="another number"),
        pytest.param(GROUP, NO_LIMIT, [], id="a group"),
        pytest.param(Recipient(given="x", user_id=HER.user_id), NO_LIMIT, [131056], id="the same one by user id"),
    ],
)
def test_each_pair_is_counted_for_itself(other: Recipient, sender: Number, refused: list[int]) -> None:
    tries = Tries(HandClock())
    tries.codes(45)
    assert refused == tries.codes(1, other, sender)


def test_pairs_that_are_even_are_forgotten_and_no_others() -> None:
    clock = HandClock()
    tries = Tries(clock)
    tries.codes(45)
    for other in range(10, 2010):
        clock.now += 0.1
        assert [] == tries.codes(1, phone(other))
    assert tries.pairs_kept <= 1_200
    assert [131056] * 12 == tries.codes(45), "200 s give back 33 of 45"


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({}, 80),
        ({"throughputLevel": "NOT_APPLICABLE"}, 80),
        ({"throughputLevel": "HIGH"}, 1000),
        ({"throughputLevel": "HIGH", "messagesPerSecond": 5}, 5),
        ({"messagesPerSecond": 20}, 20),
    ],
)
def test_a_number_has_a_throughput(changes: dict[str, Any], limit: int) -> None:
    clock = HandClock()
    tries, sender = Tries(clock, pairBurst=None), number(**changes)
    for seconds, room in ((0, limit), (0.75, 0), (0.25, limit)):
        clock.now += seconds
        assert [130429] * (1500 - room) == tries.codes(1500, number=sender)


def test_a_number_without_a_limit_has_none() -> None:
    assert [] == Tries(HandClock(), pairBurst=None).codes(1500, number=number(messagesPerSecond=None))


def test_what_customers_write_counts_too() -> None:
    clock = HandClock()
    tries, sender = Tries(clock, pairBurst=None), number()
    tries.hear(sender, 30)
    assert [130429] * 10 == tries.codes(60, number=sender)
    tries.hear(sender, 100)
    clock.now += 1
    assert [130429] * 10 == tries.codes(90, number=sender)


def test_the_limits_of_others_do_not_count() -> None:
    tries = Tries(HandClock())
    tries.hear(number(phoneNumberId="2"), 100)
    assert [] == tries.codes(1, number=number())


def test_what_one_limit_refuses_costs_nothing_of_the_other() -> None:
    clock = HandClock()
    tries, sender = Tries(clock, pairBurst=12), number(messagesPerSecond=10)
    assert [130429] * 5 == tries.codes(15, number=sender)
    clock.now += 1
    assert [131056] * 8 == tries.codes(10, number=sender), "10 of 12 are borrowed, not 15"
    assert [] == tries.codes(8, phone(2), sender)
    assert [130429] == tries.codes(1, phone(2), sender)
