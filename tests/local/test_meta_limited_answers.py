"""The limits as a client meets them, what Meta says of usage beside them, and what a test can count."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local.meta.app import make_app
from tests.local.running import (
    CONFIGURATION,
    NUMBER,
    OTHER_NUMBER,
    OTHER_TOKEN,
    TIMEOUT,
    HandClock,
    Meta,
    Receiver,
    serving,
    template,
)

pytestmark = pytest.mark.loopback

TO = {"messaging_product": "whatsapp", "to": "+85291234567"}
TEXT = {**TO, "type": "text", "text": {"body": "hi"}}
PLACE = {**TO, "type": "location", "location": {"latitude": 22.3, "longitude": 114.2}}
RECEIPT = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x"}
SMALL = {"type": "whatsapp", "call_count": 1, "total_cputime": 1, "total_time": 1, "estimated_time_to_regain_access": 0}


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def meta(receiver: Receiver, clock: HandClock) -> Iterator[Meta]:
    with serving(make_app({**CONFIGURATION, "callbackUrl": receiver.url}, clock)) as url:
        meta = Meta(url, receiver)
        yield meta
        meta.settle()


def codes(meta: Meta, *messages: object) -> list[int | None]:
    return [meta.send(message).json().get("error", {}).get("code") for message in messages]


def limit(meta: Meta, **changes: object) -> None:
    meta.control("configuration", {"numbers": [{**CONFIGURATION["numbers"][0], **changes}]})


def test_by_default_45_go_to_one_recipient_at_once(meta: Meta, clock: HandClock) -> None:
    assert [None] * 45 == codes(meta, *[template()] * 45)
    refused = meta.send(template(biz_opaque_callback_data="m-1"))
    assert (400, 131056) == (refused.status_code, refused.json()["error"]["code"])
    assert {} == meta.control("deliveries")
    assert [None] == codes(meta, template("+85255555555"))
    clock.now += 6
    assert [None, 131056] == codes(meta, template(), template())


def test_messages_of_every_type_count_but_no_receipts(meta: Meta) -> None:
    meta.control("configuration", {"pairBurst": 3})
    assert [None] * 5 == codes(meta, RECEIPT, template(), TEXT, RECEIPT, PLACE)
    assert [131056] * 3 == codes(meta, TEXT, PLACE, template())
    assert [None] == codes(meta, RECEIPT)


def test_what_is_refused_for_another_reason_costs_nothing(meta: Meta) -> None:
    meta.control("configuration", {"pairBurst": 1})
    limit(meta, messagesPerSecond=1)
    meta.control("answers", {"rules": [{"answer": {"graphError": 131016}, "times": 2}]})
    assert [131016, 131016, 131051, None] == codes(meta, TEXT, TEXT, {**TEXT, "type": "smoke"}, TEXT)


def test_a_number_that_sent_its_share_is_refused_for_the_second(meta: Meta, clock: HandClock) -> None:
    limit(meta, messagesPerSecond=2)
    answers = [meta.send(template()) for _ in range(3)]
    assert [200, 200, 429] == [answer.status_code for answer in answers]
    assert 130429 == answers[2].json()["error"]["code"]
    clock.now += 1
    assert [None] == codes(meta, template())


def test_a_message_that_came_in_takes_its_share(meta: Meta) -> None:
    limit(meta, messagesPerSecond=2)
    meta.control("inbound", {"phoneNumberId": NUMBER, "from": "85291234567", "text": "hi"})
    assert [None, 130429] == codes(meta, TEXT, TEXT)


def test_a_reset_makes_everyone_even(meta: Meta) -> None:
    meta.control("configuration", {"pairBurst": 1})
    limit(meta, messagesPerSecond=1)
    assert [None, 130429] == codes(meta, TEXT, TEXT)
    meta.control("reset", {})
    assert [None] == codes(meta, TEXT)


def test_answers_are_counted_by_status_and_code(meta: Meta) -> None:
    assert {"statuses": {}, "codes": {}} == meta.control("answers/counts")
    meta.control("configuration", {"pairBurst": 1})
    codes(meta, TEXT, TEXT, TEXT, {})
    meta.send(template("+85255555555"), number=OTHER_NUMBER, token=OTHER_TOKEN)
    meta.upload(b"x", number=OTHER_NUMBER, token=OTHER_TOKEN)
    meta.control("answers", {"rules": [{"answer": {"fault": "reset_before"}, "times": 1}]})
    with pytest.raises(requests.ConnectionError):
        meta.send(TEXT)
    mine = {"statuses": {"200": 1, "400": 3}, "codes": {"131056": 2, "131008": 1}}
    assert mine == meta.control(f"answers/counts?phoneNumberId={NUMBER}")
    assert {"statuses": {"200": 2}, "codes": {}} == meta.control(f"answers/counts?phoneNumberId={OTHER_NUMBER}")
    assert {"200": 2, "400": 3} == meta.control("answers/counts?edge=messages")["statuses"]
    assert {"200": 3, "400": 3} == meta.control("answers/counts")["statuses"]
    assert [None, 131056, 131056] == [one["answer"].get("code") for one in meta.control("requests")["requests"]][:3]
    meta.control("reset", {})
    assert {"statuses": {}, "codes": {}} == meta.control("answers/counts")


def test_counts_outlive_the_requests_that_are_kept() -> None:
    with serving(make_app({**CONFIGURATION, "recordLimit": 1})) as url:
        meta = Meta(url, Receiver())
        codes(meta, {}, {}, {})
        assert 1 == len(meta.control("requests")["requests"])
        assert {"131008": 3} == meta.control("answers/counts")["codes"]


@pytest.mark.parametrize("query", ["to=1", "code=131056"])
def test_refuses_to_count_by_anything_else(meta: Meta, query: str) -> None:
    answer = requests.get(f"{meta.url}/_control/answers/counts?{query}", timeout=TIMEOUT)
    assert (400, f"there is no filter '{query.partition('=')[0]}'; there are edge, phoneNumberId") == (
        answer.status_code,
        answer.json()["error"],
    )


def test_what_is_taken_tells_when_to_the_microsecond(meta: Meta, clock: HandClock) -> None:
    meta.control("configuration", {"pairBurst": 2})
    for seconds in (0, 0.0125, 0.5):
        clock.now += seconds
        meta.send(TEXT)
    asked = meta.control("requests")["requests"]
    assert ["2027-01-15T08:00:00.000000+00:00", "2027-01-15T08:00:00.012500+00:00", None] == [
        one["takenAt"] for one in asked
    ]
    assert "2027-01-15T08:00:00.512500+00:00" == asked[2]["time"]
    assert {NUMBER} == {one["phoneNumberId"] for one in asked}


@pytest.mark.parametrize(
    ("usage", "shown"),
    [
        ({}, SMALL),
        (
            {"callCount": 97, "estimatedTimeToRegainAccess": 3},
            {**SMALL, "call_count": 97, "estimated_time_to_regain_access": 3},
        ),
    ],
)
def test_tells_the_usage_when_it_is_to(meta: Meta, usage: dict[str, Any], shown: dict[str, Any]) -> None:
    meta.control("configuration", {"usage": usage})
    for answer in (meta.send(TEXT), meta.send({})):
        of_app = json.loads(answer.headers["x-app-usage"])
        assert {"102290129340398": [shown]} == json.loads(answer.headers["x-business-use-case-usage"])
        assert {name: shown[name] for name in ("call_count", "total_time", "total_cputime")} == of_app


def test_what_a_rule_says_of_the_usage_wins(meta: Meta) -> None:
    meta.control("configuration", {"usage": {}})
    error = {"code": 4, "headers": {"x-app-usage": '{"call_count":100}'}}
    meta.control("answers", {"rules": [{"answer": {"graphError": error}}]})
    headers = meta.send(TEXT).headers
    assert '{"call_count":100}' == headers["x-app-usage"]
    assert "x-business-use-case-usage" in headers


def test_tells_no_usage_otherwise(meta: Meta) -> None:
    assert [] == [name for name in meta.send(TEXT).headers if name.lower().endswith("usage")]
