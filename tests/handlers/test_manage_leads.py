"""manage_leads as Lambda runs it: each route's answer, and what it refuses."""

import io
import json
from typing import Any

import pytest

from hkreach.domain.lead import Customer, LeadChange
from hkreach.domain.lead_follow_up import begun
from tests.aws import LEADS_TABLE, items
from tests.builders import LEAD_ID, NOW, OTHER_LEAD_ID, RECIPIENT, USER_ID, lead
from tests.handlers.conftest import Stack, fields, problem, sample

CREATE, LOOK, LIST, CHANGE = "manage_leads/create", "manage_leads/look", "manage_leads/list", "manage_leads/change"
FORGET, MOVE, MOVES = "manage_leads/forget", "manage_leads/move", "manage_leads/moves"
ADD_NOTE, NOTES = "manage_leads/add_note", "manage_leads/notes"
STAGES, SET_STAGES = "manage_leads/stages", "manage_leads/set_stages"
OTHER_KEY = "hkr_live_SampleKey2_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg1v6Zqo"


@pytest.fixture(autouse=True)
def app(stack: Stack) -> None:
    stack.add_app()


@pytest.fixture
def one(stack: Stack) -> str:
    stack.leads.write([lead()])
    return LEAD_ID


def _call(stack: Stack, name: str, body: object = ..., **query: str) -> dict[str, Any]:
    """The sample, with another body, or with these parameters in its query."""
    event = sample(name)
    if body is not ...:
        event["body"] = json.dumps(body)
    if query:
        query = (event["queryStringParameters"] or {}) | query
        event["queryStringParameters"] = query
        event["multiValueQueryStringParameters"] = {key: [value] for key, value in query.items()}
    answer: dict[str, Any] = stack.invoke("manage_leads", event)
    return answer


def _read(answer: dict[str, Any], status: int = 200) -> Any:
    assert status == answer["statusCode"], answer
    return json.loads(answer["body"])


def test_a_customer_has_one_lead_however_often_it_is_asked_for(stack: Stack) -> None:
    made, found = _read(_call(stack, CREATE), 201), _read(_call(stack, CREATE), 200)

    assert made == found
    move = {"number": 1, "from": None, "to": "New", "at": "2026-11-22T09:00:00Z", "by": "Ann"}
    assert {
        "leadId": made["leadId"], "phone": RECIPIENT, "userId": None, "name": "John Doe", "stage": "New", "score": None,
        "assignee": None, "followUp": None, "lastMove": move, "createdAt": "2026-11-22T09:00:00Z", "version": 1,
    } == made  # fmt: skip
    assert move | {"by": "api"} == _read(_call(stack, CREATE, {"phone": "85291234567"}), 201)["lastMove"]


def test_what_is_new_of_a_customer_is_kept(stack: Stack, one: str) -> None:
    seen = _read(_call(stack, CREATE, {"phone": RECIPIENT, "userId": USER_ID, "name": "Jonny"}))

    assert (one, USER_ID, "John Doe") == (seen["leadId"], seen["userId"], seen["name"])
    assert one == _read(_call(stack, CREATE, {"userId": USER_ID}))["leadId"]


@pytest.mark.parametrize(
    ("name", "body", "faults"),
    [
        (CREATE, {}, ["phone"]),
        (CREATE, {"phone": "1", "name": "", "colour": "red"}, ["colour", "name", "phone"]),
        (CREATE, {"userId": "with space", "by": "x" * 65}, ["by", "userId"]),
        (CREATE, {"userId": "HK.ü"}, ["userId"]),
        (CREATE, {"userId": f"HK.{'1' * 129}"}, ["userId"]),
        (CHANGE, {"score": 101, "assignee": "a\nb", "name": " "}, ["assignee", "name", "score"]),
        (CHANGE, {"score": "70", "stage": "Won"}, ["score", "stage"]),
        (CHANGE, {"score": True}, ["score"]),
        (CHANGE, {"expectedVersion": 0}, ["expectedVersion"]),
        (CHANGE, {"followUp": {"at": "tomorrow", "note": "\ud83d"}}, ["followUp.at", "followUp.note"]),
        (CHANGE, {"followUp": {"at": "2026-11-23"}}, ["followUp.at"]),
        (CHANGE, {"followUp": {"at": "2026-11-23T09:00:00"}}, ["followUp.at"]),
        (CHANGE, {"followUp": {"at": "9999-12-31T23:59:59-23:59"}}, ["followUp.at"]),
        (CHANGE, {"followUp": {"at": "2026-11-22T09:00:00Z"}}, ["followUp.at"]),
        (CHANGE, {"followUp": {"at": "2027-11-24T09:00:00Z"}}, ["followUp.at"]),
        (CHANGE, {"followUp": {}}, ["followUp.at"]),
        (
            CHANGE,
            {"followUp": {"at": "2026-11-23T09:00:00Z", "send": {"to": RECIPIENT, "headerMediaId": "x", "a": 1}}},
            [f"followUp.send.{name}" for name in ("a", "headerMediaId", "templateName", "to")],
        ),
        (
            CHANGE,
            {"followUp": {"at": "2026-11-23T09:00:00Z", "send": {"templateName": "t", "headerMediaUrl": "http://x"}}},
            ["followUp.send.headerMediaUrl"],
        ),
        (MOVE, {}, ["by", "expectedStage", "to"]),
        (MOVE, {"to": "Nowhere", "expectedStage": "New", "by": "Ann"}, ["to"]),
        (MOVE, {"to": "New", "expectedStage": "New", "by": "Ann"}, ["to"]),
        (ADD_NOTE, {"author": "Ann", "text": " "}, ["text"]),
        (ADD_NOTE, {"author": "Ann", "text": "x" * 2_001}, ["text"]),
        (SET_STAGES, {"stages": []}, ["stages"]),
        (SET_STAGES, {"stages": [{"name": "A"}, {"name": "A"}]}, ["stages"]),
        (SET_STAGES, {"stages": [{"name": "A", "closed": True}]}, ["stages"]),
        (
            SET_STAGES,
            {"stages": [{"name": "A", "closed": 1, "colour": "red"}]},
            ["stages[0].closed", "stages[0].colour"],
        ),
        (SET_STAGES, {"stages": [{"name": str(n)} for n in range(21)]}, ["stages"]),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(
    stack: Stack, one: str, name: str, body: object, faults: list[str]
) -> None:
    before = items(LEADS_TABLE)
    answer = _call(stack, name, body)

    assert (422, faults) == (answer["statusCode"], fields(answer))
    assert before == items(LEADS_TABLE)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        (LIST, {"limit": "0"}), (LIST, {"limit": "101"}), (LIST, {"limit": "²"}), (LIST, {"cursor": "x"}),
        (LIST, {"followUpBefore": "soon"}), (MOVES, {"cursor": "x"}), (NOTES, {"limit": "x"}), (LOOK, {"leadId": ""}),
    ],
)  # fmt: skip
def test_a_wrong_query_is_told(stack: Stack, one: str, name: str, query: dict[str, str]) -> None:
    answer = _call(stack, name, **query)
    if name == LOOK:
        assert [one] == [found["leadId"] for found in _read(answer)["leads"]], "no id: the list"
    else:
        assert (422, list(query)) == (answer["statusCode"], fields(answer))


@pytest.mark.parametrize("name", [LOOK, CHANGE, FORGET, MOVE, MOVES, ADD_NOTE, NOTES])
def test_another_apps_lead_and_none_look_the_same(stack: Stack, name: str) -> None:
    stack.leads.write([lead(app_name="other")])
    before = items(LEADS_TABLE)
    answers = [_call(stack, name, leadId=lead_id) for lead_id in (LEAD_ID, OTHER_LEAD_ID, "x#y")]

    assert [404] * 3 == [answer["statusCode"] for answer in answers]
    assert 1 == len({answer["body"] for answer in answers})
    assert before == items(LEADS_TABLE)


@pytest.mark.parametrize("name", [CREATE, LIST, LOOK, CHANGE, FORGET, MOVE, MOVES, ADD_NOTE, NOTES, STAGES, SET_STAGES])
def test_nobody_comes_in_without_a_key(stack: Stack, name: str) -> None:
    event = sample(name)
    event["headers"]["X-API-Key"] = OTHER_KEY
    event["multiValueHeaders"]["X-API-Key"] = [OTHER_KEY]

    assert 401 == stack.invoke("manage_leads", event)["statusCode"]


def test_a_move_is_a_fact_that_stays(stack: Stack, one: str) -> None:
    moved = _read(_call(stack, MOVE))
    _call(stack, MOVE, {"to": "Won", "expectedStage": "Contacted", "by": "Bob"})

    at = "2026-11-22T09:00:00Z"
    second = {"number": 2, "from": "New", "to": "Contacted", "at": at, "by": "Ann"}
    assert ("Contacted", second) == (moved["stage"], moved["lastMove"])
    seen = _read(_call(stack, MOVES, limit="2"))
    assert [{**second, "number": 3, "from": "Contacted", "to": "Won", "by": "Bob"}, second] == seen["moves"]
    rest = _read(_call(stack, MOVES, limit="2", cursor=seen["nextCursor"]))
    assert ([1], None) == ([move["number"] for move in rest["moves"]], rest["nextCursor"])
    assert [3, 2, 1] == [move["number"] for move in _read(_call(stack, LOOK))["moves"]]


def test_who_comes_second_sees_what_happened(stack: Stack, one: str) -> None:
    _call(stack, MOVE)
    answer = _call(stack, MOVE, {"to": "Lost", "expectedStage": "New", "by": "Bob"})

    told = json.loads(answer["body"])
    assert (409, "lead_moved", False) == (answer["statusCode"], told["code"], told["retryable"])
    last = {"number": 2, "from": "New", "to": "Contacted", "at": "2026-11-22T09:00:00Z", "by": "Ann"}
    assert ("Contacted", last) == (told["stage"], told["lastMove"])
    assert "Contacted" == _read(_call(stack, LOOK))["stage"]


def test_a_change_changes_what_it_names(stack: Stack, one: str) -> None:
    changed = _read(_call(stack, CHANGE))
    follow_up = {
        "at": "2026-11-23T09:00:00Z", "note": "Ask about the sofa", "state": "waiting",
        "send": {"templateName": "order_confirmation", "languageCode": "en"},
    }  # fmt: skip
    assert (70, "Ann", follow_up, 2) == (
        changed["score"], changed["assignee"], changed["followUp"], changed["version"],
    )  # fmt: skip

    assert "Zoë" == _read(_call(stack, CHANGE, {"name": "Zoë", "score": 0}))["name"]
    less = _read(_call(stack, CHANGE, {"assignee": None, "followUp": None}))
    assert ("Zoë", 0, None, None, 4) == tuple(
        less[name] for name in ("name", "score", "assignee", "followUp", "version")
    )
    stale = _call(stack, CHANGE, {"score": 1, "expectedVersion": 2})
    assert (409, "conflict") == (stale["statusCode"], problem(stale)["code"])
    assert 5 == _read(_call(stack, CHANGE, {"score": 1, "expectedVersion": 4}))["version"]


def test_a_reminder_needs_an_open_lead_and_to_send_a_number(stack: Stack, one: str) -> None:
    stack.leads.write([lead(OTHER_LEAD_ID, Customer(None, USER_ID))])
    nowhere = _call(stack, CHANGE, leadId=OTHER_LEAD_ID)
    assert (422, ["followUp.send"]) == (nowhere["statusCode"], fields(nowhere))

    _call(stack, MOVE, {"to": "Won", "expectedStage": "New", "by": "Ann"})
    closed = _call(stack, CHANGE)
    assert (409, "conflict") == (closed["statusCode"], problem(closed)["code"])


def test_closing_takes_the_reminder_away(stack: Stack, one: str) -> None:
    _call(stack, CHANGE)
    _call(stack, MOVE)
    assert _read(_call(stack, LOOK))["followUp"] is not None

    closed = _read(_call(stack, MOVE, {"to": "Lost", "expectedStage": "Contacted", "by": "Ann"}))
    assert closed["followUp"] is None
    assert [] == list(stack.leads.due(NOW * 2, 10))


def test_a_reminder_that_is_being_sent_is_not_changed_but_the_lead_may_be(stack: Stack, one: str) -> None:
    _call(stack, CHANGE)
    before = stack.leads.get("mystore", one)
    assert before is not None
    sending = begun(before, NOW + 100_000_000)
    assert sending is not None
    stack.leads.write([LeadChange(before, sending)])

    for body in (..., {"followUp": None}):
        refused = _call(stack, CHANGE, body)
        assert (503, True) == (refused["statusCode"], problem(refused)["retryable"])
    assert "sending" == _read(_call(stack, CHANGE, {"score": 3}))["followUp"]["state"]


def test_lists(stack: Stack, one: str) -> None:
    stack.leads.write([lead(OTHER_LEAD_ID, Customer("85291234567"), at=NOW + 1)])
    _call(stack, CHANGE)
    first = _read(_call(stack, LIST, limit="1"))
    second = _read(_call(stack, LIST, limit="1", cursor=first["nextCursor"]))

    assert [OTHER_LEAD_ID, one] == [first["leads"][0]["leadId"], second["leads"][0]["leadId"]]
    assert second["nextCursor"] is None
    for query, expected in (
        ({"stage": "Won"}, []),
        ({"assignee": "Ann"}, [one]),
        ({"followUpBefore": "2026-11-24T00:00:00+08:00"}, [one]),
        ({"followUpBefore": "2026-11-23T00:00:00Z"}, []),
    ):
        assert expected == [found["leadId"] for found in _read(_call(stack, LIST, **query))["leads"]]


def test_notes(stack: Stack, one: str) -> None:
    at = "2026-11-22T09:00:00Z"
    note = {"number": 1, "author": "Ann", "text": "Wants the blue one", "at": at}
    assert note == _read(_call(stack, ADD_NOTE), 201)
    _call(stack, ADD_NOTE, {"author": "Bob", "text": "two\nlines 🙂"})

    assert {"notes": [{**note, "number": 2, "author": "Bob", "text": "two\nlines 🙂"}], "nextCursor": "2"} == _read(
        _call(stack, NOTES, limit="1")
    )
    assert [2, 1] == [each["number"] for each in _read(_call(stack, LOOK))["notes"]]


def test_stages(stack: Stack, one: str) -> None:
    default = _read(_call(stack, STAGES))["stages"]
    assert [("New", False), ("Contacted", False), ("Qualified", False), ("Won", True), ("Lost", True)] == [
        (stage["name"], stage["closed"]) for stage in default
    ]
    _call(stack, MOVE)
    taken = _call(stack, SET_STAGES)
    assert (409, True) == (taken["statusCode"], "'Contacted'" in problem(taken)["detail"])

    _call(stack, MOVE, {"to": "New", "expectedStage": "Contacted", "by": "Ann"})
    assert ["New", "Offer", "Won", "Lost"] == [stage["name"] for stage in _read(_call(stack, SET_STAGES))["stages"]]
    assert _read(_call(stack, SET_STAGES)) == _read(_call(stack, STAGES))
    assert "Offer" == _read(_call(stack, MOVE, {"to": "Offer", "expectedStage": "New", "by": "Ann"}))["stage"]


def test_a_customer_is_forgotten(stack: Stack, one: str) -> None:
    _call(stack, ADD_NOTE)
    _call(stack, CHANGE)

    assert (204, "") == ((answer := _call(stack, FORGET))["statusCode"], answer["body"])
    assert [] == items(LEADS_TABLE)
    assert 404 == _call(stack, FORGET)["statusCode"]
    assert one != _read(_call(stack, CREATE), 201)["leadId"]


def test_a_forgetting_that_was_begun_is_ended_by_the_next(
    stack: Stack, one: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("hkreach.adapters.dynamodb_leads.DynamoDBLeads.erase", lambda *_: 1 / 0)
        assert 500 == _call(stack, FORGET)["statusCode"]

    assert 404 == _call(stack, LOOK)["statusCode"]
    assert (409, "conflict") == ((answer := _call(stack, CREATE))["statusCode"], problem(answer)["code"])
    assert 204 == _call(stack, FORGET)["statusCode"]
    assert [] == items(LEADS_TABLE)


def test_nothing_of_a_customer_is_logged(stack: Stack, one: str, logs: io.StringIO) -> None:
    _call(stack, CREATE, {"phone": "85291234567", "name": "Wong Tai Man", "userId": USER_ID})
    for name in (CHANGE, MOVE, ADD_NOTE, LOOK, LIST, NOTES, MOVES, FORGET):
        _call(stack, name)
    _call(stack, CREATE, {"phone": "Wong Tai Man"})

    assert one in logs.getvalue()
    for private in (RECIPIENT, "85291234567", "Wong", "John Doe", USER_ID, "sofa", "blue", "Ann"):
        assert private not in logs.getvalue(), private
