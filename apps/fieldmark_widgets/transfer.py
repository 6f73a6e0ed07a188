"""Puts a file together from the pieces a browser sends, within bounds that the browser cannot move.

Nothing here knows a widget. What a browser says is not trusted.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from fieldmark.errors import FieldmarkError
from fieldmark_widgets.strings.classify import UPLOADER

MAX_NAME = 200
"""Characters of a file name that are kept."""

MIB = 1024 * 1024
_TURNS_TEXT_ROUND = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, eq=False)
class Upload:
    """A file that arrived whole."""

    name: str
    """As the visitor's computer calls it, cleaned for showing; never a path to write to."""
    content: bytes


class Transfer:
    """A file that is on its way."""

    def __init__(self, key: str, name: str, size: int, *, max_size: int) -> None:
        """Take what the browser announced; `key` is its own word for this file.

        Raises:
            FieldmarkError: the file is larger than `max_size`, or the size is no size.
        """
        self.key = key
        self.name = clean_name(name)
        self.size = size
        self._received = bytearray()
        if size < 0:
            raise bad_message()
        if size > max_size:
            sizes = {"size": say_size(size), "limit": say_size(max_size)}
            raise FieldmarkError(UPLOADER["too_large"].format(name=self.name, **sizes), code="too_large_file")

    @property
    def received(self) -> int:
        """Bytes that have arrived."""
        return len(self._received)

    @property
    def complete(self) -> bool:
        """Whether all of it has arrived; a file of no bytes has at once."""
        return self.received == self.size

    def add(self, offset: int, chunk: bytes | memoryview) -> None:
        """Take the next piece.

        Raises:
            FieldmarkError: it does not follow the one before, or is more than was announced.
        """
        if offset != self.received or offset + len(chunk) > self.size:
            raise FieldmarkError(UPLOADER["out_of_step"].format(name=self.name), code="out_of_step")
        self._received += chunk

    def finish(self) -> Upload:
        """Give the complete file."""
        return Upload(self.name, bytes(self._received))


def clean_name(name: str) -> str:
    """Make a file name fit to be shown: without folders, control signs and halves of characters."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    kept = "".join(sign for sign in last if not _is_unfit(sign)).strip()
    if len(kept) > MAX_NAME:
        kept = f"{kept[: MAX_NAME - 21]}…{kept[-20:]}"
    return kept or UPLOADER["unnamed"]


def _is_unfit(sign: str) -> bool:
    """Control signs, lone surrogates (no encoder takes them), and what turns text round to disguise an ending."""
    return unicodedata.category(sign) in ("Cc", "Cs") or sign in _TURNS_TEXT_ROUND


def say_size(n: int) -> str:
    """A number of bytes in words, as the browser says it: "1.4 MiB"."""
    if n < MIB:
        return f"{-(-n // 1024)} KiB"
    return f"{n / MIB:.1f}".removesuffix(".0") + " MiB"


def bad_message() -> FieldmarkError:
    """What to answer to a message that no browser of ours sends."""
    return FieldmarkError(UPLOADER["bad_message"], code="bad_message")
