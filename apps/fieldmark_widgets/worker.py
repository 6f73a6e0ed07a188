"""Runs slow work beside the kernel's own thread, and brings its results back into it.

A kernel that computes answers nothing else meanwhile: not the next upload, not "cancel". And a trait that two
threads set at the same time may lose an update. So jobs run in a thread of their own, one after the other, and
what they give is handled where the kernel handles messages.
"""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

Outcome = tuple["Future[Any]", Callable[["Future[Any]"], None]]


class Worker:
    """One thread for one component's jobs."""

    def __init__(self, name: str) -> None:
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._pending = 0

    def submit(self, job: Callable[[], Any], then: Callable[[Future[Any]], None]) -> None:
        """Run `job` in the thread, then `then(future)` in the caller's event loop.

        Where no loop runs (a script, a test) outcomes are handled by `wait`.
        """
        self._pending += 1
        loop = _running_loop()
        future = self._threads.submit(job)
        future.add_done_callback(lambda done: self._bring_back(done, then, loop))

    def wait(self, timeout_s: float = 60.0) -> None:
        """Block until every job is done and handled; also works inside a notebook's cell.

        Raises:
            TimeoutError: it took longer.
        """
        end = time.monotonic() + timeout_s
        while self._pending:
            try:
                self._handle(self._outcomes.get(timeout=max(0.0, end - time.monotonic())))
            except queue.Empty:
                raise TimeoutError(f"not done after {timeout_s:g} s") from None

    def close(self) -> None:
        """Drop the jobs that have not begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _bring_back(
        self, future: Future[Any], then: Callable[[Future[Any]], None], loop: asyncio.AbstractEventLoop | None
    ) -> None:
        self._outcomes.put((future, then))
        if loop is not None:
            with suppress(RuntimeError):  # the loop has ended, and so has everybody who would look
                loop.call_soon_threadsafe(self._handle_all)

    def _handle_all(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._handle(self._outcomes.get_nowait())

    def _handle(self, outcome: Outcome) -> None:
        future, then = outcome
        self._pending -= 1
        if not future.cancelled():
            then(future)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
