"""docs/verify-webhooks.md: its very code takes what we deliver and the public vectors, and refuses all else."""

import base64
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
import svix.webhooks

from hkreach.domain.endpoint import Endpoint
from hkreach.domain.event import received_event
from hkreach.domain.signature import sign
from hkreach.usecases.deliver_webhook_post import post_event
from tests.builders import endpoint, inbound
from tests.fakes.outside import FakeWebhookClient
from tests.fakes.secrets import FakeSealedSecrets
from tests.template import ROOT

SECRETS = FakeSealedSecrets()
OLD, NEW = (f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 251))
SECOND, MINUTE = 1_000, 60_000
LIVES = 24 * 60 * MINUTE
NOW = time.time_ns() // 1_000_000
"""The real time: the libraries know no other."""

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
  return isGenuine(c.secret, c.headers, body, c.now);
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


@dataclass(frozen=True)
class Received:
    """A webhook as a server gets it."""

    body: bytes
    headers: dict[str, str]

    def but(self, body: bytes | None = None, **headers: str) -> "Received":
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Received(self.body if body is None else body, self.headers | named)


def _sealed(secret: str) -> bytes:
    return SECRETS.seal("mystore", "webhook_secret", secret)


def _delivered(of: Endpoint, at: int = NOW) -> Received:
    """What our own code sends."""
    client = FakeWebhookClient()
    post_event(of, received_event(inbound()), at, secrets=SECRETS, client=client)
    ((_, body, headers),) = client.posted
    return Received(body, {name.lower(): value for name, value in headers.items()})


BEFORE = endpoint(secret=_sealed(OLD))
ROTATING = BEFORE.rotated(_sealed(NEW), NOW + LIVES, NOW)
PLAIN, ROTATED = _delivered(BEFORE), _delivered(ROTATING)
AFTER, STALE = _delivered(ROTATING, NOW + LIVES), _delivered(BEFORE, NOW - 6 * MINUTE)
STANDARD_VECTOR = Received(
    b'{"test": 2432232314}',
    {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    },
)
GITHUB_VECTOR = Received(
    b"Hello, World!", {"x-hkreach-signature": "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}
)


@dataclass(frozen=True)
class Case:
    name: str
    secret: str
    received: Received
    genuine: bool
    now: int = NOW
    """Milliseconds."""
    scheme: str = "standard"

    def as_json(self) -> dict[str, Any]:
        return {
            "secret": self.secret,
            "headers": self.received.headers,
            "body": base64.b64encode(self.received.body).decode(),
            "now": self.now // SECOND,
            "scheme": self.scheme,
        }


def _without(name: str) -> Received:
    return Received(PLAIN.body, {key: value for key, value in PLAIN.headers.items() if key != name})


TAMPERED = PLAIN.body.replace(b"order", b"0rder")
SIGNATURE = PLAIN.headers["webhook-signature"]
CASES = [
    Case("delivered", OLD, PLAIN, True),
    Case("the public vector", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", STANDARD_VECTOR, True, 1_614_265_330_000),
    Case("in rotation, by the old secret", OLD, ROTATED, True),
    Case("in rotation, by the new secret", NEW, ROTATED, True),
    Case("after it, by the new secret", NEW, AFTER, True, NOW + LIVES),
    Case("after it, by the old secret", OLD, AFTER, False, NOW + LIVES),
    Case("five minutes old", OLD, PLAIN, True, NOW + 5 * MINUTE),
    Case("too old", OLD, PLAIN, False, NOW + 5 * MINUTE + SECOND),
    Case("from the future", OLD, PLAIN, False, NOW - 5 * MINUTE - SECOND),
    Case("the public vector today", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", STANDARD_VECTOR, False),
    Case("an old one made new", OLD, STALE.but(webhook_timestamp=str(NOW // SECOND)), False),
    Case("tampered", OLD, PLAIN.but(TAMPERED), False),
    Case("another's id", OLD, PLAIN.but(webhook_id="evt_1"), False),
    Case("another secret", NEW, PLAIN, False),
    Case("another version", OLD, PLAIN.but(webhook_signature=SIGNATURE.replace("v1,", "v1a,")), False),
    Case("cut off", OLD, PLAIN.but(webhook_signature=SIGNATURE[:-1]), False),
    Case("with letters that are no ASCII", OLD, PLAIN.but(webhook_signature=f"v1,é {SIGNATURE[:-3]}☕"), False),
    Case("right beside a wrong one", OLD, PLAIN.but(webhook_signature=f"v1,AAAA {SIGNATURE}"), True),
    *(Case(f"without {name}", OLD, _without(name), False) for name in PLAIN.headers if name.startswith("webhook-")),
    *(
        Case(f"timestamp {text!r}", OLD, PLAIN.but(webhook_timestamp=text), False)
        for text in ("", "soon", "-5", "1e9", "²", "9" * 400, f"{NOW // SECOND}\n", f" {NOW // SECOND}", "NaN")
    ),
    Case("ours: delivered", OLD, PLAIN, True, scheme="ours"),
    Case("ours: the public vector", "It's a Secret to Everybody", GITHUB_VECTOR, True, scheme="ours"),
    Case("ours: in rotation, by the old secret", OLD, ROTATED, True, scheme="ours"),
    Case("ours: in rotation, by the new secret", NEW, ROTATED, False, scheme="ours"),
    Case("ours: after it, by the old secret", OLD, AFTER, False, scheme="ours"),
    Case("ours: after it, by the new secret", NEW, AFTER, True, scheme="ours"),
    Case("ours: tampered", OLD, PLAIN.but(TAMPERED), False, scheme="ours"),
    Case("ours: another secret", NEW, PLAIN, False, scheme="ours"),
    Case("ours: missing", OLD, _without("x-hkreach-signature"), False, scheme="ours"),
    Case("ours: cut off", OLD, PLAIN.but(x_hkreach_signature=sign(OLD, PLAIN.body)[:-1]), False, scheme="ours"),
    Case("ours: no ASCII", OLD, PLAIN.but(x_hkreach_signature="é" * 64), False, scheme="ours"),
]  # fmt: skip


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_documents_code_tells_what_is_genuine(language: str, tmp_path: Path) -> None:
    command, before, behind = PROGRAMS[language]
    if shutil.which(command) is None:
        pytest.skip(f"{command} is not installed here")
    document = (ROOT / "docs/verify-webhooks.md").read_text(encoding="utf-8")
    (code,) = re.findall(rf"```{language}\n(.*?)```", document, re.DOTALL)
    script = tmp_path / f"verify.{'cjs' if language == 'js' else language}"
    script.write_text(before + code + behind)

    given = json.dumps([case.as_json() for case in CASES])
    done = subprocess.run([command, script], input=given, capture_output=True, text=True, timeout=60, check=False)

    assert "" == done.stderr
    assert {case.name: case.genuine for case in CASES} == dict(
        zip((case.name for case in CASES), json.loads(done.stdout), strict=True)
    )


LIBRARIES: dict[str, Callable[[str], Any]] = {
    "standardwebhooks": standardwebhooks.Webhook,
    "svix": svix.webhooks.Webhook,
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    "case", [case for case in CASES if case.scheme == "standard" and case.now == NOW], ids=lambda case: case.name
)
def test_so_do_libraries_that_we_did_not_write(library: str, case: Case) -> None:
    """They know the real time only, and take some liberties with the form of a time."""
    if case.name.startswith("timestamp") and case.received.headers["webhook-timestamp"].strip() == str(NOW // SECOND):
        pytest.skip("float() strips it")
    webhook = LIBRARIES[library](case.secret)
    try:
        webhook.verify(case.received.body, case.received.headers)
        verified = True
    except (standardwebhooks.WebhookVerificationError, ValueError):
        verified = False

    assert case.genuine == verified


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_delivery_of_six_minutes_ago_is_refused_by_them_too(library: str) -> None:
    with pytest.raises(standardwebhooks.WebhookVerificationError, match="too old"):
        LIBRARIES[library](OLD).verify(STALE.body, STALE.headers)


def test_the_same_event_later_has_the_same_id_and_another_time() -> None:
    later = _delivered(replace(BEFORE), NOW + 5 * SECOND)

    assert PLAIN.headers["webhook-id"] == later.headers["webhook-id"] == json.loads(PLAIN.body)["id"]
    assert PLAIN.body == later.body
    assert 5 == int(later.headers["webhook-timestamp"]) - int(PLAIN.headers["webhook-timestamp"])
