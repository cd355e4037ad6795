"""What customers write, and what becomes of accounts: made on command, in the form of Meta's pages."""

import json
from typing import Any

import pytest
import requests

from local.meta.inbound_kinds import KINDS, sample_of
from tests.local.running import NUMBER, TIMEOUT, Meta

pytestmark = pytest.mark.loopback


def sent(meta: Meta) -> dict[str, Any]:
    """Return the one callback that was sent."""
    meta.settle()
    (callback,) = meta.control("callbacks")["callbacks"]
    body: dict[str, Any] = json.loads(callback["body"])
    return body


@pytest.mark.parametrize("kind", KINDS)
def test_sends_each_kind_as_metas_pages_show_it(meta: Meta, kind: str) -> None:
    order = {"phoneNumberId": NUMBER, "from": "85291234567", "kind": kind, "beside": "forwarded", "groupId": "g-1"}
    meta.control("inbound", order | {"parentUserId": "US.ENT.1"})
    (change,) = sent(meta)["entry"][0]["changes"]
    value = change["value"]
    (message,) = value["messages"]
    sample = sample_of(kind)
    assert sample | {"context": {"forwarded": True}, "group_id": "g-1"} == {
        name: message[name] for name in (*sample, "context", "group_id")
    }
    assert {"from", "from_user_id", "id", "timestamp", "type"} <= set(message)
    assert ("contacts" in value) == (message["type"] != "system")


@pytest.mark.parametrize(
    "wrong", [{"kind": "poll"}, {"kind": "text", "text": "x"}, {"kind": "text", "beside": "x"}, {}]
)
def test_an_order_that_cannot_be_is_refused(meta: Meta, wrong: dict[str, str]) -> None:
    answer = requests.post(
        f"{meta.url}/_control/inbound", json={"phoneNumberId": NUMBER, "from": "1"} | wrong, timeout=TIMEOUT
    )
    assert answer.status_code == 400


def test_tells_of_other_fields(meta: Meta) -> None:
    value = {"event": "FLAGGED", "display_phone_number": "85290000001"}
    answer = meta.control("changes", {"field": "phone_number_quality_update", "value": value, "phoneNumberId": NUMBER})
    body = sent(meta)
    assert body == answer["callback"]
    (entry,) = body["entry"]
    assert entry["id"] == "102290129340398"
    assert isinstance(entry["time"], int)
    assert entry["changes"] == [{"field": "phone_number_quality_update", "value": value}]
