"""Deliveries of ours, public vectors, and what may be done to them: what a verifier has to take and to refuse."""

import base64
from dataclasses import dataclass
from typing import Any

from hkreach.domain.endpoint import Endpoint
from hkreach.domain.event import received_event
from hkreach.domain.signature import sign
from hkreach.usecases.deliver_webhook_post import post_event
from tests.builders import endpoint, inbound
from tests.fakes.outside import FakeWebhookClient
from tests.fakes.secrets import FakeSealedSecrets

SECRETS = FakeSealedSecrets()
OLD, NEW = (f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 251))
SECOND, MINUTE = 1_000, 60_000
LIVES = 24 * 60 * MINUTE


@dataclass(frozen=True)
class Received:
    """A webhook as a server gets it."""

    body: bytes
    headers: dict[str, str]

    def but(self, body: bytes | None = None, **headers: str) -> "Received":
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Received(self.body if body is None else body, self.headers | named)

    def without(self, name: str) -> "Received":
        return Received(self.body, {key: value for key, value in self.headers.items() if key != name})


def _sealed(secret: str) -> bytes:
    return SECRETS.seal("mystore", "webhook_secret", secret)


def delivered(of: Endpoint, at: int) -> Received:
    """What our own code sends."""
    client = FakeWebhookClient()
    post_event(of, received_event(inbound()), at, secrets=SECRETS, client=client)
    ((_, body, headers),) = client.posted
    return Received(body, {name.lower(): value for name, value in headers.items()})


BEFORE = endpoint(secret=_sealed(OLD))
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
    now: int | None = None
    """Milliseconds; None for the verifier's own clock."""
    scheme: str = "standard"

    def as_json(self) -> dict[str, Any]:
        return {
            "secret": self.secret,
            "headers": self.received.headers,
            "body": base64.b64encode(self.received.body).decode(),
            "now": None if self.now is None else self.now // SECOND,
            "scheme": self.scheme,
        }


def cases(now: int) -> list[Case]:
    """All of them, delivered at `now`. Asked for by the test itself: a suite runs longer than a webhook is fresh."""
    rotating = BEFORE.rotated(_sealed(NEW), now + LIVES, now)
    plain, rotated = delivered(BEFORE, now), delivered(rotating, now)
    after, stale = delivered(rotating, now + LIVES), delivered(BEFORE, now - 6 * MINUTE)
    tampered = plain.body.replace(b"order", b"0rder")
    signature = plain.headers["webhook-signature"]
    return [
        Case("delivered", OLD, plain, True),
        Case("the public vector", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", STANDARD_VECTOR, True, 1_614_265_330_000),
        Case("in rotation, by the old secret", OLD, rotated, True),
        Case("in rotation, by the new secret", NEW, rotated, True),
        Case("after it, by the new secret", NEW, after, True, now + LIVES),
        Case("after it, by the old secret", OLD, after, False, now + LIVES),
        Case("five minutes old", OLD, plain, True, now + 5 * MINUTE),
        Case("too old", OLD, plain, False, now + 5 * MINUTE + SECOND),
        Case("from the future", OLD, plain, False, now - 5 * MINUTE - SECOND),
        Case("the public vector today", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", STANDARD_VECTOR, False),
        Case("six minutes old", OLD, stale, False),
        Case("an old one made new", OLD, stale.but(webhook_timestamp=str(now // SECOND)), False),
        Case("tampered", OLD, plain.but(tampered), False),
        Case("another's id", OLD, plain.but(webhook_id="evt_1"), False),
        Case("another secret", NEW, plain, False),
        Case("another version", OLD, plain.but(webhook_signature=signature.replace("v1,", "v1a,")), False),
        Case("cut off", OLD, plain.but(webhook_signature=signature[:-1]), False),
        Case("with letters that are no ASCII", OLD, plain.but(webhook_signature=f"v1,é {signature[:-3]}☕"), False),
        Case("right beside a wrong one", OLD, plain.but(webhook_signature=f"v1,AAAA {signature}"), True),
        *(Case(f"without {name}", OLD, plain.without(name), False) for name in STANDARD_VECTOR.headers),
        *(
            Case(f"timestamp {text!r}", OLD, plain.but(webhook_timestamp=text), False)
            for text in ("", "soon", "-5", "1e9", "²", "9" * 400, f"{now // SECOND}\n", f" {now // SECOND}", "NaN")
        ),
        Case("ours: delivered", OLD, plain, True, scheme="ours"),
        Case("ours: the public vector", "It's a Secret to Everybody", GITHUB_VECTOR, True, scheme="ours"),
        Case("ours: in rotation, by the old secret", OLD, rotated, True, scheme="ours"),
        Case("ours: in rotation, by the new secret", NEW, rotated, False, scheme="ours"),
        Case("ours: after it, by the old secret", OLD, after, False, scheme="ours"),
        Case("ours: after it, by the new secret", NEW, after, True, scheme="ours"),
        Case("ours: tampered", OLD, plain.but(tampered), False, scheme="ours"),
        Case("ours: another secret", NEW, plain, False, scheme="ours"),
        Case("ours: missing", OLD, plain.without("x-hkreach-signature"), False, scheme="ours"),
        Case("ours: cut off", OLD, plain.but(x_hkreach_signature=sign(OLD, plain.body)[:-1]), False, scheme="ours"),
        Case("ours: no ASCII", OLD, plain.but(x_hkreach_signature="é" * 64), False, scheme="ours"),
    ]  # fmt: skip


def cases_for_libraries(now: int) -> list[Case]:
    """Those for verifiers that know the real time only, and strip what stands around a time."""
    times = {case.name: case.received.headers.get("webhook-timestamp", "") for case in cases(now)}
    stripped = {name for name, time in times.items() if time != time.strip() == str(now // SECOND)}
    return [case for case in cases(now) if case.now is None and case.name not in stripped]


def genuine(of: list[Case]) -> dict[str, bool]:
    """What a verifier has to say, by the case's name."""
    return {case.name: case.genuine for case in of}
