"""Every code of Meta's table, as the architecture's "How far it got decides" has it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.meta_outcome import (
    Accepted,
    Halted,
    NotSent,
    Outcome,
    Refused,
    Uncertain,
    message_error,
    read_answer,
)

NOT_PROCESSED = [
    (2, 503), (4, 400), (4, 429), (80007, 400), (80007, 429), (80008, 400), (130429, 400), (130429, 429), (131016, 500),
    (131056, 400), (131057, 500), (2494100, 500), (133004, 503), (134101, 400),
]  # fmt: skip
THE_OPERATORS = [
    (0, 401), (190, 401), (104, 400), (200, 401), (102, 400), (2500, 400), (3, 500), (10, 403), (200, 403), (299, 403),
    (131005, 403), (131048, 400), (131064, 400), (133016, 400), (368, 403), (131031, 403), (131037, 400), (131042, 400),
    (131044, 400), (134011, 400), (131045, 500), (133000, 400), (133005, 400), (133006, 400), (133008, 400),
    (133009, 400),
    (133010, 400), (133010, 500), (133015, 500),
]  # fmt: skip
FOR_GOOD = [
    (131049, 400), (131050, 400), (130497, 400), (33, 400), (100, 400), (131008, 400), (131009, 400), (131021, 400),
    (131026, 400),
    (131030, 400), (131047, 400), (131051, 400), (131052, 400), (131053, 400), (131055, 400), (134100, 400),
    (131062, 400),
    (131063, 400), (130403, 400), (130472, 400), (132000, 400), (132001, 404), (132005, 400), (132007, 400),
    (132008, 400),
    (132012, 400), (132018, 400), (132015, 400), (132016, 400), (132068, 400), (134102, 500), (135000, 400),
    (137000, 400),
    (139000, 400), (138000, 400), (999_999, 400), (42, 404),
]  # fmt: skip


def _answer(status: int, code: Any, **error: Any) -> Outcome:
    return read_answer(status, json.dumps({"error": {"code": code, "message": f"(#{code}) Words", **error}}).encode())


@pytest.mark.parametrize(("code", "status"), NOT_PROCESSED)
def test_refused_before_processing_may_be_tried_again(code: int, status: int) -> None:
    assert NotSent(str(code)) == _answer(status, code)


@pytest.mark.parametrize(("code", "status"), THE_OPERATORS)
def test_trouble_of_the_account_halts_its_messages_until_it_is_mended(code: int, status: int) -> None:
    assert Halted(str(code)) == _answer(status, code)
    assert message_error({"code": code}).retryable, "where a callback tells of it, it is too late to wait"


@pytest.mark.parametrize(("code", "status"), FOR_GOOD)
def test_other_graph_errors_fail_for_good(code: int, status: int) -> None:
    outcome = _answer(status, code)

    assert isinstance(outcome, Refused)
    assert (str(code), False) == (outcome.error.code, outcome.error.retryable)


@pytest.mark.parametrize(
    ("code", "status"), [(1, 400), (1, 500), (131000, 500), (131000, 400), (999_999, 500), (42, 503)]
)
def test_what_may_have_gone_is_uncertain(code: int, status: int) -> None:
    assert Uncertain(f"Meta's error {code}") == _answer(status, code)


@pytest.mark.parametrize("code", [1, 131000, 131026, 999_999])
@pytest.mark.parametrize("status", [400, 500])
def test_what_meta_calls_transient_may_be_tried_again(code: int, status: int) -> None:
    assert NotSent(str(code)) == _answer(status, code, is_transient=True)


@pytest.mark.parametrize("transient", [False, None, "true", 1])
def test_only_a_plain_true_counts_as_transient(transient: object) -> None:
    assert isinstance(_answer(500, 131000, is_transient=transient), Uncertain)


@pytest.mark.parametrize("code", [17, 32, 341, 613, 999_999, 131000])
def test_429_is_a_refusal_before_processing_whatever_the_code(code: int) -> None:
    assert NotSent(str(code)) == _answer(429, code)


@pytest.mark.parametrize("status", [200, 201, 301, 400, 401, 404, 429, 500, 502, 503, 504])
@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html><h1>Bad gateway</h1></html>", b"{}", b"[]", b"null", b"7", b'"x"', b"\xff", b'{"error": "no"}',
        b'{"error": {}}', b'{"error": {"code": "131016"}}', b'{"error": {"code": null}}', b'{"messages": []}',
        b'{"messages": [{}]}', b'{"messages": [{"id": ""}]}', b'{"messages": [{"id": 7}]}', b'{"messages": ["x"]}',
        b'{"id": null}',
        b'{"messages":[{"id":"wamid.1"',
    ],
)  # fmt: skip
def test_without_a_graph_error_or_an_id_nobody_knows(status: int, body: bytes) -> None:
    assert Uncertain(f"HTTP {status} without a Graph error or an id") == read_answer(status, body)


@pytest.mark.parametrize("status", [200, 201])
def test_an_id_is_acceptance(status: int) -> None:
    sent = {
        "messaging_product": "whatsapp",
        "contacts": [{}],
        "messages": [{"id": "wamid.1", "message_status": "accepted"}],
    }

    assert Accepted("wamid.1") == read_answer(status, json.dumps(sent).encode())
    assert Accepted("1479537139650973") == read_answer(status, b'{"id": "1479537139650973"}')


@pytest.mark.parametrize("status", [302, 400, 500])
def test_an_id_without_success_is_none(status: int) -> None:
    assert isinstance(read_answer(status, b'{"id": "1"}'), Uncertain)


def test_an_error_in_a_200_is_an_error() -> None:
    assert NotSent("131016") == _answer(200, 131016)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": 131026, "title": "T", "message": "M", "error_data": {"details": "D"}}, ("131026", "T", "D")),
        ({"code": 131026, "message": "M", "error_data": {"details": "D"}}, ("131026", "M", "D")),
        ({"code": 131026, "title": "T", "error_data": "words"}, ("131026", "T", "words")),
        ({"code": 131026, "title": "T", "error_data": None}, ("131026", "T", "T")),
        ({"code": 131026, "title": "T", "error_data": {}}, ("131026", "T", "T")),
        ({"title": "T", "code": ["junk"]}, ("unspecified", "T", "T")),
        ({}, ("unspecified", "Meta gave no reason", "Meta gave no reason")),
    ],
)
def test_metas_error_as_ours(error: dict[str, Any], expected: tuple[str, str, str]) -> None:
    read = message_error(error)

    assert expected == (read.code, read.title, read.details)


@given(st.integers(100, 599), st.binary())
def test_no_answer_breaks_the_reading_and_rubbish_is_never_accepted(status: int, body: bytes) -> None:
    assert isinstance(read_answer(status, body), Uncertain | NotSent | Refused)
