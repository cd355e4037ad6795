"""What `make deploy` calls sam with: samconfig.toml's parameters, and the processor that it built for."""

import pytest

from local.build import ARCHITECTURES
from local.commands import ROOT
from local.deploy import deploy_command
from local.progress import CommandError

SAMCONFIG = '[dev.deploy.parameters]\nparameter_overrides = ["Stage=dev", "BacklogPerSecond=20", "Arch=x86_64"]\n'


def _parameters(command: list[str]) -> list[str]:
    return command[command.index("--parameter-overrides") + 1 :]


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_what_was_built_for_a_processor_is_deployed_for_it(stage: str, arch: str) -> None:
    command = deploy_command(stage, arch, (ROOT / "samconfig.toml").read_text(encoding="utf-8"))

    assert str(ROOT / f".aws-sam/{arch}/template.yaml") == command[command.index("--template-file") + 1]
    assert stage == command[command.index("--config-env") + 1]
    assert [f"Stage={stage}", f"Arch={arch}"] == _parameters(command)


@pytest.mark.parametrize("overrides", ['["Stage=dev", "BacklogPerSecond=20"]', '"Stage=dev BacklogPerSecond=20"'])
def test_all_that_samconfig_sets_is_passed_on(overrides: str) -> None:
    samconfig = f"[dev.deploy.parameters]\nparameter_overrides = {overrides}\n"

    assert ["Stage=dev", "BacklogPerSecond=20", "Arch=arm64"] == _parameters(deploy_command("dev", "arm64", samconfig))


def test_two_words_for_the_processor_are_refused() -> None:
    assert ["Stage=dev", "BacklogPerSecond=20", "Arch=x86_64"] == _parameters(
        deploy_command("dev", "x86_64", SAMCONFIG)
    )
    with pytest.raises(CommandError, match="make deploy ARCH=x86_64"):
        deploy_command("dev", "arm64", SAMCONFIG)


@pytest.mark.parametrize("stage", ["local", "nowhere"])
def test_a_stage_that_is_not_on_aws_is_refused(stage: str) -> None:
    with pytest.raises(CommandError):
        deploy_command(stage, "arm64", SAMCONFIG)
