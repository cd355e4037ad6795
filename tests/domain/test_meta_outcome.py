"""Every code of Meta's table, as the architecture's "How far it got decides" has it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from hkreach.domain.meta_outcome import (
    LONGEST_HINT,
    MAX_DETAILS,
    MAX_TITLE,
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


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        ({"code": 131053}, True),
        ({"code": 100, "error_subcode": 33}, True),
        ({"code": 100}, False),
        ({"code": 100, "error_subcode": 2494055}, False),
        ({"code": 131026, "error_subcode": 33}, False),
    ],
)
def test_a_refusal_says_whether_the_file_may_be_forgotten(error: dict[str, Any], lost: bool) -> None:
    outcome = read_answer(400, json.dumps({"error": error}).encode())

    assert isinstance(outcome, Refused)
    assert lost == outcome.lost_media


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


_HALF, _REPLACED = "\ud83d", "\ufffd"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": 1, "title": f"T{_HALF}", "error_data": {"details": f"D{_HALF}"}},
         ("1", f"T{_REPLACED}", f"D{_REPLACED}")),
        ({"code": 1, "title": _HALF * 9_000}, ("1", _REPLACED * MAX_TITLE, _REPLACED * MAX_DETAILS)),
        ({"code": 1, "title": [_HALF]}, ("1", "['\\ud83d']", "['\\ud83d']")),
        ({"code": 10**4_000, "title": "T"}, ("unspecified", "T", "T")),
    ],
)  # fmt: skip
def test_metas_words_can_be_stored_and_are_cut(error: dict[str, Any], expected: tuple[str, str, str]) -> None:
    read = message_error(error)

    assert expected == (read.code, read.title, read.details)


def test_an_id_can_be_stored_and_is_cut() -> None:
    assert Accepted(f"wamid.{_REPLACED}") == read_answer(200, b'{"messages": [{"id": "wamid.\\ud83d"}]}')
    assert Accepted("9" * 512) == read_answer(200, json.dumps({"id": "9" * 5_000}).encode())


def _hint(code: int = 80007, **headers: str) -> int | None:
    told = CaseInsensitiveDict({name.replace("_", "-"): value for name, value in headers.items()})
    outcome = read_answer(429, json.dumps({"error": {"code": code}}).encode(), told)
    assert isinstance(outcome, NotSent)
    return outcome.retry_after


def _usage(*minutes: object) -> str:
    uses = [{"type": "messaging", "call_count": 100, "estimated_time_to_regain_access": each} for each in minutes]
    return json.dumps({"102290129340398": uses})


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("7", 7), ("86400", 86_400), ("86401", 86_400), ("9" * 400, 86_400), ("9" * 9_000, 86_400),
        ("Sun, 22 Nov 2026 10:02:00 GMT", 120), ("Sun, 22 Nov 2099 10:02:00 GMT", 86_400),
        ("Sun, 22 Nov 2026 09:59:59 GMT", None), ("Sun, 22 Nov 99999999999 10:02:00 GMT", None), ("soon", None),
        ("", None), ("0", None), ("-7", None), ("1.5", None), ("1e9", None), ("²", None), ("inf", None),
    ],
)  # fmt: skip
def test_meta_may_ask_to_wait(asked: str, seconds: int | None) -> None:
    assert seconds == _hint(131016, RETRY_AFTER=asked, date="Sun, 22 Nov 2026 10:00:00 GMT")


@pytest.mark.parametrize("date", ["", "now", "Sun, 22 Nov 2026 10:00:00"])
def test_a_date_alone_tells_no_time(date: str) -> None:
    assert _hint(retry_after="Sun, 22 Nov 2026 10:02:00 GMT", date=date) is None


@pytest.mark.parametrize(
    ("usage", "seconds"),
    [
        (_usage(3), 180), (_usage(0, 19, 3), 1_140), (_usage(0.25), 15), (_usage(10**6), 86_400),
        (_usage(10**400), 86_400), (_usage(0), None), (_usage(-3), None), (_usage("3", None, [], True), None),
        (_usage(float("nan")), None), (_usage(float("inf")), 86_400), ("", None), ("{", None), ("[" * 100_000, None),
        ("[]", None), ('{"1": 7}', None), ('{"1": [7, null]}', None), ('{"1": {}}', None),
        ('{"1": 7, "2": [{"estimated_time_to_regain_access": 1}]}', 60),
    ],
)  # fmt: skip
def test_metas_estimate_of_a_rate_limit(usage: str, seconds: int | None) -> None:
    assert seconds == _hint(X_Business_Use_Case_Usage=usage)


@pytest.mark.parametrize(("code", "seconds"), [(4, 180), (80008, 180), (130429, 180), (131056, None), (131016, None)])
def test_an_estimate_counts_for_rate_limits_only(code: int, seconds: int | None) -> None:
    assert seconds == _hint(code, x_business_use_case_usage=_usage(3))


@pytest.mark.parametrize(("asked", "seconds"), [("60", 180), ("600", 600), ("soon", 180)])
def test_the_largest_hint_counts(asked: str, seconds: int) -> None:
    app_usage = '{"call_count": 100, "total_time": 100, "total_cputime": 100}'

    assert seconds == _hint(
        4, retry_after=asked, x_business_use_case_usage=_usage(3), x_app_usage=app_usage,
    )  # fmt: skip


@given(st.text(), st.text(), st.text())
def test_no_header_breaks_the_reading(asked: str, date: str, usage: str) -> None:
    hint = _hint(retry_after=asked, date=date, x_business_use_case_usage=usage)

    assert hint is None or 1 <= hint <= LONGEST_HINT


@given(st.integers(100, 599), st.binary())
def test_no_answer_breaks_the_reading_and_rubbish_is_never_accepted(status: int, body: bytes) -> None:
    assert isinstance(read_answer(status, body), Uncertain | NotSent | Refused)
