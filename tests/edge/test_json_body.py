"""The JSON body of a send: each fault is named, all at once, in words that say what would be right."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hkreach.domain.button import ButtonParam
from hkreach.domain.errors import Invalid, Malformed, ReachError, TooLarge
from hkreach.domain.header import LocationHeader, TextHeader
from hkreach.domain.media import MediaAddress
from hkreach.domain.template import Template
from hkreach.edge.send_body import read_template_request
from hkreach.usecases.accept_message import SendRequest
from tests.edge.conftest import request, told

FILE_URL = "https://files.example.com/a.pdf?signature=x"
LEAST = {"to": "+91 99999 99999", "templateName": "hello"}


def _read(body: object, **headers: str) -> SendRequest:
    return read_template_request(
        request(body if isinstance(body, str | bytes) else json.dumps(body), "application/json", **headers), "de"
    )


def _faults(body: object, **headers: str) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        _read(body, **headers)
    return told(refused.value.faults)


def test_the_least() -> None:
    assert SendRequest("919999999999", Template("hello", "de", [])) == _read(LEAST)


def test_everything() -> None:
    body = LEAST | {
        "languageCode": "zh_HK", "thirdPartyAppName": "MyStore_ERP", "bodyParams": ["Zoë ☕", "2"], "headerText": "Hi",
    }  # fmt: skip
    expected = SendRequest(
        "919999999999", Template("hello", "zh_HK", ["Zoë ☕", "2"], TextHeader("Hi")), "MyStore_ERP", None, "k-1"
    )

    assert expected == _read(body, **{"Idempotency-Key": "k-1"})
    assert expected == _read(json.dumps(body).encode(), **{"Idempotency-Key": "k-1"}), "as base64"


def test_named_parameters() -> None:
    assert {"name": "Zoë", "n_1": "2"} == _read(
        LEAST | {"bodyParams": {"name": "Zoë", "n_1": "2"}}
    ).template.body_params


PLACE = {"latitude": 22.28, "longitude": 114.15, "name": "HQ", "address": "1 Rd"}
URL, REPLY, CODE = (
    {"index": 0, "type": "url", "text": "n3mtql"},
    {"index": 1, "type": "quick_reply", "payload": "STOP_1"},
    {"index": 2, "type": "copy_code", "code": "CARIBE25"},
)


def test_a_place_as_the_header() -> None:
    assert LocationHeader(22.28, 114.15, "HQ", "1 Rd") == _read(LEAST | {"headerLocation": PLACE}).template.header
    assert (
        LocationHeader(-90, 180)
        == _read(LEAST | {"headerLocation": {"latitude": -90, "longitude": 180}}).template.header
    )


@pytest.mark.parametrize("name", [None, "Invoice März.pdf"])
def test_a_file_at_an_address_as_the_header(name: str | None) -> None:
    named = {"headerMediaFilename": name} if name else {}
    expected = SendRequest("919999999999", Template("hello", "de", []), media_address=MediaAddress(FILE_URL, name))

    assert expected == _read(LEAST | {"headerMediaUrl": FILE_URL} | named)


def test_an_address_on_this_machine_is_for_the_stage_local() -> None:
    body = json.dumps(LEAST | {"headerMediaUrl": "http://127.0.0.1:9000/a.pdf"})
    read = read_template_request(request(body, "application/json"), "de", frozenset({"127.0.0.1:9000"}))

    assert MediaAddress("http://127.0.0.1:9000/a.pdf") == read.media_address


def test_values_for_buttons() -> None:
    expected = (
        ButtonParam(0, "url", "n3mtql"),
        ButtonParam(1, "quick_reply", "STOP_1"),
        ButtonParam(2, "copy_code", "CARIBE25"),
    )

    assert expected == _read(LEAST | {"buttonParams": [URL, REPLY, CODE]}).template.buttons


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"headerText": "Hi", "headerLocation": PLACE}, "headerText cannot go with headerLocation"),
        ({"headerText": "Hi", "headerMediaUrl": "https://x"}, "headerText cannot go with headerMediaUrl"),
        ({"headerText": "Hi", "headerMediaId": "1"}, "headerText cannot go with headerMediaId"),
        ({"headerLocation": PLACE, "headerMediaUrl": "https://x"}, "headerLocation cannot go with headerMediaUrl"),
        ({"headerLocation": PLACE, "headerMediaId": "1"}, "headerLocation cannot go with headerMediaId"),
        ({"headerMediaUrl": "https://x", "headerMediaId": "1"}, "headerMediaUrl cannot go with headerMediaId"),
        ({"headerText": 7, "headerLocation": 7}, "headerText cannot go with headerLocation"),
    ],
)  # fmt: skip
def test_a_template_has_one_header(given: dict[str, Any], words: str) -> None:
    faults = _faults(LEAST | given)

    assert set(given) == set(faults)
    assert f"{words}: a template has one header" in faults.values()


@pytest.mark.parametrize("name", ["languageCode", "thirdPartyAppName", "headerText", "headerLocation"])
def test_null_is_as_good_as_nothing(name: str) -> None:
    assert _read(LEAST) == _read(LEAST | {name: None})


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"to": "123"}, "to", "7 to 15 digits"),
        ({"to": 919999999999}, "to", "must be text"),
        ({"to": None}, "to", "must be text"),
        ({"to": ["919999999999"]}, "to", "must be text"),
        ({"templateName": ""}, "templateName", "1 to 512 of a-z, 0-9 and _"),
        ({"templateName": "Hello"}, "templateName", "a-z, 0-9 and _"),
        ({"templateName": "a" * 513}, "templateName", "512"),
        ({"templateName": "hello\n"}, "templateName", "a-z"),
        ({"languageCode": "en-US"}, "languageCode", "en_US"),
        ({"languageCode": ""}, "languageCode", "en_US"),
        ({"languageCode": 7}, "languageCode", "must be text"),
        ({"thirdPartyAppName": ""}, "thirdPartyAppName", "must not be empty"),
        ({"thirdPartyAppName": "x" * 65}, "thirdPartyAppName", "64"),
        ({"thirdPartyAppName": "a\nb"}, "thirdPartyAppName", "control characters"),
        ({"headerText": ""}, "headerText", "must not be empty"),
        ({"headerText": "x" * 61}, "headerText", "at most 60"),
        ({"headerText": "a\tb"}, "headerText", "newlines or tabs"),
        ({"bodyParams": "John"}, "bodyParams", "a list of texts, or an object"),
        ({"bodyParams": None}, "bodyParams", "a list of texts, or an object"),
        ({"bodyParams": ["ok", ""]}, "bodyParams[1]", "must not be empty"),
        ({"bodyParams": ["ok", 7]}, "bodyParams[1]", "must be text"),
        ({"bodyParams": ["a\nb"]}, "bodyParams[0]", "newlines or tabs"),
        ({"bodyParams": ["x" * 1025]}, "bodyParams[0]", "at most 1,024"),
        ({"bodyParams": ["cut \ud83d"]}, "bodyParams[0]", ""),
        ({"bodyParams": ["x"] * 101}, "bodyParams", "at most 100"),
        ({"bodyParams": ["x" * 1000] * 33}, "bodyParams", "33,000 characters in all; at most 32,768"),
        ({"bodyParams": {"First Name": "x"}}, "bodyParams.First Name", "1 to 64 of a-z, 0-9 and _"),
        ({"bodyParams": {f"p{n}": "x" for n in range(101)}}, "bodyParams", "at most 100"),
        ({"bodyParams": {"name": ""}}, "bodyParams.name", "must not be empty"),
        ({"bodyParams": {"name": None}}, "bodyParams.name", "must be text"),
        ({"bodyParams": {"Na me": "x"}}, "bodyParams.Na me", ""),
        ({"bodyParams": {"named": 5}}, "bodyParams.named", "must be text"),
        ({"headerLocation": "Hong Kong"}, "headerLocation", "must be a JSON object"),
        ({"headerLocation": {"latitude": 1}}, "headerLocation.longitude", "is required"),
        ({"headerLocation": PLACE | {"city": "HK"}}, "headerLocation.city", "is not a field"),
        ({"headerLocation": PLACE | {"latitude": 90.0000001}}, "headerLocation.latitude", "from -90 to 90"),
        ({"headerLocation": PLACE | {"longitude": -180.1}}, "headerLocation.longitude", "from -180 to 180"),
        ({"headerLocation": PLACE | {"latitude": float("nan")}}, "headerLocation.latitude", "from -90 to 90"),
        ({"headerLocation": PLACE | {"latitude": float("inf")}}, "headerLocation.latitude", "from -90 to 90"),
        ({"headerLocation": PLACE | {"latitude": 10**400}}, "headerLocation.latitude", ""),
        ({"headerLocation": PLACE | {"latitude": "22.28"}}, "headerLocation.latitude", "must be a number"),
        ({"headerLocation": PLACE | {"latitude": True}}, "headerLocation.latitude", "must be a number"),
        ({"headerLocation": PLACE | {"name": ""}}, "headerLocation.name", "must not be empty"),
        ({"headerLocation": PLACE | {"address": "x" * 1_001}}, "headerLocation.address", "at most 1,000"),
        ({"buttonParams": URL}, "buttonParams", "must be a list"),
        ({"buttonParams": ["n3mtql"]}, "buttonParams[0]", "an object with index, type"),
        ({"buttonParams": [{"index": 0, "text": "x"}]}, "buttonParams[0]", "url, quick_reply or copy_code"),
        ({"buttonParams": [URL | {"type": "flow"}]}, "buttonParams[0]", "url, quick_reply or copy_code"),
        ({"buttonParams": [URL | {"index": 10}]}, "buttonParams[0].index", "at most 9"),
        ({"buttonParams": [URL | {"index": -1}]}, "buttonParams[0].index", "at least 0"),
        ({"buttonParams": [URL | {"index": "0"}]}, "buttonParams[0].index", "whole number"),
        ({"buttonParams": [URL | {"payload": "x"}]}, "buttonParams[0].payload", "is not a field"),
        ({"buttonParams": [{"index": 0, "type": "quick_reply"}]}, "buttonParams[0].payload", "is required"),
        ({"buttonParams": [URL, URL]}, "buttonParams", "more than one value for the button at index 0"),
        ({"buttonParams": [URL] * 11}, "buttonParams", "at most 10"),
        ({"buttonParams": [CODE | {"code": "x" * 21}]}, "buttonParams[0].code", "at most 20"),
        ({"buttonParams": [URL | {"text": "a b\n"}]}, "buttonParams[0].text", "newlines"),
        ({"purpose": "spam"}, "purpose", "authentication, utility or marketing"),
        ({"ttlSeconds": 0}, "ttlSeconds", "at least 1"),
        ({"ttlSeconds": 604_801}, "ttlSeconds", "at most 604,800"),
        ({"ttlSeconds": "60"}, "ttlSeconds", "whole number"),
        ({"ttlSeconds": 1.5}, "ttlSeconds", "whole number"),
        ({"colour": "red"}, "colour", "is not a field of this request"),
        ({"named": 1}, "named", "is not a field of this request"),
        ({"[key]": 1}, "[key]", "is not a field of this request"),
        ({"template_name": "hello"}, "template_name", "is not a field of this request"),
        ({"headerMediaUrl": "http://files.example.com/a.pdf"}, "headerMediaUrl", "https:// and use port 443"),
        ({"headerMediaUrl": "https://files.example.com:8443/a"}, "headerMediaUrl", "https:// and use port 443"),
        ({"headerMediaUrl": "https://169.254.169.254/latest"}, "headerMediaUrl", "a public host name, not a number"),
        ({"headerMediaUrl": "http://127.0.0.1:9000/a.pdf"}, "headerMediaUrl", "https://"),
        ({"headerMediaUrl": "https://me:pw@files.example.com/a"}, "headerMediaUrl", "a user name or a password"),
        ({"headerMediaUrl": f"{FILE_URL}{'x' * 2_048}"}, "headerMediaUrl", "at most 2,048"),
        ({"headerMediaUrl": ""}, "headerMediaUrl", "https://"),
        ({"headerMediaUrl": 7}, "headerMediaUrl", "must be text"),
        ({"headerMediaUrl": FILE_URL, "headerMediaFilename": "a\nb"}, "headerMediaFilename", "control characters"),
        ({"headerMediaUrl": FILE_URL, "headerMediaFilename": "x" * 241}, "headerMediaFilename", "240"),
        ({"headerMediaId": ""}, "headerMediaId", ""),
        ({"headerMediaId": 1}, "headerMediaId", "must be text"),
        ({"headerMediaFilename": "a.pdf"}, "headerMediaFilename", "goes with headerMediaUrl or headerMediaId"),
        ({"headerMediaId": "1", "headerMediaFilename": "a\0.pdf"}, "headerMediaFilename", "control characters"),
        ({"headerMediaId": "1", "headerMediaFilename": "x" * 241}, "headerMediaFilename", ""),
        ({"file": "x"}, "file", "is not a field of this request"),
        ({"x" * 999: 1}, "x" * 200, "is not a field of this request"),
    ],
)  # fmt: skip
def test_each_fault_is_named(change: dict[str, Any], field: str, words: str) -> None:
    faults = _faults(LEAST | change)

    assert [field] == list(faults)
    assert faults[field].startswith(field)
    assert words in faults[field]


def test_all_faults_are_named_at_once() -> None:
    body = {"to": "x", "bodyParams": ["", "ok", 7], "colour": "red", "languageCode": 3}

    assert {"to", "templateName", "bodyParams[0]", "bodyParams[2]", "colour", "languageCode", "Idempotency-Key"} == set(
        _faults(body, **{"Idempotency-Key": "no good"})
    )


@pytest.mark.parametrize("body", [[], "text", 7, None, True, [LEAST]])
def test_what_is_no_object(body: object) -> None:
    assert ["body"] == list(_faults(json.dumps(body)))


@pytest.mark.parametrize(
    "body",
    ["", " ", "{", '{"to":', "{'to': 1}", '{"to": "1"} x', "\ufeff{}x", "[" * 100_000, b"\xff\xfe\xff", "1" * 9_999]
)  # fmt: skip
def test_what_is_no_json(body: str | bytes) -> None:
    with pytest.raises(Malformed, match="not valid JSON"):
        _read(body)


@pytest.mark.parametrize("body", ["no base64!", "é", "QQ", "Q Q="])
def test_what_is_no_base64(body: str) -> None:
    event = request(body, "application/json")
    event._data["isBase64Encoded"] = True

    with pytest.raises(Malformed):
        read_template_request(event, "en")


def test_half_an_emoji_in_the_bytes_is_malformed_and_no_fault_of_ours() -> None:
    with pytest.raises(Malformed):
        _read('{"to": "\ud83d"}')


@pytest.mark.parametrize("body", [b"x" * 256_001, "x" * 256_001, "é" * 128_001, "x" * 9_000_000])
def test_a_body_above_the_limit(body: str | bytes) -> None:
    with pytest.raises(TooLarge):
        _read(body)


NAMES = st.sampled_from([*LEAST, "bodyParams", "headerText", "languageCode", "x"])
VALUES = st.none() | st.text() | st.lists(st.text() | st.integers()) | st.dictionaries(st.text(), st.text())


@given(st.dictionaries(NAMES, VALUES))
def test_no_body_breaks_it(body: dict[str, Any]) -> None:
    try:
        read = _read(body)
    except ReachError:
        return
    assert read.to.isdigit()
