"""Files as small as they can be, and large ones that are not there."""

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence

JPEG = b"\xff\xd8\xff\xe0"
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
PDF = b"%PDF-1.7\n"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
NO_SECTOR, END_OF_CHAIN = 0xFFFFFFFF, 0xFFFFFFFE


def png(depth: int, colour: int) -> bytes:
    """As much of a PNG image as tells how it has its colours."""
    return PNG_MAGIC + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 10, 10, depth, colour, 0, 0, 0)


PNG = png(8, 6)


class SparseFile:
    """Implements `SizedReader`: parts at their places, zeros between them. Counts what is read."""

    def __init__(self, size: int, parts: Mapping[int, bytes]) -> None:
        self.size = size
        self.parts = parts
        self.bytes_read = 0
        self.reads = 0

    def read(self, offset: int, length: int) -> bytes:
        block = bytearray(max(0, min(length, self.size - offset)))
        for start, part in self.parts.items():
            begin, end = max(start, offset), min(start + len(part), offset + len(block))
            if begin < end:
                block[begin - offset : end - offset] = part[begin - start : end - start]
        self.bytes_read += len(block)
        self.reads += 1
        return bytes(block)


def ftyp(brand: bytes, *compatible: bytes) -> bytes:
    content = b"ftyp" + brand + b"\0\0\2\0" + b"".join(compatible)
    return struct.pack(">I", 4 + len(content)) + content


def archive(*names: str, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            file.writestr(name, f"<{name}/>")
        file.comment = comment
    return buffer.getvalue()


DOCX = archive("[Content_Types].xml", "word/document.xml")


def directory(names: Sequence[str]) -> bytes:
    """The directory of a ZIP archive whose files are not there."""
    return b"".join(
        struct.pack("<4s6H3I5H2I", b"PK\x01\x02", *(0,) * 6, *(0,) * 3, len(name), *(0,) * 4, 0, 0) + name.encode()
        for name in names
    )


def sparse_archive(size: int, names: Sequence[str], times: int = 1) -> SparseFile:
    entries = directory(names) * times
    start = size - 22 - len(entries)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(entries), start, 0)
    return SparseFile(size, {0: b"PK\x03\x04", start: entries + end})


def entry(name: str, left: int = NO_SECTOR, right: int = NO_SECTOR, child: int = NO_SECTOR) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    kind = 5 if name == "Root Entry" else 2
    return struct.pack("<64sHBBIII", text, len(text), kind, 1, left, right, child).ljust(128, b"\0")


def ole(*names: str, inside: Sequence[str] = ()) -> bytes:
    """A compound file: `names` in a chain of siblings in its root, `inside` in a storage within it."""
    entries = [entry("Root Entry", child=1)]
    entries += [entry(name, right=at + 1 if at < len(names) else NO_SECTOR) for at, name in enumerate(names, start=1)]
    entries += [entry(name) for name in inside]
    return _compound(b"".join(entries))


def _compound(entries: bytes) -> bytes:
    sectors = -(-len(entries) // 512)
    table = [END_OF_CHAIN, *range(2, sectors + 1), END_OF_CHAIN]
    return (
        ole_header(first=1, tables=[0])
        + struct.pack(f"<{len(table)}I", *table).ljust(512, b"\xff")
        + entries.ljust(sectors * 512, b"\0")
    )


def ole_header(first: int, tables: Sequence[int], lists: int = END_OF_CHAIN) -> bytes:
    """The 512 bytes before the sectors: where the directory begins, and where the allocation tables stand."""
    header = OLE + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    header = header.ljust(48, b"\0") + struct.pack("<I", first)
    header = header.ljust(68, b"\0") + struct.pack("<II", lists, 1)
    return header + struct.pack(f"<{len(tables)}I", *tables).ljust(436, b"\xff")
