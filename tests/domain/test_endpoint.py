"""An endpoint: its id, its filter, and the rotation of its secret."""

import re
from itertools import pairwise

from hkreach.domain.endpoint import (
    DEFAULT_EVENTS,
    EVENT_NAMES,
    OLD_SECRET_LIVES,
    in_order,
    new_endpoint_id,
)
from hkreach.domain.event import status_event
from hkreach.domain.message import Status
from tests.builders import NOW, endpoint, outbound

UNTIL = NOW + OLD_SECRET_LIVES


def test_ids_are_random_and_of_one_form() -> None:
    ids = {new_endpoint_id() for _ in range(50)}

    assert 50 == len(ids)
    assert all(re.fullmatch(r"we_[A-Za-z0-9_-]{22}", each) for each in ids)


def test_by_default_it_takes_what_is_promised() -> None:
    told = [
        status.value
        for status in Status
        if endpoint(events=DEFAULT_EVENTS).takes(status_event(outbound(facts={status: NOW}), status))
    ]

    assert ["delivered", "failed", "read", "sent"] == sorted(told)


def test_with_everything_it_takes_everything() -> None:
    taker = endpoint(events=EVENT_NAMES)

    assert all(taker.takes(status_event(outbound(facts={status: NOW}), status)) for status in Status)


def test_a_test_event_is_not_an_event_to_ask_for() -> None:
    assert not endpoint(events=EVENT_NAMES).takes({"event": "webhooks.test", "data": {}})


def test_in_rotation_the_secret_before_lives_until_its_time() -> None:
    rotated = endpoint(secret=b"1").rotated(b"2", UNTIL, NOW)

    assert (b"2", b"1", None) == (rotated.secret, rotated.live_old_secret(UNTIL - 1), rotated.live_old_secret(UNTIL))


def test_a_second_rotation_keeps_the_secret_that_receivers_know() -> None:
    rotated = endpoint(secret=b"1").rotated(b"2", UNTIL, NOW).rotated(b"3", UNTIL + 1, NOW + 1)

    assert (b"3", b"1") == (rotated.secret, rotated.live_old_secret(UNTIL))


def test_a_rotation_after_the_last_is_over_begins_with_what_that_made() -> None:
    rotated = endpoint(secret=b"1").rotated(b"2", UNTIL, NOW).rotated(b"3", UNTIL + 10, UNTIL)

    assert (b"3", b"2") == (rotated.secret, rotated.live_old_secret(UNTIL))


def test_an_old_secret_can_be_ended_at_once() -> None:
    rotated = endpoint(secret=b"1").rotated(b"2", UNTIL, NOW).rotated(b"3", NOW, NOW)

    assert (b"3", None, None) == (rotated.secret, rotated.old_secret, rotated.old_secret_until)


def test_a_first_secret_has_none_before_it() -> None:
    rotated = endpoint(secret=None).rotated(b"1", UNTIL, NOW)

    assert (b"1", None, None) == (rotated.secret, rotated.old_secret, rotated.old_secret_until)


def test_they_are_shown_oldest_first() -> None:
    shown = in_order([endpoint("we_b", created_at=2), endpoint("we_c", created_at=1), endpoint("we_a", created_at=2)])

    assert ["we_c", "we_a", "we_b"] == [each.endpoint_id for each in shown]
    assert all(a.created_at <= b.created_at for a, b in pairwise(shown))


def test_no_secret_is_in_what_is_printed() -> None:
    assert "secret=" not in repr(endpoint(old_secret=b"x", old_secret_until=1)).replace("old_secret_until=", "")
