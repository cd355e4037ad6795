"""Builds for a processor and deploys to AWS, with samconfig.toml's parameters: `make deploy STAGE=dev`."""

import argparse
import subprocess
import sys

from local.build import ARCHITECTURES, SAM, build, environment
from local.commands import ROOT
from local.progress import CommandError, Progress
from local.stack.deployment import settings_of

SAMCONFIG = ROOT / "samconfig.toml"


def deploy_command(stage: str, arch: str, samconfig: str) -> list[str]:
    """What `sam` is called with. Raises CommandError if the stage is none of AWS, or samconfig's Arch is another."""
    if stage == "local":
        raise CommandError("the stage local is for this machine: make up")
    _, parameters = settings_of(samconfig, stage)
    if not parameters:
        raise CommandError(f"samconfig.toml has no stage {stage!r}")
    if parameters.get("Arch", arch) != arch:
        raise CommandError(f"samconfig.toml says Arch={parameters['Arch']}: make deploy ARCH={parameters['Arch']}")
    # On the command line they replace those of the file, so all of them stand here.
    given = [f"{name}={value}" for name, value in (parameters | {"Arch": arch}).items()]
    command = [str(SAM), "deploy", "--config-file", str(SAMCONFIG), "--config-env", stage]
    command += ["--template-file", str(ROOT / f".aws-sam/{arch}/template.yaml")]
    return [*command, "--parameter-overrides", *given]


def main() -> int:
    """Build and deploy; sam asks and tells on the terminal."""
    parser = argparse.ArgumentParser(prog="local.deploy", description="Deploy to AWS.")
    parser.add_argument("--stage", required=True)
    parser.add_argument("--arch", choices=ARCHITECTURES, required=True)
    asked, progress = parser.parse_args(), Progress()
    try:
        command = deploy_command(asked.stage, asked.arch, SAMCONFIG.read_text(encoding="utf-8"))
        build(asked.arch, progress)
    except CommandError as failure:
        return progress.fail(failure)
    return subprocess.run(command, env=environment(), cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
