"""The messages between a page and its kernel, as bytes (v1.kernel.websocket.jupyter.org)."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

PROTOCOL = Subprotocol("v1.kernel.websocket.jupyter.org")


@dataclass(frozen=True)
class Heard:
    """A message of a kernel's."""

    kind: str
    content: dict[str, Any]
    buffers: tuple[bytes, ...]


def open_channel(server: str, kernel: str, *, origin: str | None = None, **options: Any) -> ClientConnection:
    """Connect to a kernel, as a page of the server's does."""
    address = f"{server.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels?session_id=s"
    return connect(address, origin=Origin(origin or server), subprotocols=[PROTOCOL], **options)


def pack(
    kind: str,
    content: dict[str, Any],
    *buffers: bytes,
    channel: str = "shell",
    metadata: dict[str, Any] | None = None,
) -> bytes:
    """Make a message."""
    header = {
        "msg_id": uuid.uuid4().hex,
        "username": "",
        "session": "s",
        "msg_type": kind,
        "version": "5.3",
        "date": datetime.now(UTC).isoformat(),
    }
    texts = (json.dumps(part).encode() for part in (header, {}, metadata or {}, content))
    return pack_parts(channel.encode(), *texts, *buffers)


def pack_parts(*parts: bytes) -> bytes:
    """Put parts one behind the other, after where each begins and where the last ends."""
    starts = [8 * (len(parts) + 2)]
    for part in parts:
        starts.append(starts[-1] + len(part))
    return b"".join(number.to_bytes(8, "little") for number in (len(starts), *starts)) + b"".join(parts)


def unpack(message: bytes | str) -> Heard:
    """Read a message."""
    assert isinstance(message, bytes)
    count, *starts = (
        int.from_bytes(message[8 * i : 8 * i + 8], "little")
        for i in range(int.from_bytes(message[:8], "little") + 1)
    )
    _channel, header, _parent, _metadata, content, *buffers = (
        message[starts[i] : starts[i + 1]] for i in range(count - 1)
    )
    return Heard(json.loads(header)["msg_type"], json.loads(content), tuple(buffers))
