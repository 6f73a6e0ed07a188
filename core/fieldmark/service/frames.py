"""What the service and its worker process tell each other: a JSON object and some bytes, through a pipe.

A frame is the length of its JSON (4 bytes, big-endian), the JSON, then the bytes whose sizes the JSON lists. No
pickle: neither side runs what the other sends.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

MAX_HEADER_BYTES = 64 * 2**20
"""Of the JSON; maps and probabilities of a full batch take a few MB."""
MAX_PART_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Frame:
    """One message."""

    head: dict[str, Any]
    parts: tuple[bytes, ...] = ()


class FrameError(Exception):
    """The pipe ended, or what came is no frame."""


class FrameWriter:
    """The sending end; threads may share it."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, head: dict[str, Any], parts: Sequence[bytes] = ()) -> None:
        """Send one message; blocks while the other side does not read.

        Raises:
            OSError, ValueError: the pipe is closed.
        """
        text = json.dumps({**head, "sizes": [len(part) for part in parts]}).encode()
        with self._lock:
            self._pipe.write(len(text).to_bytes(4) + text)
            for part in parts:
                self._pipe.write(part)
            self._pipe.flush()


def read_frame(pipe: IO[bytes]) -> Frame:
    """Wait for the next message.

    Raises:
        FrameError: there is none any more.
    """
    length = int.from_bytes(_exactly(pipe, 4))
    if length > MAX_HEADER_BYTES:
        raise FrameError("not a frame")
    head = json.loads(_exactly(pipe, length))
    sizes = head.pop("sizes")
    if any(not 0 <= size <= MAX_PART_BYTES for size in sizes):
        raise FrameError("not a frame")
    return Frame(head, tuple(_exactly(pipe, size) for size in sizes))


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    content = pipe.read(size)
    if len(content) < size:
        raise FrameError("the pipe ended")
    return content
