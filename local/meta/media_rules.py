"""Which media Meta takes: MIME types and sizes by kind, and how a message refers to media."""

from dataclasses import dataclass
from typing import NamedTuple

from local.meta.graph_errors import GraphError
from local.meta.params import Params

_KB, _MB = 1024, 1024 * 1024
_OFFICE = "application/vnd.openxmlformats-officedocument"


class MediaKind(NamedTuple):
    """What a kind of media may be."""

    mime_types: tuple[str, ...]
    max_bytes: int


MEDIA_KINDS: dict[str, MediaKind] = {
    "audio": MediaKind(("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"), 16 * _MB),
    "document": MediaKind(
        (
            "text/plain",
            "application/pdf",
            "application/msword",
            f"{_OFFICE}.wordprocessingml.document",
            "application/vnd.ms-excel",
            f"{_OFFICE}.spreadsheetml.sheet",
            "application/vnd.ms-powerpoint",
            f"{_OFFICE}.presentationml.presentation",
        ),
        100 * _MB,
    ),
    "image": MediaKind(("image/jpeg", "image/png"), 5 * _MB),
    "sticker": MediaKind(("image/webp",), 500 * _KB),
    "video": MediaKind(("video/mp4", "video/3gpp"), 16 * _MB),
}
KIND_OF_MIME_TYPE = {mime_type: kind for kind, rules in MEDIA_KINDS.items() for mime_type in rules.mime_types}
CAPTION_LENGTH = 1024


def image_problem(mime_type: str, content: bytes) -> str | None:
    """What Meta finds wrong with an image when it sends it: it takes PNG images of 8 bits in RGB or RGBA alone."""
    if mime_type != "image/png" or content[12:16] != b"IHDR" or content[24:26] in {b"\x08\x02", b"\x08\x06"}:
        return None
    return "Unsupported image: PNG images must be 8-bit, RGB or RGBA."


@dataclass(frozen=True)
class MediaReference:
    """A media id that a message uses as this kind."""

    kind: str
    media_id: str


def read_media(params: Params, kind: str, *extra: str) -> list[MediaReference]:
    """Check an `{id or link, ...}` object that may also have `extra`; return the media it names by id."""
    params.allow_only("id", "link", *extra)
    if ("id" in params) == ("link" in params):
        raise GraphError(131008, f"Parameter {params.path('id')} or {params.path('link')} is required, and not both.")
    params.optional_text("caption", at_most=CAPTION_LENGTH)
    params.optional_text("filename")
    params.flag("voice")
    if "id" in params:
        return [MediaReference(kind, params.text("id"))]
    if not params.text("link").startswith(("https://", "http://")):
        raise GraphError(131009, f"Parameter {params.path('link')} is not a valid URL.")
    return []
