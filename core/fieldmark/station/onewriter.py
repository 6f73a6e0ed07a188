"""One writer: a station's store is written by one process, whoever that is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from fieldmark.errors import StationError


@contextlib.contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold a station against a second worker; freed by the system when the process dies.

    Raises:
        StationError: another worker runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "worker.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as exc:
        raise StationError(
            f"A worker runs in {str(folder)!r} already. Stop it for this.", code="running"
        ) from exc
    try:
        yield
    finally:
        lock.release()
