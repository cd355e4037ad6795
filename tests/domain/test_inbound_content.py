"""Every kind of a customer's message, as Meta tells it and as our event does."""

import base64
import hashlib
from typing import Any

import pytest

from hkreach.domain.inbound import MAX_CONTENT_BYTES, MetaFile, inbound_message_id
from hkreach.domain.inbound_content import FILE_KINDS, Content, content_of
from local.meta.inbound_kinds import BESIDE, KINDS, sample_of
from tests.builders import NUMBER

OTHER = inbound_message_id(NUMBER, "wamid.of.another")
EMPTY = hashlib.sha256(b"").hexdigest()
EXPECTED: dict[str, dict[str, Any]] = {
    "text": {"text": {"body": "Where is my order? ☕"}},
    "image": {"image": {"mimeType": "image/jpeg", "caption": "A leaf"}},
    "video": {"video": {"mimeType": "video/mp4", "caption": "The unboxing"}},
    "audio": {"audio": {"mimeType": "audio/ogg; codecs=opus", "voice": True}},
    "document": {"document": {"mimeType": "application/pdf", "filename": "receipt.pdf", "caption": "My receipt"}},
    "sticker": {"sticker": {"mimeType": "image/webp", "animated": False}},
    "location": {
        "location": {"latitude": 37.4421, "longitude": -122.1615, "name": "Philz Coffee", "address": "101 Forest Ave",
                     "url": "https://philzcoffee.com/"},
    },
    "contacts": {
        "contacts": [
            {
                "name": {"formattedName": "Barbara J. Johnson", "firstName": "Barbara", "lastName": "Johnson"},
                "phones": [{"phone": "+1 650-555-9999", "waId": "16505559999", "type": "MOBILE"}],
                "emails": [{"email": "bjohnson@example.com", "type": "WORK"}],
                "addresses": [{"street": "1 Lucky Shrub Way", "city": "Menlo Park", "state": "CA", "zip": "94025",
                               "country": "United States", "countryCode": "US", "type": "Office"}],
                "org": {"company": "Lucky Shrub", "department": "Legal", "title": "Lead Counsel"},
                "urls": [{"url": "https://www.example.com", "type": "Company"}],
                "birthday": "1999-01-23",
            }
        ]
    },
    "button": {"button": {"payload": "STOP_1", "text": "Stop promotions"}},
    "button_reply": {"interactive": {"type": "button_reply", "buttonReply": {"id": "cancel", "title": "Cancel"}}},
    "list_reply": {
        "interactive": {
            "type": "list_reply",
            "listReply": {"id": "express", "title": "Express", "description": "1 day"},
        }
    },
    "flow": {
        "interactive": {
            "type": "nfm_reply",
            "nfmReply": {"name": "flow", "body": "Sent", "response": {"flow_token": "t-1", "stars": 4.5}},
        }
    },
    "address": {
        "interactive": {
            "type": "nfm_reply",
            "nfmReply": {"name": "address_message", "body": "1 Nathan Road",
                         "response": {"saved_address_id": "a1", "values": {"city": "Kowloon"}}},
        }
    },
    "call_permission_reply": {
        "interactive": {
            "type": "call_permission_reply",
            "callPermissionReply": {"response": "accept", "expirationTimestamp": 1_796_000_000,
                                    "responseSource": "user_action"},
        }
    },
    "order": {
        "order": {
            "catalogId": "194836987003835",
            "text": "Please wrap it",
            "productItems": [{"productRetailerId": "di9ozbzfi4", "quantity": 2, "itemPrice": 30.5, "currency": "USD"}],
        }
    },
    "reaction": {"reaction": {"wamid": "wamid.of.another", "emoji": "👍"}},
    "reaction_removed": {"reaction": {"wamid": "wamid.of.another", "emoji": None}},
    "user_changed_number": {
        "system": {"type": "user_changed_number", "body": "User A changed from 1650 to 1651", "waId": "16515551234"}
    },
    "customer_identity_changed": {
        "system": {"type": "customer_identity_changed", "body": "User A changed identity", "identity": "Zx9"}
    },
    "user_changed_user_id": {
        "system": {
            "type": "user_changed_user_id",
            "body": "User A changed",
            "userId": "US.13491208655302741918",
            "previousUserId": "US.1",
        }
    },
    "edit": {
        "edit": {
            "messageId": OTHER,
            "wamid": "wamid.of.another",
            "message": {"type": "text", "text": {"body": "Where is my other order?"}},
        }
    },
    "revoke": {"revoke": {"messageId": OTHER, "wamid": "wamid.of.another"}},
    "unsupported": {
        "errors": [
            {"code": "131051", "title": "Message type unknown", "details": "Message type is currently not supported."}
        ]
    },
    "request_welcome": {},
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind(kind: str) -> None:
    node = sample_of(kind)
    content = content_of(node, NUMBER)

    assert {"type": node["type"]} | EXPECTED[kind] == content.values
    assert [] == content.lost
    assert (node["type"] in FILE_KINDS) == (content.file is not None)


def test_a_file_as_meta_announces_it() -> None:
    assert (
        MetaFile("1003383421387256", "application/pdf", "receipt.pdf", EMPTY)
        == content_of(sample_of("document"), NUMBER).file
    )


@pytest.mark.parametrize("sha256", [None, "", "x", 7, base64.b64encode(b"short").decode(), "é", EMPTY])
def test_a_digest_that_is_none(sha256: object) -> None:
    node = {"type": "image", "image": {"id": "1", "sha256": sha256}}

    assert MetaFile("1") == content_of(node, NUMBER).file


@pytest.mark.parametrize("file", [{}, {"id": ""}, {"id": 7}, {"id": None}, {"id": "é"}, {"id": "1/../2"}])
def test_a_file_that_cannot_be_fetched_is_a_message_all_the_same(file: dict[str, object]) -> None:
    content = content_of({"type": "image", "image": file | {"caption": "A leaf"}}, NUMBER)

    assert ({"type": "image", "image": {"caption": "A leaf"}}, None) == (content.values, content.file)
    assert ["id"] == content.lost


@pytest.mark.parametrize(
    ("beside", "expected"),
    [
        ("reply", {"context": {"wamid": "wamid.of.another", "from": "85290000001"}}),
        ("forwarded", {"context": {"forwarded": True}}),
        ("frequently_forwarded", {"context": {"frequentlyForwarded": True}}),
        (
            "about_product",
            {
                "context": {
                    "wamid": "wamid.of.another",
                    "from": "85290000001",
                    "referredProduct": {"catalogId": "194836987003835", "productRetailerId": "di9ozbzfi4"},
                }
            },
        ),
        (
            "from_ad",
            {
                "referral": {
                    "sourceUrl": "https://fb.me/3cr4Wqqkv",
                    "sourceId": "120226305854810726",
                    "sourceType": "ad",
                    "headline": "Chat with us",
                    "body": "Summer succulents are here!",
                    "mediaType": "image",
                    "imageUrl": "https://scontent.xx.fbcdn.net/v/t45.1",
                    "ctwaClid": "Aff-n8ZTODiE79d22KtAwQKj9e",
                    "welcomeMessage": {"text": "Hi there! Let us know how we can help!"},
                }
            },
        ),
    ],
)
def test_what_may_stand_beside_any_of_them(beside: str, expected: dict[str, Any]) -> None:
    for kind in ("text", "image", "unsupported"):
        content = content_of(sample_of(kind) | BESIDE[beside](), NUMBER)
        assert expected.items() <= content.values.items()
        assert [] == content.lost


def test_a_group() -> None:
    assert "g-1" == content_of(sample_of("text") | {"group_id": "g-1"}, NUMBER).values["groupId"]


@pytest.mark.parametrize("answer", ["", "not json", "{", "[" * 9_999, "1e999", "NaN"])
def test_a_flows_answer_that_is_no_json_stays_a_text(answer: str) -> None:
    reply = {"name": "flow", "response_json": answer}
    content = content_of({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": reply}}, NUMBER)

    assert {"name": "flow", "response": answer} == content.values["interactive"]["nfmReply"]


@pytest.mark.parametrize(
    ("node", "kind"),
    [
        ({"type": "poll", "poll": {"name": "Lunch?"}}, {"type": "poll"}),
        ({"type": "text", "text": {"body": 7}}, {"type": "text"}),
        ({"type": "text"}, {"type": "text"}),
        ({"type": "location", "location": {"latitude": "far"}}, {"type": "location"}),
        ({"type": "reaction", "reaction": {"emoji": "👍"}}, {"type": "reaction"}),
        ({"type": "edit", "edit": {"message": {"type": "text", "text": {"body": "x"}}}}, {"type": "edit"}),
        ({"type": "x" * 100}, {"type": "x" * 64}),
        ({}, None),
        ({"type": 7}, None),
        ({"type": ["text"]}, None),
    ],
)
def test_what_cannot_be_read_is_unsupported_and_says_so(node: dict[str, Any], kind: dict[str, str] | None) -> None:
    content = content_of(node | {"context": {"forwarded": True}}, NUMBER)

    expected = {"type": "unsupported", "context": {"forwarded": True}} | ({"unsupported": kind} if kind else {})
    assert expected == content.values
    assert content.lost


@pytest.mark.parametrize(
    ("node", "lost"),
    [
        ({"type": "image", "image": {"id": "1", "caption": 7}}, ["caption"]),
        ({"type": "contacts", "contacts": [7, {"name": {"first_name": "B"}}]}, ["0"]),
        ({"type": "text", "text": {"body": "x"}, "referral": []}, []),
        ({"type": "text", "text": {"body": "x"}, "referral": "x"}, ["referral"]),
        ({"type": "text", "text": {"body": "x"}, "context": {"id": 7}}, ["id"]),
        ({"type": "text", "text": {"body": "x"}, "errors": {}}, []),
        ({"type": "text", "text": {"body": "x"}, "errors": 7}, ["errors"]),
        ({"type": "edit", "edit": {"original_message_id": "w", "message": {"type": "edit"}}}, ["message"]),
    ],
)
def test_a_part_that_cannot_be_read_is_left_out_and_named(node: dict[str, Any], lost: list[str]) -> None:
    content = content_of(node, NUMBER)

    assert node["type"] == content.values["type"]
    assert lost == content.lost


_IMAGE = {"id": "1013859600285441", "caption": "Mended", "mime_type": "image/jpeg"}


def _edited(image: dict[str, Any], **others: Any) -> Content:
    edit = {"original_message_id": "w", "message": {"type": "image", "image": image}} | others
    return content_of({"type": "edit", "edit": edit}, NUMBER)


def test_an_edit_brings_its_file() -> None:
    content = _edited(_IMAGE)

    assert (MetaFile("1013859600285441", "image/jpeg"), []) == (content.file, content.lost)
    assert {"caption": "Mended", "mimeType": "image/jpeg"} == content.values["edit"]["message"]["image"]


@pytest.mark.parametrize(
    ("content", "lost"),
    [
        (_edited({"caption": "Mended"}), []),
        (_edited(_IMAGE | {"id": "../x"}), ["id"]),
        (_edited(_IMAGE, original_message_id=None), ["edit"]),
        (_edited(_IMAGE, message={"type": "image", "image": 7}), ["image"]),
        (_edited(_IMAGE, message=None), []),
    ],
)
def test_an_edit_without_a_file_of_its_own(content: Content, lost: list[str]) -> None:
    assert (None, lost) == (content.file, content.lost)


@pytest.mark.parametrize("number", ["12.5", 12.5])
def test_meta_writes_some_numbers_as_text(number: object) -> None:
    place = {"latitude": number, "longitude": 0}

    assert 12.5 == content_of({"type": "location", "location": place}, NUMBER).values["location"]["latitude"]


@pytest.mark.parametrize("number", ["nan", "inf", 10**400, float("inf"), True, None, ""])
def test_a_number_that_is_none(number: object) -> None:
    place = {"latitude": number, "longitude": 0}

    assert "unsupported" == content_of({"type": "location", "location": place}, NUMBER).values["type"]


def test_what_is_too_large_for_the_bus_is_unsupported() -> None:
    def read(length: int) -> str:
        return str(content_of({"type": "text", "text": {"body": "x" * length}}, NUMBER).values["type"])

    assert ("text", "unsupported") == (read(MAX_CONTENT_BYTES - 100), read(MAX_CONTENT_BYTES))
