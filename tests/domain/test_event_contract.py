"""docs/events/: made from the models, and what the functions make has this form and no other."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from local.event_docs import DATA, FOLDER, examples, files, schema
from tests.event_forms import check_event, objects_in

CASES = [(name, case) for name, shown in examples().items() for case in shown]
UNSEEN = {
    "SystemPart.newWaId",
    "SystemPart.parentUserId",
    "SystemPart.previousParentUserId",
    "SystemPart.customer",
    "CallPermissionReply.isPermanent",
}
"""What Meta's pages name and show in no example."""


def test_the_pages_are_what_the_models_make_of_them() -> None:
    stale = "make event-docs"
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == files(), stale


@pytest.mark.parametrize("name", DATA)
def test_each_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize(("name", "case"), CASES)
def test_each_example_has_its_events_form_and_no_more(name: str, case: str) -> None:
    check_event(examples()[name][case])


@pytest.mark.parametrize("name", DATA)
def test_what_is_promised_is_told(name: str) -> None:
    """Every name in the schema comes in some example: what nothing tells is not promised."""
    whole = schema(name)
    told = {path for event in examples()[name].values() for path in _told(whole, whole, event)}
    promised = {f"{node.get('title')}.{key}" for node in objects_in(whole) for key in node["properties"]}

    assert set() == promised - told - UNSEEN


def _told(whole: dict[str, Any], node: dict[str, Any], value: Any) -> Iterator[str]:
    """`model.name` of all that a value has, by the schema that says what it is."""
    node = whole["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    if isinstance(value, list):
        for each in value:
            yield from _told(whole, node.get("items", {}), each)
    for key in value.keys() & node.get("properties", {}).keys() if isinstance(value, dict) else ():
        yield f"{node.get('title')}.{key}"
        yield from _told(whole, node["properties"][key], value[key])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda event: event.pop("id"),
        lambda event: event["data"].pop("rank"),
        lambda event: event["data"].update(rank="3"),
        lambda event: event["data"].update(status="opened"),
        lambda event: event["data"].update(more=1),
        lambda event: event.update(event="messages.received"),
    ],
)
def test_another_form_is_refused(spoil: Any) -> None:
    event = deepcopy(examples()["messages.status"]["delivered"])
    spoil(event)
    with pytest.raises(ValidationError):
        check_event(event)
