"""The directory of tags that opens every TIFF, and every block of EXIF, read without trusting it.

Pillow reads tags too, but converts whatever a tag holds: a file may declare millions of numbers where one
is meant, and costs a gigabyte. Here a tag is only looked at; what has not the shape it should have is not
there.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

MAX_TAGS = 1000
"""Most tags looked at in one directory; cameras write fewer than 100."""

_BYTES, _TEXT, _SHORT, _LONG, _UNDEFINED, _LONG8 = 1, 2, 3, 4, 7, 16
_NUMBER_SIZES = {_SHORT: 2, _LONG: 4, _LONG8: 8}
_VALUE_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_TEXT_LIMIT = 1000


@dataclass(frozen=True)
class Tag:
    """One entry of a directory."""

    kind: int
    """Type of the values, by the standard's number."""
    count: int
    """How many values are declared."""
    payload: bytes
    """The values themselves, or where they lie."""

    @property
    def holds_numbers(self) -> bool:
        """Whether its values become numbers when they are read, and not plain bytes or text."""
        return self.kind in _VALUE_SIZES and self.kind not in (_BYTES, _TEXT, _UNDEFINED)


@dataclass(frozen=True)
class Directory:
    """One directory of tags in some bytes."""

    data: bytes = field(repr=False)
    order: str
    """Byte order, as struct writes it: "<" or ">"."""
    big: bool
    """Whether offsets have 8 bytes (BigTIFF)."""
    offset: int
    """Where it begins."""
    declared: int
    """How many tags it says it has."""
    tags: dict[int, Tag]
    """The first of each number, as far as the bytes go."""

    @property
    def is_whole(self) -> bool:
        """Whether the bytes reach to its end, and to the end of all that its tags point at."""
        head, entry = (8, 20) if self.big else (2, 12)
        end = self.offset + head + self.declared * entry
        return max([end, *(self._end(tag) for tag in self.tags.values())]) <= len(self.data)

    def _end(self, tag: Tag) -> int:
        size = tag.count * _VALUE_SIZES.get(tag.kind, 0)
        return self._start(tag) + size if size > len(tag.payload) else 0

    def _start(self, tag: Tag) -> int:
        return int.from_bytes(tag.payload, "little" if self.order == "<" else "big")

    def number(self, tag: int) -> int | None:
        """Give a tag that holds exactly one whole number."""
        entry = self.tags.get(tag)
        if entry is None or entry.count != 1 or entry.kind not in _NUMBER_SIZES:
            return None
        size = _NUMBER_SIZES[entry.kind]
        return int.from_bytes(entry.payload[:size], "little" if self.order == "<" else "big")

    def text(self, tag: int) -> str | None:
        """Give a tag that holds a short text, without the blanks and zeros around it."""
        entry = self.tags.get(tag)
        if entry is None or entry.kind != _TEXT or entry.count > _TEXT_LIMIT:
            return None
        start = self._start(entry)
        raw = entry.payload if entry.count <= len(entry.payload) else self.data[start : start + entry.count]
        return raw[: entry.count].partition(b"\0")[0].decode("utf-8", "replace").strip() or None

    def directory(self, tag: int) -> Directory | None:
        """Give the directory that a tag points at."""
        offset = self.number(tag)
        return None if offset is None else _read(self.data, self.order, self.big, offset)


def first_directory(data: bytes) -> Directory | None:
    """Read the directory that a TIFF header points at; None when there is no such header."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return None
    (version,) = struct.unpack_from(order + "H", data, 2)
    if version == 42:
        return _read(data, order, False, *struct.unpack_from(order + "L", data, 4))
    if version == 43 and len(data) >= 16:
        return _read(data, order, True, *struct.unpack_from(order + "Q", data, 8))
    return None


def _read(data: bytes, order: str, big: bool, offset: int) -> Directory:
    head, entry = (order + "Q", order + "HHQ8s") if big else (order + "H", order + "HHL4s")
    start = offset + struct.calcsize(head)
    if start > len(data):
        return Directory(data, order, big, offset, 1, {})
    (declared,) = struct.unpack_from(head, data, offset)
    size = struct.calcsize(entry)
    tags: dict[int, Tag] = {}
    for place in range(start, min(start + min(declared, MAX_TAGS) * size, len(data) - size + 1), size):
        number, *rest = struct.unpack_from(entry, data, place)
        tags.setdefault(number, Tag(*rest))
    return Directory(data, order, big, offset, declared, tags)
