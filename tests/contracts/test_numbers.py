"""The numbers table: one state for all senders, whoever is quicker."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from cachetools import TTLCache

from hkreach.adapters.dynamodb_items import from_item, to_item
from hkreach.adapters.dynamodb_numbers import DynamoDBNumbers
from hkreach.domain.breaker import Breaker
from hkreach.domain.meta_media import MetaMedia
from hkreach.domain.number import MetaState, NumberState
from hkreach.domain.pace import Pace
from hkreach.domain.pair_pace import PairPace
from hkreach.domain.time import DAY, MINUTE
from hkreach.ports import Contended, Numbers
from tests.aws import NUMBERS_TABLE, aws, items
from tests.builders import MEDIA, NOW, NUMBER, OTHER_NUMBER, RECIPIENT
from tests.fakes.clock import FakeClock
from tests.fakes.numbers import FakeNumbers

MANY = 10
"""As often somebody may be quicker before it is too often."""


@pytest.fixture(params=["fake", "dynamodb"])
def processes(request: pytest.FixtureRequest) -> tuple[Numbers, Numbers]:
    """Two processes with one table between them."""
    if request.param == "fake":
        fake = FakeNumbers()
        return fake, fake
    request.getfixturevalue("imitated_aws")
    return _dynamodb(), _dynamodb()


def _dynamodb() -> DynamoDBNumbers:
    return DynamoDBNumbers(aws("dynamodb"), NUMBERS_TABLE)


def _later(state: NumberState, by: int = 1) -> NumberState:
    return replace(state, pace=replace(state.pace, live_at=state.pace.live_at + by))


def _add(numbers: Numbers, by: int = 1) -> int:
    return numbers.number(NUMBER, lambda state: (_later(state, by), state.pace.live_at + by))


def _look(numbers: Numbers) -> NumberState:
    return numbers.number(NUMBER, lambda state: (state, state))


FULL = NumberState(
    Pace(NOW, NOW + 1, 1_000, NOW + 2, 40_000, NOW + 3, NOW + 5),
    Breaker(1, 2, 3, NOW + 4, "190", "a1b2c3", probing=True),
)


def test_what_was_never_written_is_new(processes: tuple[Numbers, Numbers]) -> None:
    numbers, _ = processes

    assert NumberState() == _look(numbers)
    assert PairPace() == numbers.pair(NUMBER, RECIPIENT, lambda state: (state, state))
    assert MetaState() == numbers.meta(lambda state: (state, state))


@pytest.mark.parametrize("state", [FULL, NumberState(breaker=replace(FULL.breaker, code=None, account=None))])
def test_a_number_comes_back_as_it_was_written(processes: tuple[Numbers, Numbers], state: NumberState) -> None:
    one, other = processes

    assert "told" == one.number(NUMBER, lambda _: (state, "told"))
    assert state == _look(other)
    assert NumberState() == other.number(OTHER_NUMBER, lambda state: (state, state))


def test_a_pair_and_meta_come_back_as_they_were_written(processes: tuple[Numbers, Numbers]) -> None:
    one, other = processes
    pair, meta = PairPace(NOW, NOW + 1, 2), MetaState(FULL.breaker, NUMBER, NOW)
    one.pair(NUMBER, RECIPIENT, lambda _: (pair, None))
    one.meta(lambda _: (meta, None))

    assert pair == other.pair(NUMBER, RECIPIENT, lambda state: (state, state))
    assert PairPace() == other.pair(NUMBER, "919999999998", lambda state: (state, state))
    assert meta == other.meta(lambda state: (state, state))


@pytest.mark.parametrize("file", [MetaMedia().claimed(NOW), MetaMedia("media-1", NOW, NOW + 1)])
def test_a_file_comes_back_as_it_was_written(processes: tuple[Numbers, Numbers], file: MetaMedia) -> None:
    one, other = processes
    one.media(NUMBER, MEDIA.key, lambda _: (file, None))

    assert file == other.media(NUMBER, MEDIA.key, lambda state: (state, state))
    assert MetaMedia() == other.media(OTHER_NUMBER, MEDIA.key, lambda state: (state, state))
    assert MetaMedia() == other.media(NUMBER, "mystore/outbound/other", lambda state: (state, state))


def test_of_two_who_claim_an_upload_one_has_it(processes: tuple[Numbers, Numbers]) -> None:
    """Both have seen that nobody has it."""

    def claim(numbers: Numbers, until: int) -> bool:
        return numbers.media(
            NUMBER, MEDIA.key, lambda file: (file, False) if file.is_claimed(NOW) else (file.claimed(until), True)
        )

    for numbers in processes:
        numbers.media(NUMBER, MEDIA.key, lambda state: (state, state))

    assert [True, False] == [claim(numbers, NOW + 1 + each) for each, numbers in enumerate(processes)]


def test_changes_of_two_processes_add_up(processes: tuple[Numbers, Numbers]) -> None:
    one, other = processes

    assert list(range(1, 9)) == [_add(numbers) for numbers in (one, other) * 4]


def test_what_a_decision_raises_is_raised_and_nothing_written(processes: tuple[Numbers, Numbers]) -> None:
    one, other = processes

    def refuse(state: NumberState) -> tuple[NumberState, None]:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        one.number(NUMBER, refuse)
    assert NumberState() == _look(other)


class Calls(list[str]):
    """The calls of one client."""


@pytest.fixture
def calls(imitated_aws: None) -> Iterator[Calls]:
    calls, events = Calls(), aws("dynamodb").meta.events
    note: Callable[..., None] = lambda model, **_: calls.append(model.name)  # noqa: E731 - it is unregistered by name
    events.register("before-call.dynamodb", note)
    yield calls
    events.unregister("before-call.dynamodb", note)


def test_who_was_not_quick_enough_decides_again_with_the_newer_state(calls: Calls) -> None:
    one, other, seen = _dynamodb(), _dynamodb(), list[int]()

    def decide(state: NumberState) -> tuple[NumberState, int]:
        seen.append(state.pace.live_at)
        if len(seen) <= 2:
            _add(other, 10)
        return _later(state), state.pace.live_at

    assert (20, [0, 10, 20]) == (one.number(NUMBER, decide), seen)
    assert 21 == _look(_dynamodb()).pace.live_at


def test_after_too_many_it_says_so(calls: Calls) -> None:
    one, other = _dynamodb(), _dynamodb()

    def overtaken(state: NumberState) -> tuple[NumberState, None]:
        _add(other, 10)
        return _later(state), None

    with pytest.raises(Contended):
        one.number(NUMBER, overtaken)
    assert 10 * MANY == _look(_dynamodb()).pace.live_at, "nothing of its own was written"


def test_a_change_of_what_was_just_seen_is_one_request(calls: Calls) -> None:
    numbers = _dynamodb()
    for _ in range(3):
        _add(numbers)

    assert ["GetItem", "PutItem", "PutItem", "PutItem"] == calls


def test_who_was_overtaken_reads_before_it_writes(calls: Calls) -> None:
    """A write that comes too late costs as much as one that counts; a look costs neither."""
    one, other = _dynamodb(), _dynamodb()
    _look(one)
    _add(other)
    _add(one)
    calls.clear()
    _add(other)
    _look(one)
    _add(one)

    assert ["PutItem", "PutItem", "GetItem", "PutItem"] == calls, "the first hears too late that it is not alone"
    assert 4 == _look(_dynamodb()).pace.live_at


def test_where_nothing_changed_nothing_is_written_and_it_is_remembered(calls: Calls) -> None:
    numbers = _dynamodb()
    for _ in range(3):
        _look(numbers)

    assert ["GetItem"] == calls


def test_pairs_are_not_remembered(calls: Calls) -> None:
    numbers = _dynamodb()
    for _ in range(2):
        numbers.pair(NUMBER, RECIPIENT, lambda pair: (pair.take(NOW)[0], None))

    assert ["GetItem", "PutItem"] * 2 == calls


def test_what_is_looked_at_again_and_again_is_read_again_after_its_time(calls: Calls) -> None:
    """Or a process that is never idle would not hear that Meta's breaker has opened."""
    clock, numbers, other = FakeClock(0), _dynamodb(), _dynamodb()
    numbers._meta._remembered._values = TTLCache(1, 5, timer=lambda: clock.now)
    opened = MetaState(Breaker(open_until=NOW))
    numbers.meta(lambda state: (state, None))
    other.meta(lambda _: (opened, None))
    seen = []
    for _ in range(3):
        clock.advance(2)
        seen.append(numbers.meta(lambda state: (state, state)))

    assert [MetaState(), MetaState(), opened] == seen


def test_the_state_of_another_version_of_the_code_is_read(calls: Calls) -> None:
    _dynamodb().number(NUMBER, lambda _: (FULL, None))
    stored = from_item(items(NUMBERS_TABLE)[0])
    stored["state"]["pace"] = {"live_at": NOW, "tokens": 7}
    stored["state"]["colour"] = {"red": 1}
    del stored["state"]["breaker"]["opens"]
    aws("dynamodb").put_item(TableName=NUMBERS_TABLE, Item=to_item(stored))

    assert NumberState(Pace(live_at=NOW), replace(FULL.breaker, opens=0)) == _look(_dynamodb())
    assert NOW + 1 == _add(_dynamodb())


def test_an_item_without_any_state_is_a_new_one(calls: Calls) -> None:
    aws("dynamodb").put_item(TableName=NUMBERS_TABLE, Item=to_item({"pk": f"number#{NUMBER}", "version": 3}))

    assert NumberState() == _look(_dynamodb())
    assert 1 == _add(_dynamodb())


def test_pairs_expire_a_day_after_they_are_needed_and_numbers_do_not(calls: Calls) -> None:
    numbers = _dynamodb()
    used_until = numbers.pair(NUMBER, RECIPIENT, _refused_and_taken)
    _add(numbers)
    numbers.meta(lambda state: (replace(state, last_at=NOW), None))
    stored: dict[str, Any] = {item["pk"]: item for item in map(from_item, items(NUMBERS_TABLE))}

    assert {f"pair#{NUMBER}#{RECIPIENT}", f"number#{NUMBER}", "meta"} == set(stored)
    assert [(used_until + DAY) // 1_000] == [item["expiresAt"] for item in stored.values() if "expiresAt" in item]
    assert used_until > NOW + MINUTE


def test_a_file_expires_a_day_after_its_id_is_used_for_the_last_time(calls: Calls) -> None:
    numbers = _dynamodb()
    numbers.media(NUMBER, MEDIA.key, lambda file: (file.uploaded("media-1", NOW), None))
    ((item,),) = [map(from_item, items(NUMBERS_TABLE))]

    assert (f"media#{NUMBER}#{MEDIA.key}", (NOW + 30 * DAY) // 1_000) == (item["pk"], item["expiresAt"])


def test_a_files_id_is_read_once_a_second_and_process(calls: Calls) -> None:
    numbers = _dynamodb()
    for _ in range(50):
        numbers.media(NUMBER, MEDIA.key, lambda file: (file, None))

    assert ["GetItem"] == calls


def _refused_and_taken(pair: PairPace) -> tuple[PairPace, int]:
    after, _ = pair.refused(NOW).take(NOW)
    return after, after.used_until


def test_an_expired_item_that_was_removed_meanwhile_is_begun_anew(calls: Calls) -> None:
    numbers = _dynamodb()
    _add(numbers, 10)
    aws("dynamodb").delete_item(TableName=NUMBERS_TABLE, Key=to_item({"pk": f"number#{NUMBER}"}))

    assert 1 == _add(numbers)


@pytest.mark.usefixtures("imitated_aws")
def test_who_must_not_believe_what_it_saw_looks_each_time() -> None:
    operator, sender = DynamoDBNumbers(aws("dynamodb"), NUMBERS_TABLE, remembers=False), _dynamodb()
    calm = NumberState()
    assert calm == operator.number(NUMBER, lambda state: (state, state))
    halted = replace(calm, breaker=Breaker(open_until=NOW, code="190", account="a"))
    sender.number(NUMBER, lambda _: (halted, None))

    assert halted == operator.number(NUMBER, lambda state: (calm, state)), "not as it was a moment ago"
    assert calm == operator.number(NUMBER, lambda state: (state, state))
