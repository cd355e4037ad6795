"""A wrong value of every kind in every field of every request: what is said of it is ours, never pydantic's."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from hkreach.domain.errors import Fault, Invalid
from hkreach.edge import delivery_body, lead_fields, operator_call, send_fields, webhook_body
from hkreach.edge.fault_words import UNNAMED, WORDS
from hkreach.edge.lead_fields import FollowUpFields, StagesFields
from hkreach.edge.operator_call import read_call
from hkreach.edge.send_faults import validate
from hkreach.edge.send_fields import DocumentFields, MediaFields, RequestFields, SendFields, TemplateFields
from tests.edge.conftest import told

NUMBERS: list[Any] = [True, 7, -1, 0, 10**30, 10**400, 1.5, float("nan"), float("inf")]
TEXTS = ["", " ", "7", "1.5", "9" * 5_000, "a\nb", "cut \ud83d", "Zoë", "x" * 70_000]
PLAIN: list[Any] = [None, *NUMBERS, *TEXTS, [], {}]


def _models(base: type[RequestFields]) -> Iterator[type[RequestFields]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


def _names(models: list[Any]) -> set[str]:
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


MODULES = {module.__name__ for module in (send_fields, lead_fields, webhook_body, delivery_body)}
REQUESTS = sorted(
    {model for model in _models(RequestFields) if model.__module__ in MODULES}, key=lambda each: each.__name__
)
CALLS: list[type[BaseModel]] = [*get_args(operator_call._AppCall), *get_args(operator_call.MessageCall)]
NAMES = _names(REQUESTS)


def _values() -> Iterator[Any]:
    """Each plain one; then lists and objects of it, the objects with every name that any field has."""
    yield from PLAIN
    for value in PLAIN:
        yield [value]
        yield [value] * 200
        yield {"name": value, "[key]": value, "cut \ud83d": value}
        for kind in ("url", "quick_reply", "copy_code", "flow"):
            inner = dict.fromkeys(NAMES, value) | {"type": kind}
            yield from (inner, [inner])


VALUES = list(_values())


def _raised(model: type[RequestFields], values: object) -> list[tuple[str, str]]:
    """Pydantic's own kinds and sentences."""
    try:
        model.model_validate(values, context=frozenset())
    except ValidationError as error:
        return [(each["type"], each["msg"]) for each in error.errors()]
    return []


def _check(faults: list[Fault] | tuple[Fault, ...], sentences: set[str]) -> None:
    for fault in faults:
        assert fault.detail.startswith(f"{fault.field} ")
        for theirs in ("Input should", "should have at", "should match", "Value error", "Unable to", UNNAMED):
            assert theirs not in fault.detail
        assert not any(sentence in fault.detail for sentence in sentences)


@pytest.mark.parametrize("model", REQUESTS, ids=lambda model: model.__name__)
def test_no_sentence_of_pydantics_reaches_a_caller(model: type[RequestFields]) -> None:
    for name in _names([model]):
        for value in VALUES:
            raised = _raised(model, {name: value})
            _check(validate(model, {name: value})[1], {sentence for _, sentence in raised})
    for value in VALUES:
        _check(validate(model, value)[1], {sentence for _, sentence in _raised(model, value)})


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_nor_an_operator(call: type[BaseModel]) -> None:
    (action,) = get_args(call.model_fields["action"].annotation)
    for name in _names([call]) - {"action"}:
        for value in VALUES:
            with pytest.raises(Invalid) as refused:
                read_call({"action": action, "colour": "red", name: value})
            _check(refused.value.faults, set())
            assert "colour is not a field of this request" == told(refused.value.faults)["colour"]
    for value in PLAIN:
        with pytest.raises(Invalid) as unknown:
            read_call({"action": value})
        assert ["action"] == list(told(unknown.value.faults))
        _check(unknown.value.faults, set())


def test_there_are_words_for_what_can_be_wrong_and_for_nothing_else() -> None:
    kinds = {
        kind
        for model in REQUESTS
        for values in [*({name: value} for name in _names([model]) for value in VALUES), *PLAIN]
        for kind, _ in _raised(model, values)
    }
    assert set(WORDS) | {"value_error"} == kinds, "a check of ours has its own words"


@pytest.mark.parametrize(
    ("model", "values", "field", "words"),
    [
        (TemplateFields, {"thirdPartyAppName": "x" * 65}, "thirdPartyAppName", "must have at most 64 characters"),
        (TemplateFields, {"headerMediaId": "cut \ud83d"}, "headerMediaId", "must not hold half a character"),
        (TemplateFields, {"purpose": "spam"}, "purpose", "must be authentication, utility or marketing"),
        (DocumentFields, {"ttlSeconds": "9" * 5_000}, "ttlSeconds", "must be a whole number"),
        (MediaFields, {"filename": "x" * 1_000}, "filename", "must have at most 240 characters"),
        (StagesFields, {"stages": [{"name": "A", "closed": 1}]}, "stages[0].closed", "must be true or false"),
        (FollowUpFields, {"send": "offer"}, "send", "must be a JSON object"),
        (SendFields, {"buttonParams": [{"type": "flow"}]}, "buttonParams[0]", "url, quick_reply or copy_code"),
    ],
)
def test_what_would_be_right(model: type[RequestFields], values: object, field: str, words: str) -> None:
    assert words in told(validate(model, values)[1])[field]


@pytest.mark.parametrize(
    ("call", "field", "words"),
    [
        ({"action": "create_app", "appName": "a", "wabaId": "+852"}, "wabaId", "must have 1 to 32 digits"),
        (
            {"action": "create_app", "appName": "a", "accessToken": "a b"},
            "accessToken",
            "must have 1 to 512 printable ASCII",
        ),
        ({"action": "set_meta_app", "appSecret": "short"}, "appSecret", "must have 16 to 256"),
        ({"action": "set_unknown_policy", "appName": "a", "policy": "guess"}, "policy", "must be park or resend"),
        ({"action": "set_media_days", "appName": "a", "mediaDays": 9}, "mediaDays", "must be "),
        ({"action": "destroy"}, "action", "must be one of create_app, show_app, "),
        ({}, "action", "is required"),
        ({"action": "recover", "after": "x"}, "after", "must be what the answer before gave as `next`"),
    ],
)
def test_what_would_be_right_of_a_call(call: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_call(call)

    assert told(refused.value.faults)[field].startswith(f"{field} {words}")
