"""POST /messages: what is accepted, what is refused, and in which words."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.local.running import (
    CONFIGURATION,
    NUMBER,
    OTHER_NUMBER,
    OTHER_TOKEN,
    TIMEOUT,
    TOKEN,
    Meta,
    template,
    with_components,
)

pytestmark = pytest.mark.loopback


def text_message(**changes: object) -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "to": "+85291234567", "type": "text", "text": {"body": "hi"}, **changes}


def free_form(kind: str, content: object) -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "to": "+85291234567", "type": kind, kind: content}


def interactive(kind: str, action: object, **changes: object) -> dict[str, Any]:
    return free_form("interactive", {"type": kind, "body": {"text": "Choose"}, "action": action, **changes})


def header(kind: str, content: object, **changes: object) -> dict[str, Any]:
    return {"type": "header", "parameters": [{"type": kind, kind: content, **changes}]}


def body(*parameters: object) -> dict[str, Any]:
    return {"type": "body", "parameters": list(parameters)}


def text(words: object, name: str | None = None) -> dict[str, Any]:
    return {"type": "text", "text": words, **({"parameter_name": name} if name else {})}


def button(sub_type: str, index: object, *parameters: object) -> dict[str, Any]:
    return {"type": "button", "sub_type": sub_type, "index": index, "parameters": list(parameters)}


def carousel(*cards: object) -> dict[str, Any]:
    return {"type": "carousel", "cards": list(cards)}


def card(index: int, *components: object) -> dict[str, Any]:
    return {"card_index": index, "components": list(components)}


def offer(expiration: object) -> dict[str, Any]:
    value = {"expiration_time_ms": expiration}
    return {"type": "limited_time_offer", "parameters": [{"type": "limited_time_offer", "limited_time_offer": value}]}


LINK = {"link": "https://example.com/a.png"}
CARD = [header("image", LINK), body(text("x")), button("url", "0", text("elf"))]
ROW = {"id": "r", "title": "Row"}
FLOW = {"flow_message_version": "3", "flow_id": "1", "flow_cta": "Go"}

ACCEPTED: dict[str, dict[str, Any]] = {
    "template without components": template(template={"name": "hello", "language": {"code": "en_US"}}),
    "legacy language policy": template(
        template={"name": "hello", "language": {"code": "en", "policy": "deterministic"}}
    ),
    "header text": with_components(header("text", "Summer")),
    "header image by link": with_components(header("image", LINK)),
    "header document": with_components(header("document", {**LINK, "filename": "a.pdf"})),
    "header location": with_components(header("location", {"latitude": "22.28", "longitude": 114.15, "name": "HQ"})),
    "header product": with_components(header("product", {"product_retailer_id": "sku", "catalog_id": "1"})),
    "named body": with_components(body(text("Pablo", "customer"), text("1", "order"))),
    "currency and date": with_components(
        body(
            {"type": "currency", "currency": {"fallback_value": "$1", "code": "USD", "amount_1000": 1000}},
            {"type": "date_time", "date_time": {"fallback_value": "February 25, 1977"}},
        )
    ),
    "four spaces in a text": with_components(body(text("a    b"))),
    "buttons, index as text or number": with_components(
        button("url", "0", text("n3mtql")), button("quick_reply", 1, {"type": "payload", "payload": "STOP"})
    ),
    "copy code": with_components(button("copy_code", 0, {"type": "coupon_code", "coupon_code": "CARIBE25"})),
    "flow button": with_components(button("flow", 0, {"type": "action", "action": {"flow_token": "t"}})),
    "catalog button without parameters": with_components({"type": "button", "sub_type": "catalog", "index": 0}),
    "limited time offer": with_components(offer(1698562800000)),
    "carousel": with_components(carousel(card(0, *CARD), card(1, *CARD))),
    "reply, echo and identity": template(
        context={"message_id": "wamid.x"}, biz_opaque_callback_data="x" * 512, recipient_identity_key_hash="h"
    ),
    "text": text_message(text={"body": "x" * 4096, "preview_url": True}),
    "image": free_form("image", {**LINK, "caption": "c"}),
    "document": free_form("document", {"id": "123", "filename": "a.pdf", "caption": "c"}),
    "voice": free_form("audio", {**LINK, "voice": True}),
    "sticker": free_form("sticker", LINK),
    "location": free_form("location", {"latitude": "37.44", "longitude": "-122.16"}),
    "reaction removed": free_form("reaction", {"message_id": "wamid.x", "emoji": ""}),
    "contacts": free_form("contacts", [{"name": {"formatted_name": "B J"}, "phones": [{"phone": "+1650"}]}]),
    "reply buttons": interactive("button", {"buttons": [{"type": "reply", "reply": {"id": "1", "title": "Yes"}}]}),
    "list": interactive("list", {"button": "Open", "sections": [{"title": "S", "rows": [ROW]}]}),
    "link button": interactive(
        "cta_url", {"name": "cta_url", "parameters": {"display_text": "See", "url": "https://a.b"}}
    ),
    "flow": interactive("flow", {"name": "flow", "parameters": FLOW}, header={"type": "text", "text": "H"}),
    "location request": interactive("location_request_message", {"name": "send_location"}),
    "product": free_form("interactive", {"type": "product", "action": {"catalog_id": "1"}}),
}

REFUSED: dict[str, tuple[dict[str, Any], int]] = {
    "no messaging_product": ({"to": "+85291234567", "type": "text", "text": {"body": "hi"}}, 131008),
    "other messaging_product": (text_message(messaging_product="sms"), 100),
    "no type": ({"messaging_product": "whatsapp", "to": "+85291234567"}, 131008),
    "type not text": (text_message(type=7), 100),
    "unknown type": (text_message(type="telegram"), 131051),
    "no property of the type's name": (text_message(type="image"), 100),
    "type's property missing": ({"messaging_product": "whatsapp", "to": "+85291234567", "type": "image"}, 131008),
    "unknown field": (text_message(priority="high"), 100),
    "direct send, not enabled": (text_message(category="utility"), 100),
    "no recipient": ({"messaging_product": "whatsapp", "type": "text", "text": {"body": "hi"}}, 131008),
    "to empty": (text_message(to=""), 131008),
    "to a number": (text_message(to=85291234567), 100),
    "to with letters": (text_message(to="+852CALLME"), 131009),
    "to too short": (text_message(to="+85212"), 131009),
    "to too long": (text_message(to="+8529123456789012"), 131009),
    "to oneself": (text_message(to="+85290000001"), 131021),
    "bad recipient_type": (text_message(recipient_type="everyone"), 100),
    "echo too long": (text_message(biz_opaque_callback_data="x" * 513), 100),
    "context without message_id": (text_message(context={}), 131008),
    "context with more": (text_message(context={"message_id": "m", "from": "1"}), 100),
    "template name upper-case": (template(template={"name": "Hello", "language": {"code": "en"}}), 132001),
    "template name too long": (template(template={"name": "a" * 513, "language": {"code": "en"}}), 132001),
    "no language": (template(template={"name": "hello"}), 131008),
    "language a text": (template(template={"name": "hello", "language": "en"}), 100),
    "language unknown": (template(template={"name": "hello", "language": {"code": "English"}}), 132001),
    "unknown template field": (
        template(template={"name": "hello", "language": {"code": "en"}, "namespace": "n"}),
        100,
    ),
    "components no list": (template(template={"name": "a", "language": {"code": "en"}, "components": {}}), 100),
    "component type upper-case": (with_components({"type": "BODY", "parameters": []}), 100),
    "two bodies": (with_components(body(text("a")), body(text("b"))), 100),
    "two buttons at one index": (with_components(button("url", 0, text("a")), button("url", "0", text("b"))), 100),
    "two header parameters": (
        with_components({"type": "header", "parameters": [text("a"), text("b")]}),
        131009,
    ),
    "header of unknown kind": (with_components(header("audio", LINK)), 132012),
    "header media empty": (with_components(header("image", {})), 131008),
    "header media with id and link": (with_components(header("image", {**LINK, "id": "1"})), 131008),
    "header link not a URL": (with_components(header("image", {"link": "a.png"})), 131009),
    "filename on an image": (with_components(header("image", {**LINK, "filename": "a"})), 100),
    "latitude out of range": (with_components(header("location", {"latitude": 91, "longitude": 0})), 131009),
    "latitude no number": (with_components(header("location", {"latitude": "n", "longitude": 0})), 131009),
    "body parameter of header's kind": (with_components(body({"type": "image", "image": LINK})), 132012),
    "named and positional mixed": (with_components(body(text("a", "x"), text("b"))), 132000),
    "named twice": (with_components(body(text("a", "x"), text("b", "x"))), 132000),
    "text empty": (with_components(body(text(""))), 131008),
    "text a number": (with_components(body(text(5))), 100),
    "newline in text": (with_components(body(text("a\nb"))), 132012),
    "tab in text": (with_components(body(text("a\tb"))), 132012),
    "five spaces in text": (with_components(body(text("a     b"))), 132012),
    "newline in a header": (with_components(header("text", "a\nb")), 132012),
    "amount a text": (
        with_components(
            body({"type": "currency", "currency": {"fallback_value": "1", "code": "USD", "amount_1000": "1"}})
        ),
        100,
    ),
    "button of unknown sub_type": (with_components(button("call", 0, text("a"))), 100),
    "button without index": (with_components({"type": "button", "sub_type": "url", "parameters": [text("a")]}), 131008),
    "button index 10": (with_components(button("url", 10, text("a"))), 100),
    "url button without parameter": (with_components(button("url", 0)), 131009),
    "url button with a payload": (with_components(button("url", 0, {"type": "payload", "payload": "p"})), 132012),
    "coupon too long": (
        with_components(button("copy_code", 0, {"type": "coupon_code", "coupon_code": "x" * 21})),
        100,
    ),
    "offer in seconds": (with_components(offer(1698562800)), 131009),
    "carousel of one card": (with_components(carousel(card(0, *CARD))), 131009),
    "carousel out of order": (with_components(carousel(card(1, *CARD), card(0, *CARD))), 131009),
    "carousel of unlike cards": (with_components(carousel(card(0, *CARD), card(1, *CARD[:2]))), 132012),
    "carousel within a card": (with_components(carousel(card(0, carousel()), card(1, carousel()))), 100),
    "text too long": (text_message(text={"body": "x" * 4097}), 100),
    "preview_url a text": (text_message(text={"body": "x", "preview_url": "yes"}), 100),
    "caption too long": (free_form("image", {**LINK, "caption": "x" * 1025}), 100),
    "caption on audio": (free_form("audio", {**LINK, "caption": "x"}), 100),
    "reaction without message_id": (free_form("reaction", {"emoji": "x"}), 131008),
    "contacts empty": (free_form("contacts", []), 131009),
    "contact without a name": (free_form("contacts", [{"phones": []}]), 131008),
    "interactive of unknown type": (interactive("poll", {}), 100),
    "four reply buttons": (
        interactive("button", {"buttons": [{"type": "reply", "reply": {"id": "1", "title": "Yes"}}] * 4}),
        131009,
    ),
    "reply title too long": (
        interactive("button", {"buttons": [{"type": "reply", "reply": {"id": "1", "title": "x" * 21}}]}),
        100,
    ),
    "eleven rows": (interactive("list", {"button": "Open", "sections": [{"rows": [ROW] * 11}]}), 131009),
    "footer too long": (
        interactive("location_request_message", {"name": "send_location"}, footer={"text": "x" * 61}),
        100,
    ),
    "flow without id": (
        interactive("flow", {"name": "flow", "parameters": {"flow_message_version": "3", "flow_cta": "Go"}}),
        131008,
    ),
}


@pytest.mark.parametrize("message", ACCEPTED.values(), ids=ACCEPTED)
def test_accepts(meta: Meta, message: dict[str, Any]) -> None:
    answer = meta.send(message)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(("message", "code"), REFUSED.values(), ids=REFUSED)
def test_refuses(meta: Meta, message: dict[str, Any], code: int) -> None:
    answer = meta.send(message)
    error = answer.json()["error"]
    assert error["code"] == code, error
    assert answer.status_code == (404 if code == 132001 else 400)
    assert error["message"].startswith(f"(#{code}) ")
    assert error["type"] == "OAuthException"
    assert error["error_data"]["messaging_product"] == "whatsapp"
    assert error["error_data"]["details"]
    assert error["fbtrace_id"].startswith("A")
    assert meta.control("requests")["requests"][0]["answer"] == {"status": answer.status_code, "code": code}


def test_answers_a_template_like_meta(meta: Meta) -> None:
    answer = meta.send(template())
    wamid = answer.json()["messages"][0]["id"]
    assert answer.json() == {
        "messaging_product": "whatsapp",
        "contacts": [{"input": "+85291234567", "wa_id": "85291234567"}],
        "messages": [{"id": wamid, "message_status": "accepted"}],
    }
    assert wamid.startswith("wamid.")
    assert wamid.endswith("=")
    assert b"85291234567" in base64.b64decode(wamid.removeprefix("wamid."))
    assert answer.headers["facebook-api-version"] == "v25.0"
    assert answer.headers["x-fb-request-id"]
    assert answer.headers["x-fb-trace-id"]


def test_says_no_message_status_of_free_form_messages(meta: Meta) -> None:
    assert set(meta.send(text_message()).json()["messages"][0]) == {"id"}


def test_escapes_slashes_in_its_json(meta: Meta) -> None:
    answer = meta.send(text_message(), number="1/2")
    assert answer.status_code == 400
    assert r"\/" in answer.text
    assert "/" not in answer.text.replace(r"\/", "")


@pytest.mark.parametrize(
    ("given", "wa_id"),
    [
        ("+852 9123-4567", "85291234567"),
        ("91234567", "85291234567"),
        ("1 (631) 555-1234", "85216315551234"),
        ("85291234567", "85285291234567"),
    ],
)
def test_puts_the_numbers_country_code_before_a_recipient_without_plus(meta: Meta, given: str, wa_id: str) -> None:
    assert meta.send(template(given)).json()["contacts"] == [{"input": given, "wa_id": wa_id}]


def test_sends_to_a_business_scoped_user_id(meta: Meta) -> None:
    message = template(recipient="US.13491208655302741918")
    del message["to"]
    assert meta.send(message).json()["contacts"] == [
        {"input": "US.13491208655302741918", "user_id": "US.13491208655302741918"}
    ]


def test_to_wins_over_recipient(meta: Meta) -> None:
    message = template(recipient="US.13491208655302741918")
    assert meta.send(message).json()["contacts"][0]["wa_id"] == "85291234567"


def test_refuses_a_malformed_user_id(meta: Meta) -> None:
    message = template(recipient="us.1")
    del message["to"]
    assert meta.send(message).json()["error"]["code"] == 131009


def test_sends_to_a_group(meta: Meta) -> None:
    sent = meta.send(template("group-1", recipient_type="group")).json()
    assert sent["messages"][0]["group_id"] == "group-1"


def test_takes_read_receipts(meta: Meta) -> None:
    receipt = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x"}
    assert meta.send({**receipt, "typing_indicator": {"type": "text"}}).json() == {"success": True}
    assert meta.send({**receipt, "status": "seen"}).json()["error"]["code"] == 100


def test_refuses_what_is_not_json(meta: Meta) -> None:
    address = f"{meta.url}/v25.0/{NUMBER}/messages"
    answer = requests.post(address, data=b"{", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=TIMEOUT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)


@pytest.mark.parametrize(
    ("send", "status", "code", "subcode"),
    [
        (lambda meta: meta.send(template(), token=None), 401, 104, None),
        (lambda meta: meta.send(template(), token="wrong"), 401, 190, 467),
        (lambda meta: meta.send(template(), token=OTHER_TOKEN), 400, 100, 33),
        (lambda meta: meta.send(template(), number="999"), 400, 100, 33),
        (lambda meta: meta.get(NUMBER, token="wrong"), 401, 190, 467),
        (lambda meta: meta.get(OTHER_NUMBER), 400, 100, 33),
        (lambda meta: meta.get(f"{meta.url}/v27.0/{NUMBER}/messages"), 400, 2500, None),
        (lambda meta: meta.get(f"{meta.url}/v27.0/{NUMBER}"), 400, 2500, None),
        (lambda meta: meta.get(f"{meta.url}/{NUMBER}/messages"), 400, 2500, None),
    ],
)
def test_refuses_who_may_not(
    meta: Meta, send: Callable[[Meta], requests.Response], status: int, code: int, subcode: int | None
) -> None:
    answer = send(meta)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error.get("error_subcode")) == (status, code, subcode)


@pytest.mark.parametrize("level", ["STANDARD", "HIGH", "NOT_APPLICABLE"])
def test_tells_only_the_throughput_when_asked_for_that(meta: Meta, level: str) -> None:
    meta.control("configuration", {"numbers": [{**CONFIGURATION["numbers"][0], "throughputLevel": level}]})
    assert {"throughput": {"level": level}, "id": NUMBER} == meta.get(f"{NUMBER}?fields=throughput").json()


def test_describes_a_number(meta: Meta) -> None:
    assert meta.get(f"{NUMBER}?fields=throughput,display_phone_number").json() == {
        "throughput": {"level": "STANDARD"},
        "display_phone_number": "+852 9000 0001",
        "id": NUMBER,
    }
    assert meta.get(f"{NUMBER}?fields=nonsense").json()["error"]["code"] == 100
