"""The bridge between a page and its kernel: somebody is looking, and the photos are back after a reconnect.

In the notebook of an app:

    bridge = PageBridge()
    bridge.observe(refresh, "tick")
    display(bridge)

The browser drives the clock: a kernel that refreshed by itself would never look idle, and the kernel of an abandoned
page would stay. What a page was given is kept in the visitor's browser and nowhere else.
"""

from __future__ import annotations

from typing import Any

import traitlets

from fieldmark_widgets.assets import module
from fieldmark_widgets.component import Component
from fieldmark_widgets.guard import guard
from fieldmark_widgets.uploader import Message


class PageBridge(Component):
    """Shows nothing. Messages from the browser: `tick`, every five seconds while somebody looks."""

    _esm = module("bridge")

    tick = traitlets.Int(0)
    """How often the page has said that somebody is looking."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(self._receive)

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        if message.get("kind") == "tick":
            self.tick += 1
