"""Where a session keeps what is seldom looked at again: out of memory, in a file without a name.

Such a file is seen by no other process and goes with this one, however it ends. Knows no widget.
"""

from __future__ import annotations

import tempfile
import threading
import weakref
from typing import Protocol

BOX_BYTES = 8 * 2**20
"""A file is no longer added to beyond this; it goes when nothing in it is wanted any more."""


class Kept(Protocol):
    """Bytes that are somewhere."""

    def read(self) -> bytes:
        """Give them."""


class InMemory:
    """Bytes where a disk takes none."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        """Give them."""
        return self._content


class Shelf:
    """Takes bytes, and gives them when they are asked for; threads may share it."""

    def __init__(self) -> None:
        self._box: Box | None = None
        self._lock = threading.Lock()

    def put(self, content: bytes) -> Kept:
        """Keep bytes for as long as somebody holds what is returned; in memory where the disk is full."""
        with self._lock:
            try:
                if self._box is None or self._box.is_full:
                    self._box = Box()
                return self._box.put(content)
            except OSError:
                self._box = None
                return InMemory(content)


class Box:
    """One file on the shelf."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="fieldmark-", buffering=0)  # noqa: SIM115  it goes with this box
        self._end = 0
        self._lock = threading.Lock()
        weakref.finalize(self, self._file.close)

    @property
    def is_full(self) -> bool:
        """Whether the next bytes go into another one."""
        return self._end >= BOX_BYTES

    def put(self, content: bytes) -> Kept:
        """Add bytes at the end.

        Raises:
            OSError: the disk does not take them.
        """
        with self._lock:
            self._file.seek(self._end)
            if self._file.write(content) < len(content):
                raise OSError("the disk is full")
            start, self._end = self._end, self._end + len(content)
        return InBox(self, start, len(content))

    def read(self, start: int, size: int) -> bytes:
        """Give bytes from a place."""
        with self._lock:
            self._file.seek(start)
            return self._file.read(size)


class InBox:
    """Bytes in a file on the shelf; whoever has this keeps the file."""

    def __init__(self, box: Box, start: int, size: int) -> None:
        self._box, self._start, self._size = box, start, size

    def read(self) -> bytes:
        """Give them."""
        return self._box.read(self._start, self._size)
