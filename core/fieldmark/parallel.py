"""One thing done to many photos, in threads: reading, hashing and decoding let go of Python's lock."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

AHEAD = 64
"""Results held at a time: enough that no thread waits, and memory does not grow with the number of photos."""


def in_threads(work: Callable[[Task], Result], tasks: Iterable[Task]) -> Generator[Result, None, None]:
    """Give the result of each task, in order, working a few ahead; closing it early drops what is left."""
    ahead: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="photos") as pool:
        try:
            for task in tasks:
                ahead.append(pool.submit(work, task))
                if len(ahead) >= AHEAD:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for waiting in ahead:
                waiting.cancel()
