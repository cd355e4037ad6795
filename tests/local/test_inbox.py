"""The inbox: it verifies by itself, answers as it is told, and shows what came without running it."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from local.inbox.app import make_app
from tests.local.running import TIMEOUT, serving

pytestmark = pytest.mark.loopback

SECRET = "whsec_Zoë/秘密"
EVENT = {
    "id": "evt_1",
    "event": "messages.status",
    "appName": "mystore",
    "data": {"messageId": "m-1", "status": "delivered", "rank": 3},
}
RAW = json.dumps(EVENT, indent=1).encode()


@pytest.fixture
def inbox() -> Iterator[str]:
    with serving(make_app()) as url:
        yield url


def signed(raw: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-HKReach-Signature": hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()}


def deliver(inbox: str, raw: bytes = RAW, headers: dict[str, str] | None = None, app: str = "mystore") -> int:
    answer = requests.post(
        f"{inbox}/hooks/{app}", data=raw, headers=headers or {}, timeout=TIMEOUT, allow_redirects=False
    )
    return answer.status_code


def deliveries(inbox: str, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(f"{inbox}/_control/deliveries{query}", timeout=TIMEOUT).json()
    return found


def know_the_secret(inbox: str) -> None:
    requests.put(f"{inbox}/_control/secrets", json={"mystore": SECRET}, timeout=TIMEOUT).raise_for_status()


def script(inbox: str, *answers: dict[str, Any], **more: str) -> requests.Response:
    return requests.post(f"{inbox}/_control/script", json={"answers": answers, **more}, timeout=TIMEOUT)


@pytest.mark.parametrize(
    ("headers", "verified"),
    [
        (signed(RAW), True),
        (signed(RAW, "another secret"), False),
        (signed(RAW + b" "), False),
        ({"X-HKReach-Signature": signed(RAW)["X-HKReach-Signature"][:-2]}, False),
        ({"X-HKReach-Signature": ""}, False),
        ({}, False),
    ],
)
def test_verifies_the_exact_bytes(inbox: str, headers: dict[str, str], verified: bool) -> None:
    know_the_secret(inbox)
    assert deliver(inbox, headers=headers) == 200
    assert deliveries(inbox)[0]["verified"] is verified


def test_verifies_a_signature_from_the_books(inbox: str) -> None:
    """RFC 4231, test case 2: computed by others."""
    requests.put(f"{inbox}/_control/secrets", json={"rfc": "Jefe"}, timeout=TIMEOUT)
    digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    deliver(inbox, b"what do ya want for nothing?", {"X-HKReach-Signature": digest}, app="rfc")
    assert deliveries(inbox)[0]["verified"] is True


@pytest.mark.parametrize(
    ("change", "verified"),
    [
        ({}, True),
        ({"webhook-id": "evt_2"}, False),
        ({"webhook-timestamp": str(int(time.time()) - 3_600)}, False),
        ({"webhook-signature": "v1,AAAA"}, False),
        ({"webhook-signature": "nonsense"}, False),
        ({"X-HKReach-Signature": "00"}, False),
    ],
)
def test_where_the_standards_headers_come_they_must_be_right_too(
    inbox: str, change: dict[str, str], verified: bool
) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    requests.put(f"{inbox}/_control/secrets", json={"mystore": secret}, timeout=TIMEOUT)
    now = datetime.now(UTC)
    standard = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("evt_1", now, RAW.decode()),
    }
    deliver(inbox, headers=signed(RAW, secret) | standard | change)

    assert deliveries(inbox)[0]["verified"] is verified


def test_knows_nothing_of_apps_without_a_secret(inbox: str) -> None:
    deliver(inbox, headers=signed(RAW))
    assert deliveries(inbox)[0]["verified"] is None


def test_shows_what_came(inbox: str) -> None:
    deliver(inbox)
    (delivery,) = deliveries(inbox)
    assert delivery["body"] == EVENT
    assert delivery["raw"] == RAW.decode()
    assert (delivery["eventId"], delivery["event"], delivery["messageId"]) == ("evt_1", "messages.status", "m-1")
    assert (delivery["appName"], delivery["answeredStatus"]) == ("mystore", 200)
    assert delivery["receivedAt"].endswith("+00:00")


def test_takes_what_is_not_json(inbox: str) -> None:
    assert deliver(inbox, b"\xff<nothing>") == 200
    assert deliveries(inbox)[0]["body"] is None


def test_filters_deliveries(inbox: str) -> None:
    deliver(inbox)
    deliver(inbox, b'{"event": "messages.received", "data": {"messageId": "m-2"}}', app="other")
    for query in ("?appName=other", "?messageId=m-2", "?event=messages.received"):
        assert [found["appName"] for found in deliveries(inbox, query)] == ["other"]
    assert len(deliveries(inbox)) == 2


def test_fails_twice_before_it_takes(inbox: str) -> None:
    script(inbox, {"status": 503, "times": 2})
    assert [deliver(inbox) for _ in range(4)] == [503, 503, 200, 200]
    assert [found["answeredStatus"] for found in deliveries(inbox)] == [503, 503, 200, 200]


def test_answers_one_app_only_as_told(inbox: str) -> None:
    script(inbox, {"status": 410}, appName="mystore")
    script(inbox, {"status": 302, "headers": {"Location": "/elsewhere"}}, appName="moved")
    assert [deliver(inbox, app=app) for app in ("mystore", "moved", "other", "mystore")] == [410, 302, 200, 410]


def test_answers_late(inbox: str) -> None:
    script(inbox, {"delay": 0.1})
    started = time.monotonic()
    assert deliver(inbox) == 200
    assert time.monotonic() - started >= 0.1


def test_hangs(inbox: str) -> None:
    script(inbox, {"delay": 60})
    with pytest.raises(requests.Timeout):
        requests.post(f"{inbox}/hooks/mystore", data=RAW, timeout=0.1)
    assert deliveries(inbox)[0]["answeredStatus"] is None


def test_resets(inbox: str) -> None:
    know_the_secret(inbox)
    script(inbox, {"status": 500})
    deliver(inbox)
    requests.post(f"{inbox}/_control/reset", timeout=TIMEOUT).raise_for_status()
    assert deliveries(inbox) == []
    assert deliver(inbox, headers=signed(RAW)) == 200
    assert deliveries(inbox)[0]["verified"] is None


def test_forgets_a_secret(inbox: str) -> None:
    know_the_secret(inbox)
    answer = requests.put(f"{inbox}/_control/secrets", json={"mystore": None, "b": "x"}, timeout=TIMEOUT)
    assert answer.json() == {"apps": ["b"]}


def test_says_what_is_wrong_with_a_command(inbox: str) -> None:
    wrong = [
        requests.put(f"{inbox}/_control/secrets", json=["x"], timeout=TIMEOUT),
        requests.put(f"{inbox}/_control/secrets", data="{", timeout=TIMEOUT),
        script(inbox, {"status": 42}),
        script(inbox, {"state": 500}),
        requests.get(f"{inbox}/_control/deliveries?app=x", timeout=TIMEOUT),
    ]
    assert [answer.status_code for answer in wrong] == [400] * 5
    assert all(answer.json()["error"] for answer in wrong)


def test_page_shows_the_latest_first(inbox: str) -> None:
    assert "Nothing has come yet" in requests.get(inbox, timeout=TIMEOUT).text
    for number in range(3):
        deliver(inbox, json.dumps({**EVENT, "data": {"messageId": f"m-{number}"}}).encode())
    page = requests.get(inbox, timeout=TIMEOUT).text
    assert page.index("m-2") < page.index("m-1") < page.index("m-0")
    assert "no secret known" in page


def test_page_escapes_everything(inbox: str) -> None:
    attack = "<script>alert('x')</script>"
    body = {"id": attack, "event": attack, "data": {"messageId": attack, "status": f'"{attack}'}}
    deliver(inbox, json.dumps(body).encode(), app="%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    answer = requests.get(inbox, timeout=TIMEOUT)
    assert "<script" not in answer.text.lower()
    assert "&lt;script&gt;" in answer.text
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"
