"""docs/verify-webhooks.md: its very code takes what we deliver and the public vectors, and refuses all else."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
import svix.webhooks

from tests.security.webhook_cases import BEFORE, SECOND, Case, cases, cases_for_libraries, delivered, genuine
from tests.template import ROOT

PROGRAMS = {
    "python": (
        sys.executable,
        "",
        """
import json, sys

def run(case):
    body = base64.b64decode(case["body"])
    if case["scheme"] == "ours":
        return is_signed(case["secret"], case["headers"].get("x-hkreach-signature", ""), body)
    return is_genuine(case["secret"], case["headers"], body, case["now"])

print(json.dumps([run(case) for case in json.load(sys.stdin)]))
""",
    ),
    "js": (
        "node",
        "",
        """
const cases = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map((c) => {
  const body = Buffer.from(c.body, "base64");
  if (c.scheme === "ours") return isSigned(c.secret, c.headers["x-hkreach-signature"] ?? "", body);
  return isGenuine(c.secret, c.headers, body, c.now ?? undefined);
})));
""",
    ),
    "php": (
        "php",
        "<?php\n",
        """
echo json_encode(array_map(function ($c) {
    $body = base64_decode($c['body']);
    if ($c['scheme'] === 'ours') {
        return is_signed($c['secret'], $c['headers']['x-hkreach-signature'] ?? '', $body);
    }
    return is_genuine($c['secret'], $c['headers'], $body, $c['now']);
}, json_decode(file_get_contents('php://stdin'), true)));
""",
    ),
}
"""The command, and what stands before and behind the document's code: JSON of the cases in, of the results out."""


def _now() -> int:
    return time.time_ns() // 1_000_000


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_documents_code_tells_what_is_genuine(language: str, tmp_path: Path) -> None:
    command, before, behind = PROGRAMS[language]
    if shutil.which(command) is None:
        pytest.skip(f"{command} is not installed here")
    document = (ROOT / "docs/verify-webhooks.md").read_text(encoding="utf-8")
    (code,) = re.findall(rf"```{language}\n(.*?)```", document, re.DOTALL)
    script = tmp_path / f"verify.{'cjs' if language == 'js' else language}"
    script.write_text(before + code + behind)

    asked = cases(_now())
    given = json.dumps([case.as_json() for case in asked])
    done = subprocess.run([command, script], input=given, capture_output=True, text=True, timeout=60, check=False)

    assert "" == done.stderr
    assert genuine(asked) == dict(zip(genuine(asked), json.loads(done.stdout), strict=True))


LIBRARIES: dict[str, Callable[[str], Any]] = {
    "standardwebhooks": standardwebhooks.Webhook,
    "svix": svix.webhooks.Webhook,
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_so_do_libraries_that_we_did_not_write(library: str) -> None:
    def verified(case: Case) -> bool:
        try:
            LIBRARIES[library](case.secret).verify(case.received.body, case.received.headers)
        except (standardwebhooks.WebhookVerificationError, ValueError):
            return False
        return True

    asked = [case for case in cases_for_libraries(_now()) if case.scheme == "standard"]

    assert genuine(asked) == {case.name: verified(case) for case in asked}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_delivery_of_six_minutes_ago_is_too_old_for_them(library: str) -> None:
    (stale,) = (case for case in cases(_now()) if case.name == "six minutes old")
    with pytest.raises(standardwebhooks.WebhookVerificationError, match="too old"):
        LIBRARIES[library](stale.secret).verify(stale.received.body, stale.received.headers)


def test_the_same_event_later_has_the_same_id_and_another_time() -> None:
    now = _now()
    first, later = delivered(BEFORE, now), delivered(BEFORE, now + 5 * SECOND)

    assert first.headers["webhook-id"] == later.headers["webhook-id"] == json.loads(first.body)["id"]
    assert first.body == later.body
    assert 5 == int(later.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"])
