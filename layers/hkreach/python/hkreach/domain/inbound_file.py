"""A customer's file, on its way from Meta: how large it may be, what it is, and why it could not be had."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hkreach.domain.file_type import TEXT, NotTaken, file_type
from hkreach.domain.message import MEDIA
from hkreach.domain.sized_reader import SizedReader

_MB = 1_000_000
MAX_RECEIVED_BYTES: Mapping[str, int] = {
    "sticker": 5 * _MB,
    "image": 25 * _MB,
    "audio": 100 * _MB,
    "video": 100 * _MB,
    "document": 100 * _MB,
}
"""What is taken of each kind. Meta gives nothing above 100 MB; its lower limits are for what businesses send."""
NEW_FILE = f"{MEDIA}:received"
"""What a new message with a file waits for, before anybody asked Meta for it."""
UNKNOWN_TYPE = "application/octet-stream"
"""What a file is handed out as whose content nobody recognised: a browser shows it in no way."""

_SOUND_AND_STICKERS = (
    (rb"RIFF....WEBP", "image/webp"),
    (rb"GIF8[79]a", "image/gif"),
    (rb"OggS\0", "audio/ogg"),
    (rb"#!AMR", "audio/amr"),
    (rb"ID3[\0-\x0f]|\xff[\xf2\xf3\xfa\xfb]", "audio/mpeg"),
    (rb"\xff[\xf1\xf9]", "audio/aac"),
    (rb"....ftypM4[AB]", "audio/mp4"),
)
_OF_BOTH = {"video/mp4": "audio/mp4", "video/3gpp": "audio/3gpp"}
"""Containers that hold sound as well as pictures: only Meta can tell."""
_PLAIN = re.compile(r"[\w.+-]+/[\w.+-]+(?:; ?[\w-]+=[\w.+-]+)*", re.ASCII)


class FileNotGiven(Exception):
    """Meta's file could not be had. `str()` says why, in words that may be shown to the integrator."""

    def __init__(self, code: str, words: str, *, retryable: bool) -> None:
        super().__init__(words)
        self.code = code
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A customer's file, where it lies. `mime_type` is what is shown, `served_as` what it is handed out as."""

    key: str
    mime_type: str
    served_as: str
    size: int
    sha256: str
    kept_until: int
    """When the bucket removes it, in milliseconds."""


def types_of(file: SizedReader, told: str | None) -> tuple[str, str]:
    """What a file is said to be, and what it is handed out as.

    By its content where that is known, whatever Meta says; else by Meta's word, and then it is handed out as bytes.
    """
    told = told if told and _PLAIN.fullmatch(told) else None
    found = _recognised(file, told)
    if found is None:
        return told or UNKNOWN_TYPE, UNKNOWN_TYPE
    alike = told is not None and (told.partition(";")[0] == found or (found == TEXT and told.startswith("text/")))
    return (told if told and alike else found), found


def _recognised(file: SizedReader, told: str | None) -> str | None:
    head = file.read(0, 64)
    for pattern, mime_type in _SOUND_AND_STICKERS:
        if re.match(pattern, head, re.DOTALL):
            return mime_type
    try:
        found = file_type(file)
    except NotTaken:
        return None
    if found == TEXT and not (told or "").startswith("text/"):
        return None  # of a text only the beginning was looked at
    sound = _OF_BOTH.get(found)
    return sound if sound and (told or "").startswith("audio/") else found
