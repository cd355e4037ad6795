"""Office documents: their types stand in the directories of their containers. Nothing is unpacked.

Layouts: PKWARE, "APPNOTE.TXT" 4.3.12 and 4.3.16 (ZIP); Microsoft, MS-CFB 2.2 to 2.6 (compound files).
"""

import struct
from collections.abc import Iterator

from hkreach.domain.sized_reader import Pages, TooManyPages

ZIP_MAGIC = b"PK\x03\x04"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_OOXML = "application/vnd.openxmlformats-officedocument."
DOCX, XLSX, PPTX = (
    _OOXML + "wordprocessingml.document",
    _OOXML + "spreadsheetml.sheet",
    _OOXML + "presentationml.presentation",
)
DOC, XLS, PPT = "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"
_FOLDERS = {b"word/": DOCX, b"xl/": XLSX, b"ppt/": PPTX}
_STREAMS = {"WordDocument": DOC, "Workbook": XLS, "Book": XLS, "PowerPoint Document": PPT}

_END, _END_SIZE = b"PK\x05\x06", 22
_ENTRY, _ENTRY_SIZE = b"PK\x01\x02", 46
_FIRST_OF_DIRECTORY, _LAST_OF_DIRECTORY = 24_576, 12_288
_NO_DOCUMENT = "a ZIP archive that is no whole Word, Excel or PowerPoint document"

_FREE = 0xFFFFFFF0
"""From here on sector numbers mean: no sector."""
_MOST_DIRECTORY_SECTORS = 128
_MOST_LISTS = 16
"""Of allocation tables: enough for 140 MB in the smallest sectors."""
_NOTHING = 0xFFFFFFFF


def ooxml_type(file: Pages) -> str:
    """The type of a document in a ZIP archive, by the names in its directory.

    Of a long directory the beginning and the end are read. Raises ValueError that says what the archive is.
    """
    names = set(_zip_names(file))
    if any(name.endswith(b"vbaProject.bin") for name in names):
        raise ValueError("an Office document with macros")
    types = {mime_type for folder, mime_type in _FOLDERS.items() if any(name.startswith(folder) for name in names)}
    if b"[Content_Types].xml" not in names or len(types) != 1:
        raise ValueError(_NO_DOCUMENT)
    return types.pop()


def _zip_names(file: Pages) -> Iterator[bytes]:
    tail_start = max(0, file.size - Pages.SIZE)
    tail = file.read(tail_start, Pages.SIZE)
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_SIZE:
        raise ValueError(_NO_DOCUMENT)
    length, start, comment = struct.unpack_from("<IIH", tail, at + 12)
    if start + length > tail_start + at or at + _END_SIZE + comment != len(tail):
        raise ValueError(_NO_DOCUMENT)
    first = min(length, _FIRST_OF_DIRECTORY)
    yield from _entries(file.read(start, first))
    if rest := min(length - first, _LAST_OF_DIRECTORY):
        last = file.read(start + length - rest, rest)
        yield from _entries(last[last.find(_ENTRY) :])


def _entries(directory: bytes) -> Iterator[bytes]:
    at = 0
    while directory.startswith(_ENTRY, at) and at + _ENTRY_SIZE <= len(directory):
        name, extra, comment = struct.unpack_from("<HHH", directory, at + 28)
        at += _ENTRY_SIZE
        if at + name <= len(directory):
            yield directory[at : at + name].replace(b"\\", b"/")
        at += name + extra + comment


def ole_type(file: Pages) -> str:
    """The type of a document in a compound file, by the streams in its root: a Word document may hold a sheet inside.

    Raises ValueError that says what the file is.
    """
    entries = list(_ole_entries(file))
    for name in _names_in_root(entries):
        if name in _STREAMS:
            return _STREAMS[name]
        if name == "EncryptedPackage":
            raise ValueError("an Office document with a password")
    raise ValueError("no whole Word, Excel or PowerPoint document of 1997 to 2003")


def _ole_entries(file: Pages) -> Iterator[bytes]:
    """The directory, 128 bytes each: its sectors are a chain, told by the allocation table; as many as can be read."""
    header = file.read(0, 512)
    if len(header) < 512 or (shift := int.from_bytes(header[30:32], "little")) not in {9, 12}:
        return
    size, sector = 1 << shift, int.from_bytes(header[48:52], "little")
    seen: set[int] = set()
    try:
        while sector < _FREE and sector not in seen and len(seen) < _MOST_DIRECTORY_SECTORS:
            seen.add(sector)
            content = file.read((sector + 1) * size, size)
            yield from (content[at : at + 128] for at in range(0, len(content) - 127, 128))
            sector = _next_sector(file, header, size, sector)
    except TooManyPages:
        return


def _next_sector(file: Pages, header: bytes, size: int, sector: int) -> int:
    table, place = divmod(sector, size // 4)
    listed, per_list = header[76:512], size // 4 - 1
    following = int.from_bytes(header[68:72], "little")
    table_at = table * 4
    if table >= 109:  # noted in lists outside the header, each of which tells the next
        lists, within = divmod(table - 109, per_list)
        for _ in range(lists + 1):
            if following >= _FREE or lists > _MOST_LISTS:
                return _NOTHING
            listed = file.read((following + 1) * size, size)
            following = int.from_bytes(listed[-4:], "little")
        table_at = within * 4
    table_sector = int.from_bytes(listed[table_at : table_at + 4], "little")
    if table_sector >= _FREE:
        return _NOTHING
    found = file.read((table_sector + 1) * size + place * 4, 4)
    return int.from_bytes(found, "little") if len(found) == 4 else _NOTHING


def _names_in_root(entries: list[bytes]) -> Iterator[str]:
    """The names of the root's children: a tree of left and right siblings, which may be made to go in circles."""
    waiting = [int.from_bytes(entries[0][76:80], "little")] if entries else []
    seen: set[int] = set()
    while waiting:
        number = waiting.pop()
        if number in seen or number >= len(entries):
            continue
        seen.add(number)
        entry = entries[number]
        yield entry[: max(0, min(64, int.from_bytes(entry[64:66], "little")) - 2)].decode("utf-16-le", "replace")
        waiting += [int.from_bytes(entry[at : at + 4], "little") for at in (68, 72)]
