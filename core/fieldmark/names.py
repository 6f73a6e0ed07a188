"""Names of files and folders that every disk takes: Windows, macOS and Linux, zip files and backups."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import PurePath

MAX_NAME_BYTES = 80
"""Far below the 255 bytes of a name, so that a whole path stays below the 260 characters of Windows."""

_DEVICES = ("con", "prn", "aux", "nul", "conin$", "conout$")
_PORTS = tuple(f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³")
WINDOWS_RESERVED = frozenset((*_DEVICES, *_PORTS))
"""Names that are devices on Windows, with any ending."""

_PORTABLE = re.compile(r"\w(?:[\w &,()+-]*[\w)])?")  # seen at both ends; no dot, nothing a shell reads
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")


def is_portable(name: str) -> bool:
    """Whether a name without a dot is the same, and safe, on every disk."""
    return (
        _PORTABLE.fullmatch(name) is not None
        and unicodedata.is_normalized("NFC", name)
        and len(name.encode()) <= MAX_NAME_BYTES
        and name.lower() not in WINDOWS_RESERVED
    )


def slug(text: str) -> str:
    """Make a portable name that reminds of a text: its words, and 8 hex digits of its hash."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text.encode("utf-8", "ignore").decode()))
    short = "-".join(words).encode()[: MAX_NAME_BYTES // 2].decode("utf-8", "ignore").strip("-_")
    name = unicodedata.normalize("NFC", f"{short}-{digest}" if short else digest)
    return name if is_portable(name) else digest


def file_name(original: str) -> str:
    """Name the file of a photo after what it was called: the same where that is portable, else a slug."""
    name = PurePath(original)
    suffix = name.suffix if _SUFFIX.fullmatch(name.suffix) else ""
    stem = original.removesuffix(suffix)
    return f"{stem if _is_portable_stem(stem) else slug(stem)}{suffix}"


def folded(name: str) -> str:
    """Give what a disk that ignores letter case and Unicode form sees of a name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _is_portable_stem(stem: str) -> bool:
    """Dots inside are fine, but for what stands before the first."""
    return is_portable(stem.replace(".", "_")) and is_portable(stem.partition(".")[0])
