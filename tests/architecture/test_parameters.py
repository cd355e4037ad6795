"""The template's parameters: what it takes, each function starts with, and a document names them all."""

import re
import tomllib
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.edge.test_settings import MODELS
from tests.template import ROOT, resources, template

PARAMETERS: dict[str, dict[str, Any]] = template()["Parameters"]
FUNCTIONS = resources("AWS::Serverless::Function")
OF_ALL: dict[str, Any] = template()["Globals"]["Function"]["Environment"]["Variables"]


def _readers(parameter: str) -> list[TypeAdapter[Any]]:
    """What reads it: each function's setting whose variable is this parameter."""
    found = []
    for name, function in FUNCTIONS.items():
        fields = MODELS[name.replace("Function", "Settings")].model_fields
        for variable, value in {**OF_ALL, **function["Environment"]["Variables"]}.items():
            field = fields.get(variable.lower())
            if {"Ref": parameter} == value and field is not None:
                bounds = field.metadata  # those of a `type` are in the annotation
                found.append(TypeAdapter(Annotated[field.annotation, *bounds] if bounds else field.annotation))
    return found


def _takes(reader: TypeAdapter[Any], text: str) -> bool:
    try:
        reader.validate_python(text)
    except ValidationError:
        return False
    return True


READ = [name for name in PARAMETERS if _readers(name)]
NUMBERS = [name for name in READ if PARAMETERS[name]["Type"] == "Number"]
TEXTS = {
    "WebhookRetryWaitsSeconds": [
        "", "0", "00", "01", "1", "1,", ",1", "1,,2", "-1", "1.5", "5,300", "604800", "599999", "600000", "604801",
        "999999", "1000000", ",".join(["1"] * 20), ",".join(["1"] * 21), ",".join(["599999"] * 20), "5,0",
        "86400,172800",
    ],
    "GraphVersion": ["", "v25", "v25.0", "25.0", "v25.0.1", "V25.0", "v.0"],
}  # fmt: skip
"""Right and wrong ones: the pattern may be narrower than the setting, never wider."""


def test_the_parameters_that_functions_read() -> None:
    unpatterned = {"Stage", "GraphUrl", "LocalTargets"}  # a list of words; two whose meaning depends on the stage

    assert set(READ) == {*NUMBERS, *TEXTS, *unpatterned}
    assert len(NUMBERS) >= 6


@pytest.mark.parametrize("name", NUMBERS)
def test_each_number_that_the_template_takes_starts_the_functions(name: str) -> None:
    node = PARAMETERS[name]
    least, most = node["MinValue"], node.get("MaxValue", 10**9)

    for reader in _readers(name):
        for value in (node["Default"], least, most, least + 0.5):  # a Number may have a fraction
            assert _takes(reader, str(value)), value


@pytest.mark.parametrize("name", TEXTS)
def test_each_text_that_the_template_takes_starts_the_functions(name: str) -> None:
    pattern = PARAMETERS[name]["AllowedPattern"]
    taken = [text for text in [PARAMETERS[name]["Default"], *TEXTS[name]] if re.fullmatch(pattern, text)]

    assert PARAMETERS[name]["Default"] in taken
    assert len(taken) > 1
    assert [] == [text for text in taken for reader in _readers(name) if not _takes(reader, text)]


def test_each_stage_is_one_that_the_functions_know() -> None:
    assert all(_takes(reader, stage) for stage in PARAMETERS["Stage"]["AllowedValues"] for reader in _readers("Stage"))


def test_two_days_between_two_tries_may_still_be_set() -> None:
    assert re.fullmatch(PARAMETERS["WebhookRetryWaitsSeconds"]["AllowedPattern"], "5,300,172800")


@pytest.mark.parametrize("environment", ["local", "dev", "prod"])
def test_what_samconfig_sets_is_what_the_template_takes(environment: str) -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    for words in config[environment]["deploy"]["parameters"]["parameter_overrides"]:
        name, value = words.split("=", 1)
        node = PARAMETERS[name]
        if node["Type"] == "Number":
            assert node["MinValue"] <= float(value) <= node.get("MaxValue", 10**9), words
        assert re.fullmatch(node.get("AllowedPattern", ".*"), value), words
        assert value in node.get("AllowedValues", [value]), words


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_operators_page_has_a_row_for_each_parameter_with_its_default(name: str) -> None:
    _, page = (ROOT / "docs/operations.md").read_text(encoding="utf-8").split("### Parameters")
    rows = [
        line.split("|") for line in page.partition("\n## ")[0].splitlines() if re.match(rf"\| (`\w+`, )*`{name}`", line)
    ]
    default = str(PARAMETERS[name].get("Default", ""))

    ((_, _, shown, what, _),) = rows
    assert (f"`{default}`" if default else "") == shown.strip().replace("none", "")
    for bound in ("MinValue", "MaxValue"):
        if bound in PARAMETERS[name] and "MaxValue" in PARAMETERS[name]:
            assert f"{PARAMETERS[name][bound]:,}" in what


def test_what_contributing_passes_to_sam_local_is_what_the_template_needs() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").replace("\\\n", "")
    commands = [line for line in page.splitlines() if line.startswith("sam local ")]

    assert 2 == len(commands)
    for command in commands:
        words = re.findall(r"(\w+)=(\w+)", command.partition("--parameter-overrides")[2])
        given = dict(words)
        assert {name for name, node in PARAMETERS.items() if "Default" not in node} <= set(given)
        assert f"--template .aws-sam/{given['Arch']}/template.yaml" in command
        assert all(value in PARAMETERS[name]["AllowedValues"] for name, value in words)
