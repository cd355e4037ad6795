"""Each kind of message that a customer can write, as Meta's pages show it: `type` and what stands beside it."""

from collections.abc import Callable, Mapping

from local.typed_json import JsonObject

_BSUID = "US.13491208655302741918"


def _file(kind: str, mime_type: str, **more: object) -> JsonObject:
    """A node without a file behind it: `POST /_control/media` gives one with a file."""
    sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    return {"type": kind, kind: {"mime_type": mime_type, "sha256": sha256, "id": "1003383421387256", **more}}


_PERSON = {
    "name": {"formatted_name": "Barbara J. Johnson", "first_name": "Barbara", "last_name": "Johnson"},
    "phones": [{"phone": "+1 650-555-9999", "wa_id": "16505559999", "type": "MOBILE"}],
    "emails": [{"email": "bjohnson@example.com", "type": "WORK"}],
    "addresses": [{"street": "1 Lucky Shrub Way", "city": "Menlo Park", "state": "CA", "zip": "94025",
                   "country": "United States", "country_code": "US", "type": "Office"}],
    "org": {"company": "Lucky Shrub", "department": "Legal", "title": "Lead Counsel"},
    "urls": [{"url": "https://www.example.com", "type": "Company"}],
    "birthday": "1999-01-23",
}  # fmt: skip

_KINDS: Mapping[str, JsonObject] = {
    "text": {"type": "text", "text": {"body": "Where is my order? ☕"}},
    "image": _file("image", "image/jpeg", caption="A leaf"),
    "video": _file("video", "video/mp4", caption="The unboxing"),
    "audio": _file("audio", "audio/ogg; codecs=opus", voice=True),
    "document": _file("document", "application/pdf", filename="receipt.pdf", caption="My receipt"),
    "sticker": _file("sticker", "image/webp", animated=False),
    "location": {
        "type": "location",
        "location": {"latitude": 37.4421, "longitude": -122.1615, "name": "Philz Coffee", "address": "101 Forest Ave",
                     "url": "https://philzcoffee.com/"},
    },
    "contacts": {"type": "contacts", "contacts": [_PERSON]},
    "button": {"type": "button", "button": {"payload": "STOP_1", "text": "Stop promotions"}},
    "button_reply": {
        "type": "interactive",
        "interactive": {"type": "button_reply", "button_reply": {"id": "cancel", "title": "Cancel"}},
    },
    "list_reply": {
        "type": "interactive",
        "interactive": {
            "type": "list_reply",
            "list_reply": {"id": "express", "title": "Express", "description": "1 day"},
        },
    },
    "flow": {
        "type": "interactive",
        "interactive": {
            "type": "nfm_reply",
            "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"flow_token": "t-1", "stars": 4.5}'},
        },
    },
    "address": {
        "type": "interactive",
        "interactive": {
            "type": "nfm_reply",
            "nfm_reply": {"name": "address_message", "body": "1 Nathan Road",
                          "response_json": '{"saved_address_id": "a1", "values": {"city": "Kowloon"}}'},
        },
    },
    "call_permission_reply": {
        "type": "interactive",
        "interactive": {
            "type": "call_permission_reply",
            "call_permission_reply": {"response": "accept", "expiration_timestamp": "1796000000",
                                      "response_source": "user_action"},
        },
    },
    "order": {
        "type": "order",
        "order": {
            "catalog_id": "194836987003835",
            "text": "Please wrap it",
            "product_items": [
                {"product_retailer_id": "di9ozbzfi4", "quantity": 2, "item_price": 30.5, "currency": "USD"}
            ],
        },
    },
    "reaction": {"type": "reaction", "reaction": {"message_id": "wamid.of.another", "emoji": "👍"}},
    "reaction_removed": {"type": "reaction", "reaction": {"message_id": "wamid.of.another"}},
    "user_changed_number": {
        "type": "system",
        "system": {"type": "user_changed_number", "body": "User A changed from 1650 to 1651", "wa_id": "16515551234"},
    },
    "customer_identity_changed": {
        "type": "system",
        "system": {"type": "customer_identity_changed", "body": "User A changed identity", "identity": "Zx9"},
    },
    "user_changed_user_id": {
        "type": "system",
        "system": {"type": "user_changed_user_id", "body": "User A changed", "user_id": _BSUID,
                   "previous_user_id": "US.1"},
    },
    "edit": {
        "type": "edit",
        "edit": {
            "original_message_id": "wamid.of.another",
            "message": {"type": "text", "text": {"body": "Where is my other order?"}},
        },
    },
    "revoke": {"type": "revoke", "revoke": {"original_message_id": "wamid.of.another"}},
    "unsupported": {
        "type": "unsupported",
        "errors": [
            {
                "code": 131051,
                "title": "Message type unknown",
                "message": "Message type unknown",
                "error_data": {"details": "Message type is currently not supported."},
            }
        ],
    },
    "request_welcome": {"type": "request_welcome"},
}  # fmt: skip
KINDS = tuple(_KINDS)
"""The names that `sample_of` knows."""
WITHOUT_CONTACTS = frozenset({"system"})
"""Types of messages beside which Meta sends no `contacts`."""
BESIDE: Mapping[str, Callable[[], JsonObject]] = {
    "reply": lambda: {"context": {"from": "85290000001", "id": "wamid.of.another"}},
    "forwarded": lambda: {"context": {"forwarded": True}},
    "frequently_forwarded": lambda: {"context": {"frequently_forwarded": True}},
    "about_product": lambda: {
        "context": {
            "from": "85290000001",
            "id": "wamid.of.another",
            "referred_product": {"catalog_id": "194836987003835", "product_retailer_id": "di9ozbzfi4"},
        }
    },
    "from_ad": lambda: {
        "referral": {
            "source_url": "https://fb.me/3cr4Wqqkv",
            "source_id": "120226305854810726",
            "source_type": "ad",
            "headline": "Chat with us",
            "body": "Summer succulents are here!",
            "media_type": "image",
            "image_url": "https://scontent.xx.fbcdn.net/v/t45.1",
            "ctwa_clid": "Aff-n8ZTODiE79d22KtAwQKj9e",
            "welcome_message": {"text": "Hi there! Let us know how we can help!"},
        }
    },
}
"""What may stand beside any of them."""


def sample_of(kind: str) -> JsonObject:
    """`type` and content of a kind. Raises KeyError for one that is not known."""
    return dict(_KINDS[kind])
