"""What one archive may hold and cost: its names, its entries, and the bytes that come out of it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fieldmark.errors import ArchiveError
from fieldmark.labels import escape_surrogates

MAX_PIECE = 8_000_000
"""Bytes that a reader may ask for at once: the directory of a zip with 50,000 entries fits; a tar whose "long
name" is a gigabyte does not get it into memory."""

_DRIVE = re.compile(r"[A-Za-z]:")
_PACK_AGAIN = "Pack it again, without a password and with plain folders and files only."

_HUGE_HEADER = f"has a list of files, or a file name, of more than {MAX_PIECE // 1_000_000} MB."


@dataclass(frozen=True)
class ArchiveLimits:
    """How much one archive may ask for."""

    max_bytes: int = 2_000_000_000
    """Of all that comes out, together."""
    max_entries: int = 50_000
    """Files and folders."""
    max_ratio: int = 100
    """Bytes that come out for one that is in; photos hardly shrink, so an honest archive stays below 2."""
    ratio_from_bytes: int = 10_000_000
    """Below this the ratio does not matter."""


DEFAULT_ARCHIVE_LIMITS = ArchiveLimits()


@dataclass(frozen=True)
class Archive:
    """An archive that is being read."""

    path: Path
    limits: ArchiveLimits

    def refused(self, code: str, because: str, todo: str = _PACK_AGAIN) -> ArchiveError:
        """Say why nothing of it is taken; the sentence begins with the file's name."""
        return ArchiveError(
            f"The archive {self.path.name!r} {because} Nothing of it was taken. {todo}", code=code
        )

    def check_ratio(self, unpacked: int, packed: int, what: str = "it") -> None:
        """Refuse what unpacks to far more than photos do."""
        if unpacked > self.limits.ratio_from_bytes and unpacked > self.limits.max_ratio * packed:
            raise self.refused(
                "bomb",
                f"unpacks to more than {self.limits.max_ratio} times its size ({what}); photos hardly shrink.",
            )

    def check_size(self, unpacked: int) -> None:
        """Refuse what is larger than the limit."""
        if unpacked > self.limits.max_bytes:
            raise self.refused(
                "too_large",
                f"unpacks to more than {self.limits.max_bytes / 1e9:g} GB.",
                "Import it in parts, or unpack it and import the folder.",
            )

    def check_entries(self, entries: int) -> None:
        """Refuse more files and folders than the limit."""
        if entries > self.limits.max_entries:
            raise self.refused(
                "too_many_entries",
                f"holds more than {self.limits.max_entries:,} files.",
                "Import it in parts, or unpack it and import the folder.",
            )

    def safe_name(self, name: str) -> str:
        """Give an entry's name with slashes and without lone surrogates, if it stays inside of a folder.

        A backslash counts as a slash, as Windows' own tools write it.
        """
        slashed = escape_surrogates(name.replace("\\", "/"))
        parts = [part for part in slashed.split("/") if part not in ("", ".")]
        if slashed.startswith("/") or _DRIVE.match(slashed) or ".." in parts or "\0" in slashed:
            raise self.refused("unsafe_entry", f"holds {name[:200]!r}, a path that leads out of the folder.")
        return "/".join(parts)


@dataclass(frozen=True)
class Member:
    """One entry of an archive."""

    name: str
    """As the archive has it."""
    size: int
    """Bytes, as the archive says."""
    open: Callable[[], BinaryIO] | None
    """None for a folder."""


class Meter:
    """Counts what comes out of an archive, and stops it at a limit."""

    def __init__(self, archive: Archive) -> None:
        """Start at nothing."""
        self._archive, self._packed, self._unpacked = archive, archive.path.stat().st_size, 0

    def add(self, size: int) -> None:
        """Count bytes that came out."""
        self._unpacked += size
        self._archive.check_size(self._unpacked)
        self._archive.check_ratio(self._unpacked, self._packed)


class MeteredStream(io.RawIOBase, BinaryIO):
    """Bytes that come out of an archive: all are counted, and never too many are held at once."""

    def __init__(self, stream: BinaryIO, archive: Archive, meter: Meter | None) -> None:
        """Read from `stream`; without a meter only the size of a piece is limited."""
        self._stream, self._archive, self._meter = stream, archive, meter

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as usual; asking for the rest of a long stream is asking for too much."""
        wanted = MAX_PIECE + 1 if size is None or size < 0 else size
        if size is not None and size > MAX_PIECE:
            raise self._archive.refused("bomb", _HUGE_HEADER)
        data = self._stream.read(wanted)
        if len(data) > MAX_PIECE:
            raise self._archive.refused("bomb", _HUGE_HEADER)
        if self._meter is not None:
            self._meter.add(len(data))
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place; what a packed stream has to unpack on the way is counted too."""
        if self._meter is None or whence != io.SEEK_SET:
            return self._stream.seek(offset, whence)
        while (ahead := offset - self._stream.tell()) > 0 and self.read(min(ahead, 1 << 20)):
            pass
        return self._stream.seek(offset) if ahead < 0 else self._stream.tell()

    def tell(self) -> int:
        """Tell the place."""
        return self._stream.tell()

    def readable(self) -> bool:
        """Reading is what it is for."""
        return True

    def seekable(self) -> bool:
        """Both libraries seek."""
        return True

    def close(self) -> None:
        """Close what it reads from, too."""
        self._stream.close()
        super().close()
