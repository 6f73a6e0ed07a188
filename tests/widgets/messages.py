"""A widget's page, for tests: what a browser sends arrives the same way, and what it is sent can be read."""

from __future__ import annotations

from typing import Any

import ipywidgets
from comm.base_comm import BaseComm

Message = dict[str, Any]


class RecordingComm(BaseComm):
    """A connection to a browser that only keeps what it is sent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.sent: list[tuple[Message, list[bytes]]] = []
        super().__init__(*args, **kwargs)

    def publish_msg(self, msg_type: str, data: Any = None, buffers: Any = None, **_: Any) -> None:
        if msg_type == "comm_msg":
            self.sent.append((data, [bytes(buffer) for buffer in buffers or ()]))


def receive(widget: ipywidgets.Widget, content: Any, *buffers: bytes) -> None:
    """Let a widget receive what its page sends with `model.send`."""
    widget.comm.handle_msg(
        {
            "content": {"data": {"method": "custom", "content": content}},
            "buffers": [memoryview(buffer) for buffer in buffers],
        }
    )


def set_trait(widget: ipywidgets.Widget, **state: Any) -> None:
    """Let a widget receive a trait that its page sets and saves."""
    widget.comm.handle_msg(
        {"content": {"data": {"method": "update", "state": state, "buffer_paths": []}}, "buffers": []}
    )


def sent(widget: ipywidgets.Widget) -> list[Message]:
    """The custom messages a widget sent to its page."""
    return [data["content"] for data, _ in widget.comm.sent if data["method"] == "custom"]
