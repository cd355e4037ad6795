"""Two verifiers from npm that we did not write take what we deliver, and refuse all else.

`standardwebhooks` reads the three headers of Standard Webhooks; `@octokit/webhooks-methods`, which is made for
GitHub's `X-Hub-Signature-256`, reads X-HKReach-Signature with `sha256=` in front.
"""

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from local.progress import CommandError
from tests.security.npm_packages import LOCKED, NpmMissing, install, missing_for_npm
from tests.security.webhook_cases import cases_for_libraries, genuine

PROGRAM = """
import { readFileSync } from "node:fs";
import { verify } from "@octokit/webhooks-methods";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

const verifiers = {
  standard(secret, headers, body) {
    try {
      new Webhook(secret).verify(body, headers);
      return "verified";
    } catch (error) {
      if (error instanceof WebhookVerificationError) return error.message;
      throw error;
    }
  },
  async ours(secret, headers, body) {
    const signature = "sha256=" + (headers["x-hkreach-signature"] ?? "");
    return (await verify(secret, body.toString(), signature)) ? "verified" : "refused";
  },
};
const cases = JSON.parse(readFileSync(0, "utf8"));
const asked = cases.map((c) => verifiers[c.scheme](c.secret, c.headers, Buffer.from(c.body, "base64")));
console.log(JSON.stringify(await Promise.all(asked)));
"""
"""JSON of the cases in, of what the verifiers say out."""


@pytest.fixture(scope="module")
def node() -> None:
    if lack := missing_for_npm():
        pytest.skip(lack)


@pytest.fixture(scope="module")
def packages() -> Path:
    try:
        return install()
    except NpmMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def offline(node: None, tmp_path: Path) -> list[str]:
    """Options for a registry where nobody listens, and nothing at hand of what was fetched before."""
    return ["--registry=http://127.0.0.1:1", f"--cache={tmp_path / 'cache'}", "--fetch-retries=0"]


@pytest.mark.parametrize("scheme", ["standard", "ours"])
def test_verifiers_from_npm_tell_what_is_genuine(scheme: str, packages: Path) -> None:
    asked = [case for case in cases_for_libraries(time.time_ns() // 1_000_000) if case.scheme == scheme]
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", PROGRAM],
        cwd=packages,
        input=json.dumps([case.as_json() for case in asked]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "" == done.stderr
    said = dict(zip(genuine(asked), json.loads(done.stdout), strict=True))
    assert genuine(asked) == {name: answer == "verified" for name, answer in said.items()}
    if scheme == "standard":
        assert "Message timestamp too old" == said["six minutes old"]


def test_what_is_installed_is_reused_until_the_lock_changes(packages: Path, tmp_path: Path, offline: list[str]) -> None:
    shutil.copytree(packages, tmp_path / ".local/npm")
    assert tmp_path / ".local/npm" == install(tmp_path, options=offline)

    changed = shutil.copytree(LOCKED, tmp_path / "changed")
    (changed / "package-lock.json").write_text((LOCKED / "package-lock.json").read_text() + "\n")
    with pytest.raises(NpmMissing):
        install(tmp_path, changed, options=offline)
    with pytest.raises(NpmMissing):  # what a failed one left behind is not taken for whole
        install(tmp_path, options=offline)


def test_a_registry_out_of_reach_is_told_in_one_line(tmp_path: Path, offline: list[str]) -> None:
    with pytest.raises(NpmMissing) as raised:
        install(tmp_path, options=offline)

    log = tmp_path / ".local/logs/npm.log"
    expected = f"npm ci failed (ECONNREFUSED), is npm's registry in reach? The whole output: {log}"
    assert expected == str(raised.value)


def test_a_package_that_is_not_what_was_locked_is_no_reason_to_skip(tmp_path: Path, offline: list[str]) -> None:
    other = tmp_path / "other.tgz"
    other.write_bytes(b"another's")
    locked = {"version": "1.0.0", "resolved": f"file:{other}", "integrity": f"sha512-{'A' * 86}=="}
    package = {"dependencies": {"verifier": f"file:{other}"}}
    lock = {"lockfileVersion": 3, "packages": {"": package, "node_modules/verifier": locked}}
    (tmp_path / "package.json").write_text(json.dumps(package))
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))

    with pytest.raises(CommandError) as raised:
        install(tmp_path, tmp_path, options=offline)

    assert "EINTEGRITY" == raised.value.detail.partition("\n")[0]


def test_a_machine_without_node_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "node and npm not installed here: Node 20 or newer brings both" == missing_for_npm()


@pytest.mark.parametrize(
    ("script", "told"), [("echo v18.20.4", "v18.20.4"), ("exit 127", "one that does not run")], ids=["old", "broken"]
)
def test_a_node_that_will_not_do_is_told_in_one_line(
    script: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in ("node", "npm"):
        (tmp_path / command).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / command).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert f"Node 20 or newer is needed, this is {told}" == missing_for_npm()
