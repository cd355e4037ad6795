"""What a query says and no route would heed is refused, on every route of the API."""

from typing import Any

import pytest

from tests.builders import LEAD_ID, lead
from tests.handlers.conftest import Stack, fields, sample
from tests.template import ROOT, resources

ROUTES = sorted(
    (function["CodeUri"].strip("/").rpartition("/")[2], event["Properties"]["Method"], event["Properties"]["Path"])
    for function in resources("AWS::Serverless::Function").values()
    for event in function.get("Events", {}).values()
    if event["Type"] == "Api" and event["Properties"]["Path"].startswith("/api/external/")
)
SAMPLES = sorted(f"{path.parent.name}/{path.stem}" for path in ROOT.glob("events/*/*.json"))


def _samples(step: str, method: str, path: str) -> list[str]:
    """The sample events of a route."""
    return [
        name
        for name in SAMPLES
        if name.startswith(f"{step}/") and (method, path) == (sample(name)["httpMethod"], sample(name)["path"])
    ]


def _call(stack: Stack, name: str, **more: str) -> Any:
    event = sample(name)
    query = (event["queryStringParameters"] or {}) | more
    event["queryStringParameters"] = query
    event["multiValueQueryStringParameters"] = {key: [value] for key, value in query.items()}
    return stack.invoke(name.partition("/")[0], event)


def test_there_are_routes() -> None:
    assert {"accept_message", "manage_app", "manage_leads", "manage_media", "read_message"} == {
        step for step, _, _ in ROUTES
    }


@pytest.mark.parametrize(("step", "method", "path"), ROUTES)
def test_a_name_that_the_route_does_not_know_is_named(stack: Stack, step: str, method: str, path: str) -> None:
    stack.add_app()
    names = _samples(step, method, path)
    assert names, "each route has a sample"
    for name in names:
        answer = _call(stack, name, colour="red")
        assert (422, ["colour"]) == (answer["statusCode"], fields(answer)), name


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("deliveries", "status"), ("deliveries", "endpointID"), ("list", "leadID"), ("list", "followupBefore")],
)
def test_a_filter_misspelt_is_not_an_answer_without_it(stack: Stack, name: str, wrong: str) -> None:
    stack.add_app()
    step = "manage_app" if name == "deliveries" else "manage_leads"
    answer = _call(stack, f"{step}/{name}", **{wrong: "failed"})

    assert (422, [wrong]) == (answer["statusCode"], fields(answer))


def test_one_lead_is_asked_for_without_a_filter(stack: Stack) -> None:
    stack.add_app()
    stack.leads.write([lead()])
    answer = _call(stack, "manage_leads/look", stage="Won", leadId=LEAD_ID)

    assert (422, ["leadId"]) == (answer["statusCode"], fields(answer))
