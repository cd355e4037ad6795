"""Deploys the built template to the local AWS with `sam deploy`, and reads what came out of it."""

import os
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.build import SAM, environment
from local.commands import ROOT, last_lines, run_logged
from local.stack.description import CREDENTIALS, REGION, aws_client

DEPLOY_SECONDS = 300
GRAPH_VERSION = "v25.0"


@dataclass(frozen=True)
class Deployed:
    """The stack as deployed: its name and outputs, and the two addresses that the local AWS serves it at."""

    stack_name: str
    outputs: dict[str, str]
    api_url: str
    meta_callback_url: str


def settings_of(samconfig: str, environment: str) -> tuple[str, dict[str, str]]:
    """The stack name and the template's parameters that samconfig.toml has for an environment."""
    config: dict[str, Any] = tomllib.loads(samconfig).get(environment, {})
    shared, deploy = ({**config.get(part, {}).get("parameters", {})} for part in ("global", "deploy"))
    settings = {**shared, **deploy}
    overrides = settings.get("parameter_overrides", "")
    words = overrides if isinstance(overrides, list) else shlex.split(overrides)
    return str(settings.get("stack_name", f"hk-reach-{environment}")), dict(word.split("=", 1) for word in words)


def deploy(template: Path, endpoint_url: str, parameters: dict[str, str], log: Path) -> Deployed:
    """Deploy with samconfig's `local` parameters, ours in place of theirs where both are given."""
    stack_name, settings = settings_of((ROOT / "samconfig.toml").read_text(encoding="utf-8"), "local")
    settings |= parameters
    # Named, because sam looks for samconfig.toml beside the template, and the built one lies elsewhere.
    command = [str(SAM), "deploy", "--config-file", str(ROOT / "samconfig.toml"), "--config-env", "local"]
    command += ["--template-file", str(template)]
    command += ["--stack-name", stack_name, "--region", REGION, "--resolve-s3", "--no-progressbar"]
    command += ["--no-confirm-changeset", "--no-fail-on-empty-changeset"]
    command += ["--parameter-overrides", *(f"{name}={value}" for name, value in settings.items())]
    log.unlink(missing_ok=True)
    run_logged(
        command,
        log,
        environment=sam_environment(endpoint_url),
        timeout=DEPLOY_SECONDS,
        reason=reasons,
    )
    stacks = aws_client(endpoint_url, "cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    outputs = {output["OutputKey"]: str(output["OutputValue"]) for output in stacks[0].get("Outputs", [])}
    return Deployed(
        stack_name,
        outputs,
        api_url=f"{endpoint_url}/_aws/execute-api/{outputs['ApiId']}/{settings['Stage']}",
        meta_callback_url=f"{endpoint_url}/_aws/lambda-url/{function_url_id(outputs['MetaCallbackUrl'])}/",
    )


def function_url_id(function_url: str) -> str:
    """The id in `https://ID.lambda-url.REGION.on.aws/`, by which the local AWS serves it."""
    return (urlsplit(function_url).hostname or "").partition(".")[0]


def sam_environment(endpoint_url: str) -> dict[str, str]:
    """Ours, without the user's AWS account in it."""
    kept = {
        name: value
        for name, value in environment().items()
        if name == "AWS_CA_BUNDLE" or not name.startswith(("AWS_", "SAM_"))
    }
    return kept | {
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "SAM_CLI_TELEMETRY": "0",
        # How often it looks whether the stack is there; 5 s is made for AWS.
        "SAM_CLI_POLL_DELAY": "0.5",
    }


def reasons(output: str) -> str:
    """The lines that say why a deploy failed; the end of the output if none does."""
    telling = [line.strip() for line in output.splitlines() if "FAILED" in line or line.startswith("Error")]
    return "\n".join(telling[-12:]) or last_lines(output)
