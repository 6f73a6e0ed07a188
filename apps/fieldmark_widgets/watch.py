"""Brings the progress of work in the worker's thread to the page, and a visitor's "cancel" back into it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from fieldmark.callbacks import Progress
from fieldmark.errors import Cancelled

INTERVAL_S = 0.15
"""Between two words to the page; more would only keep it busy."""


class Watch:
    """A callback for one piece of long work; `cancel` stops it at its next word."""

    def __init__(self, show: Callable[[Progress], None]) -> None:
        """Tell `show` how far it is, in the kernel's own thread; make it there."""
        self._show = show
        self._loop = _running_loop()
        self._next = 0.0
        self._cancelled = False

    def __call__(self, progress: Progress) -> None:
        """Take a word of the work; raises Cancelled once that was asked for."""
        if self._cancelled:
            raise Cancelled("Stopped.")
        now = time.monotonic()
        if self._loop is None or now < self._next:
            return
        self._next = now + INTERVAL_S
        with suppress(RuntimeError):  # the loop has ended, and so has everybody who would look
            self._loop.call_soon_threadsafe(self._show, progress)

    def cancel(self) -> None:
        """Stop the work at its next word."""
        self._cancelled = True


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
