"""The connection between a page and its kernel: what passes either way, and what does not."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

from tornado import web
from tornado.websocket import WebSocketClosedError
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from fieldmark_server.visitors import Visitors

PROTOCOL = "v1.kernel.websocket.jupyter.org"
"""How pages and kernels talk. The one before it is not spoken: Voilà takes what it sends for this one, reads a number
of parts of some 10^18 out of it, and the server never comes back from counting them."""
OFFSET_BYTES = 8
FEWEST_PARTS = 5
"""Channel, header, parent header, metadata, content; buffers may follow."""
MOST_PARTS = 256
CLOSE_UNSUPPORTED = 1003

KEPT_FROM_VISITORS = frozenset({"stream", "error", "execute_input"})
"""What a kernel writes may hold paths and tracebacks; it is on the server's console already."""


class KernelChannel(VoilaKernelWebsocketHandler):  # type: ignore[misc]  # voila carries no types
    """Passes messages on between a page and its kernel."""

    def initialize(self, *, visitors: Visitors) -> None:
        """Take who is here already."""
        self.visitors = visitors

    async def open(self, kernel_id: str) -> None:
        """Note that somebody is there."""
        self.visitors.claim(kernel_id)
        await super().open(kernel_id)

    async def pre_get(self) -> None:
        """Refuse a page that does not speak the protocol, once it is known who asks."""
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "")
        if PROTOCOL not in (name.strip() for name in offered.split(",")):
            raise web.HTTPError(400)
        await super().pre_get()

    def on_message(self, message: bytes | str) -> None:
        """Pass a page's message on to the kernel; hang up on what is none."""
        if is_whole(message):
            super().on_message(message)
        else:
            self.close(CLOSE_UNSUPPORTED, "This is no message of the protocol.")

    def write_message(self, message: bytes | str | dict[str, Any], binary: bool = False) -> Any:
        """Pass a kernel's message on, unless it is not meant for visitors."""
        if _message_type(message) in KEPT_FROM_VISITORS:
            return None
        sent = super().write_message(message, binary)
        if isinstance(sent, asyncio.Future):
            sent.add_done_callback(_forget_closed)
        return sent


def is_whole(message: bytes | str) -> bool:
    """Whether all parts that a message says it has are in it, in order.

    jupyter_server believes whatever number of parts a message names, and counts to it.
    """
    if isinstance(message, str) or len(message) < OFFSET_BYTES:
        return False
    count = int.from_bytes(message[:OFFSET_BYTES], "little")
    if not FEWEST_PARTS < count <= MOST_PARTS + 1:
        return False
    starts = [_number(message, place) for place in range(1, count + 1)]
    bounds = [OFFSET_BYTES * (count + 1), *starts, len(message)]
    return all(first <= second for first, second in itertools.pairwise(bounds))


def _number(message: bytes, place: int) -> int:
    return int.from_bytes(message[OFFSET_BYTES * place : OFFSET_BYTES * (place + 1)], "little")


def _message_type(message: bytes | str | dict[str, Any]) -> str | None:
    """What kind of message it is: the second of its parts is the header."""
    if isinstance(message, bytes):
        header = json.loads(message[_number(message, 2) : _number(message, 3)])
    else:
        header = (json.loads(message) if isinstance(message, str) else message).get("header")
    return (header or {}).get("msg_type")


def _forget_closed(sent: asyncio.Future[None]) -> None:
    """Whoever closed the page does not get the rest of it: no news, so not in the log."""
    if not sent.cancelled() and not isinstance(error := sent.exception(), WebSocketClosedError | None):
        raise error
