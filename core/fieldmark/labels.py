"""Labels are data: any text names a class. Folders are named after them as safely as any disk needs.

A label never becomes a path by itself. `folder_name` keeps it where it is a good folder name on every
system, and otherwise gives a slug with a short hash of the label, so that two labels never share a folder.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection

from fieldmark.errors import DatasetError

MAX_FOLDER_BYTES = 80
"""Far below the 255 bytes of a name, so that a whole path stays below the 260 characters of Windows."""

WINDOWS_RESERVED = frozenset(
    ("con", "prn", "aux", "nul", "conin$", "conout$")
    + tuple(f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³")
)
"""Names that are devices on Windows, with any ending."""

_SAFE = re.compile(r"\w(?:[\w &,()+-]*[\w)])?")  # begins and ends with something that is seen, has no dot


def clean_label(text: str) -> str:
    """Give a label as it is kept: unchanged, but for lone surrogates, which no database takes.

    A lone surrogate is what a file name that is not UTF-8 turns into; it is written as `\\udcff`.

    Raises:
        DatasetError: `empty_label`: nothing in it can be seen.
    """
    if not text.strip():
        raise DatasetError(
            "A label is empty, and a class needs a name. Give it at least one character.", code="empty_label"
        )
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def folder_name(label: str, taken: Collection[str] = ()) -> str:
    """Name the folder of a class.

    Args:
        label: as `clean_label` gives it.
        taken: names of the folders of other classes.
    Returns:
        The label itself where that is safe and stays apart from `taken` on systems that do not tell
        letter case; otherwise a slug and 8 hex digits of the label's hash.
    """
    others = {_folded(name) for name in taken}
    if _is_safe(label) and _folded(label) not in others:
        return label
    digest = hashlib.sha256(label.encode("utf-8", "surrogatepass")).hexdigest()
    slug = _slug(label)
    names = (f"{slug}-{digest[:length]}".lstrip("-") for length in range(8, len(digest) + 1, 8))
    return next(name for name in names if _folded(name) not in others)


def _is_safe(name: str) -> bool:
    return (
        _SAFE.fullmatch(name) is not None
        and unicodedata.is_normalized("NFC", name)
        and len(name.encode()) <= MAX_FOLDER_BYTES
        and name.lower() not in WINDOWS_RESERVED
    )


def _slug(label: str) -> str:
    """Keep letters and digits, as readable as it gets."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", label.encode("utf-8", "ignore").decode()))
    return "-".join(words).encode()[: MAX_FOLDER_BYTES // 2].decode("utf-8", "ignore").strip("-_")


def _folded(name: str) -> str:
    """Give what systems that ignore case and Unicode form see of a name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
