"""Registered templates: a send is held to counts, formats, language and status."""

from typing import Any

import pytest

from tests.local.running import Meta, template

pytestmark = pytest.mark.loopback

LINK = {"link": "https://example.com/a.png"}
TEMPLATES: list[dict[str, Any]] = [
    {"name": "plain", "language": "en"},
    {"name": "two", "language": "en", "bodyParams": 2},
    {"name": "named", "language": "en", "bodyParams": ["customer", "order"]},
    {"name": "picture", "language": "en", "headerFormat": "IMAGE"},
    {"name": "place", "language": "en", "headerFormat": "LOCATION"},
    {"name": "titled", "language": "en", "headerFormat": "TEXT", "headerParams": 1},
    {"name": "buttons", "language": "en", "buttons": [{"type": "quick_reply"}, {"type": "url", "variable": True}]},
    {"name": "paused", "language": "en", "status": "PAUSED"},
    {"name": "disabled", "language": "en", "status": "DISABLED"},
    {"name": "pending", "language": "en", "status": "PENDING"},
    {"name": "code", "language": "en", "category": "authentication", "bodyParams": 1},
]


def body(*texts: str) -> dict[str, Any]:
    return {"type": "body", "parameters": [{"type": "text", "text": text} for text in texts]}


def named_body(**texts: str) -> dict[str, Any]:
    parameters = [{"type": "text", "parameter_name": name, "text": text} for name, text in texts.items()]
    return {"type": "body", "parameters": parameters}


def header(kind: str, content: object) -> dict[str, Any]:
    return {"type": "header", "parameters": [{"type": kind, kind: content}]}


def url_button(index: int) -> dict[str, Any]:
    return {"type": "button", "sub_type": "url", "index": index, "parameters": [{"type": "text", "text": "x"}]}


@pytest.mark.parametrize(
    ("name", "components", "code"),
    [
        ("plain", [], None),
        ("plain", [body("one too many")], 132000),
        ("plain", [header("text", "none expected")], 132012),
        ("two", [body("a", "b")], None),
        ("two", [body("a")], 132000),
        ("two", [body("a", "b", "c")], 132000),
        ("two", [], 132000),
        ("two", [named_body(a="1", b="2")], 132012),
        ("named", [named_body(order="1", customer="2")], None),
        ("named", [named_body(order="1", buyer="2")], 132000),
        ("named", [body("1", "2")], 132012),
        ("picture", [header("image", LINK)], None),
        ("picture", [header("video", LINK)], 132012),
        ("picture", [], 132012),
        ("place", [header("location", {"latitude": "22.28", "longitude": "114.15", "name": "HQ"})], None),
        ("place", [header("location", {"latitude": "90.1", "longitude": "114.15"})], 131009),
        ("place", [header("location", {"latitude": "22.28"})], 131008),
        ("place", [header("image", LINK)], 132012),
        ("place", [], 132012),
        ("titled", [header("text", "Summer")], None),
        ("titled", [], 132000),
        ("buttons", [url_button(1)], None),
        ("buttons", [url_button(0)], 132012),
        ("buttons", [url_button(2)], 132012),
        ("buttons", [], 131008),
        ("paused", [], 132015),
        ("disabled", [], 132016),
        ("pending", [], 132001),
        ("nobody_registered_this", [body("a", "b", "c")], None),
    ],
)
def test_holds_sends_to_the_registered_template(
    meta: Meta, name: str, components: list[object], code: int | None
) -> None:
    meta.control("configuration", {"templates": TEMPLATES})
    content = {"name": name, "language": {"code": "en"}, "components": components}
    answer = meta.send(template(template=content)).json()
    assert answer.get("error", {}).get("code") == code, answer


def test_knows_a_registered_name_only_in_its_languages(meta: Meta) -> None:
    meta.control("configuration", {"templates": TEMPLATES})
    answer = meta.send(template(template={"name": "plain", "language": {"code": "zh_HK"}}))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, 132001)
    meta.control("configuration", {"templates": [{"name": "plain", "language": "zh_HK"}]})
    assert meta.send(template(template={"name": "plain", "language": {"code": "zh_HK"}})).status_code == 200


def test_takes_upper_case_components_only_if_told(meta: Meta) -> None:
    url = {"type": "BUTTON", "sub_type": "URL", "index": 0, "parameters": [{"type": "text", "text": "x"}]}
    cards = [{"card_index": index, "components": [{"type": "BODY", "parameters": []}]} for index in range(2)]
    components = [url, {"type": "CAROUSEL", "cards": cards}]
    message = template(template={"name": "a", "language": {"code": "en"}, "components": components})
    assert meta.send(message).status_code == 400
    meta.control("configuration", {"anyLetterCase": True})
    assert meta.send(message).status_code == 200


def test_sends_one_time_codes_only_to_phone_numbers(meta: Meta) -> None:
    meta.control("configuration", {"templates": TEMPLATES})
    message = template(
        template={"name": "code", "language": {"code": "en"}, "components": [body("1234")]}, recipient="US.1"
    )
    assert meta.send(message).status_code == 200
    del message["to"]
    assert meta.send(message).json()["error"]["code"] == 131062
