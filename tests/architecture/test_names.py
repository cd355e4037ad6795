"""One name for one step, everywhere; and every sample event is used."""

import re
from pathlib import Path

import pytest

from hkreach import settings
from tests.template import ROOT, resources

PACKAGE = ROOT / "layers/hkreach/python/hkreach"
STEPS = sorted(path.parent.name for path in ROOT.glob("functions/*/handler.py"))


def _camel(step: str) -> str:
    return step.title().replace("_", "")


def test_each_step_has_its_name_everywhere() -> None:
    # What is too much for one module has its step's name and a word for its part: `administer`, `administer_messages`.
    modules = {path.stem for path in (PACKAGE / "usecases").glob("*.py") if path.stem != "__init__"}
    use_cases = sorted(modules - {module for module in modules for step in STEPS if module.startswith(f"{step}_")})
    models = {name for name in vars(settings) if name.endswith("Settings") and not name.startswith("_")}
    code = sorted(Path(function["CodeUri"]).name for function in resources("AWS::Serverless::Function").values())

    assert STEPS == use_cases
    assert STEPS == sorted(path.name for path in (ROOT / "events").iterdir())
    assert {f"{_camel(step)}Settings" for step in STEPS} == models
    assert STEPS == code
    assert {f"{_camel(step)}Function" for step in STEPS} == set(resources("AWS::Serverless::Function"))
    assert set(STEPS) <= {path.stem.removeprefix("test_") for path in (ROOT / "tests/usecases").glob("test_*.py")} | {
        "relay_outbox", "relay_events",
    }, "the relays share one file"  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
def test_a_handler_is_thin_and_wires_its_own_step(step: str) -> None:
    text = (ROOT / "functions" / step / "handler.py").read_text()

    assert len(text.splitlines()) <= 70
    assert f"{_camel(step)}Settings.from_environment()" in text
    assert re.search(rf"from hkreach\.usecases\.{step} import", text)
    assert f'Logger(service="hkreach", step="{step}")' in text
    assert ["handler.py"] == [path.name for path in (ROOT / "functions" / step).iterdir() if path.is_file()]


def test_nothing_is_called_by_a_name_that_says_nothing() -> None:
    nameless = {"utils", "helpers", "common", "shared", "misc", "manager"}

    assert [] == [path for path in PACKAGE.rglob("*") if set(path.stem.split("_")) & nameless]


def test_what_the_layer_logs_reaches_the_functions_log() -> None:
    """A child logger finds its parent by the service's name alone; with another it would be silent."""
    loggers = {
        found for path in PACKAGE.rglob("*.py") for found in re.findall(r"= Logger\((.*)\)", path.read_text())
    }  # fmt: skip

    assert {'service="hkreach", child=True'} == loggers


def test_every_sample_event_is_used_by_a_test() -> None:
    tests = "\n".join(path.read_text() for path in (ROOT / "tests/handlers").glob("*.py"))
    samples = {f"{path.parent.name}/{path.stem}" for path in ROOT.glob("events/*/*.json")}

    def used(sample: str) -> bool:
        step, name = sample.split("/")
        return f'"{sample}"' in tests or (f'f"{step}/{{name}}"' in tests and f'"{name}"' in tests)

    assert set() == {sample for sample in samples if not used(sample)}
