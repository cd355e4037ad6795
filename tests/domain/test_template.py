"""The body that Meta wants, for each kind of header and of parameters; and which values it would refuse."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.button import ButtonParam
from hkreach.domain.header import LocationHeader, check_degrees, degrees_text
from hkreach.domain.media import Media
from hkreach.domain.template import BodyParams, Template, check_language_code, check_parameter, meta_message
from tests.builders import MESSAGE_ID, RECIPIENT, TEMPLATE


def _components(template: Template, media: Media | None = None, media_id: str | None = None) -> list[dict[str, Any]]:
    components: list[dict[str, Any]] = meta_message(RECIPIENT, MESSAGE_ID, template, media, media_id)["template"][
        "components"
    ]
    return components


def test_the_whole_message_of_the_guides_example() -> None:
    assert {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+919999999999",
        "type": "template",
        "template": {
            "name": "order_confirmation",
            "language": {"code": "en"},
            "components": [
                {"type": "header", "parameters": [{"type": "text", "text": "Thank you for your order!"}]},
                {
                    "type": "body",
                    "parameters": [{"type": "text", "text": "John Doe"}, {"type": "text", "text": "ORD-12345"}],
                },
            ],
        },
        "biz_opaque_callback_data": MESSAGE_ID,
    } == meta_message(RECIPIENT, MESSAGE_ID, TEMPLATE, None, None)


@pytest.mark.parametrize("params", [[], {}, ()])
def test_a_template_without_variable_parts_has_no_components(params: BodyParams) -> None:
    assert [] == _components(Template("hello", "en", params))


def test_named_parameters() -> None:
    expected = [
        {"type": "text", "parameter_name": "name", "text": "John"},
        {"type": "text", "parameter_name": "order", "text": "7"},
    ]
    assert [{"type": "body", "parameters": expected}] == _components(
        Template("t", "en", {"name": "John", "order": "7"})
    )


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (LocationHeader(22.28, 114.15), {"latitude": "22.28", "longitude": "114.15"}),
        (
            LocationHeader(-0.00000001, -180, "HQ", "1 Rd"),
            {"latitude": "0", "longitude": "-180", "name": "HQ", "address": "1 Rd"},
        ),
        (LocationHeader(0.00001, 89.123456789), {"latitude": "0.00001", "longitude": "89.1234568"}),
    ],
)
def test_a_place_as_the_header(header: LocationHeader, expected: dict[str, str]) -> None:
    parameter = {"type": "location", "location": expected}

    assert [{"type": "header", "parameters": [parameter]}] == _components(Template("t", "en", [], header))


@given(st.floats(-180, 180))
def test_degrees_are_written_as_people_write_them(value: float) -> None:
    text = degrees_text(value)

    assert re.fullmatch(r"0|-?(0|[1-9]\d*)(\.\d{0,6}[1-9])?", text)
    assert abs(value - float(text)) <= 0.00000005000001
    assert text == degrees_text(float(text))


@pytest.mark.parametrize("value", [90.0000001, -91, float("nan"), float("inf"), float("-inf")])
def test_no_degrees(value: float) -> None:
    assert (90, -90, 0) == (check_degrees(90, 90), check_degrees(-90, 90), check_degrees(0, 90))
    with pytest.raises(ValueError, match="from -90 to 90"):
        check_degrees(value, 90)


def test_values_for_buttons_come_last_one_component_each() -> None:
    buttons = [
        ButtonParam(0, "url", "n3mtql"),
        ButtonParam(2, "quick_reply", "STOP_1"),
        ButtonParam(3, "copy_code", "CARIBE25"),
    ]
    body, *actual = _components(Template("t", "en", ["x"], buttons=buttons))

    assert "body" == body["type"]
    assert [
        {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "n3mtql"}]},
        {
            "type": "button", "sub_type": "quick_reply", "index": "2",
            "parameters": [{"type": "payload", "payload": "STOP_1"}],
        },
        {
            "type": "button", "sub_type": "copy_code", "index": "3",
            "parameters": [{"type": "coupon_code", "coupon_code": "CARIBE25"}],
        },
    ] == actual  # fmt: skip


@pytest.mark.parametrize(
    ("mime_type", "expected"),
    [
        ("image/jpeg", {"type": "image", "image": {"id": "m1"}}),
        ("image/png", {"type": "image", "image": {"id": "m1"}}),
        ("video/mp4", {"type": "video", "video": {"id": "m1"}}),
        ("video/3gpp", {"type": "video", "video": {"id": "m1"}}),
        ("application/pdf", {"type": "document", "document": {"id": "m1", "filename": "a.bin"}}),
        ("text/plain", {"type": "document", "document": {"id": "m1", "filename": "a.bin"}}),
    ],
)
def test_a_file_is_the_header_of_its_kind(mime_type: str, expected: dict[str, Any]) -> None:
    components = _components(Template("t", "en", ["x"]), Media("k", mime_type, 1, "a.bin"), "m1")

    assert [{"type": "header", "parameters": [expected]}] == components[:1]
    assert "body" == components[1]["type"]


@pytest.mark.parametrize("text", ["John Doe", "a" * 1024, "four    spaces", "Zoë ☕ 你好", "'\"\\{{1}}", " x "])
def test_values_that_may_go(text: str) -> None:
    assert text == check_parameter(text, 1024)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("\n", "empty"),
        ("two\nlines", "newlines or tabs"),
        ("two\r\nlines", "newlines or tabs"),
        ("a\tb", "newlines or tabs"),
        ("five     spaces", "four spaces"),
        ("a" * 1025, "1,025 characters; at most 1,024"),
    ],
)
def test_values_that_meta_would_refuse(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_parameter(text, 1024)


@given(st.text(), st.integers(1, 60))
def test_whatever_passes_is_within_metas_limits(text: str, limit: int) -> None:
    try:
        passed = check_parameter(text, limit)
    except ValueError:
        return
    assert 0 < len(passed.strip()) <= len(passed) <= limit
    assert not {"\n", "\r", "\t"} & set(passed)


@pytest.mark.parametrize("code", ["en", "en_US", "zh_HK", "fil", "pt_BR", "uz", "sr_Latn"])
def test_language_codes(code: str) -> None:
    assert code == check_language_code(code)


@pytest.mark.parametrize("code", ["", "e", "EN", "en-US", "english", "en_", "en_US_x", "en\n"])
def test_no_language_codes(code: str) -> None:
    with pytest.raises(ValueError, match="language code"):
        check_language_code(code)
