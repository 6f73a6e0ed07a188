"""What widget tests stand on: messages as the browser sends them, and no swallowed exception."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

import comm
import ipywidgets
import pytest
from comm.base_comm import BaseComm
from PIL import Image
from skimage.data import chelsea

Message = dict[str, Any]


class RecordingComm(BaseComm):
    """A connection to a browser that only keeps what it is sent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.sent: list[tuple[Message, list[bytes]]] = []
        super().__init__(*args, **kwargs)

    def publish_msg(self, msg_type: str, data: Any = None, buffers: Any = None, **_: Any) -> None:
        if msg_type == "comm_msg":
            self.sent.append((data, [bytes(buffer) for buffer in buffers or ()]))


@pytest.fixture(autouse=True)
def _browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comm, "create_comm", RecordingComm)


@pytest.fixture(autouse=True)
def _no_exception_is_swallowed(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """ipywidgets logs what a callback raises, and the guard what nobody foresaw: neither may pass unseen."""
    yield
    if request.node.get_closest_marker("expects_unexpected"):
        return
    records = [record for when in ("setup", "call") for record in caplog.get_records(when)]
    assert [r.getMessage() for r in records if r.levelno >= logging.ERROR or r.exc_info] == []


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


@pytest.fixture(scope="session")
def cat_jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(chelsea()).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def make_jpeg() -> Callable[..., bytes]:
    """A photo of one colour."""

    def make(colour: tuple[int, int, int] = (200, 120, 40), size: tuple[int, int] = (64, 48)) -> bytes:
        buffer = io.BytesIO()
        Image.new("RGB", size, colour).save(buffer, "JPEG")
        return buffer.getvalue()

    return make
