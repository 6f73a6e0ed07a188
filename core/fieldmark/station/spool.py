"""The spool: a folder for each camera into which pictures are dropped, by FTP, a share, or by hand.

Watching for changes is a hint and no more: network shares say nothing of theirs, so the folder is read again and
again, and a file is taken once its size has stood still for two seconds.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from fieldmark.sources.scan import is_junk

STILL_S = 2.0
"""Seconds for which size and time of a file stand still before it counts as whole."""
CLOSED_S = 0.4
"""The same for a file of which the system said that its writer has closed it, or moved it here."""
UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")
"""What programs that copy call a file which they are not done with."""
MAX_FILE_BYTES = 64 * 1024 * 1024
"""Of a picture; a video may be of any size."""


@dataclass(frozen=True)
class Dropped:
    """A file that is whole."""

    path: Path
    camera: str
    """Name of the folder directly below the spool; "unsorted" for a file that lies in no folder."""


class Spool:
    """Finds what was dropped, and wakes whoever waits for it."""

    def __init__(self, folder: Path, *, still_s: float = STILL_S) -> None:
        """Watch a folder, made if it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.still_s = folder, still_s
        self._sizes: dict[Path, tuple[int, int, float]] = {}
        self._closed: set[str] = set()
        self._due: float | None = None
        self._wake = threading.Event()
        self._observer: Any = None

    def start(self) -> None:
        """Begin to listen for changes; without it, `wait` is a pause."""
        self._observer = Observer()
        self._observer.schedule(_Waker(self._wake, self._closed), str(self.folder), recursive=True)
        self._observer.start()

    def stop(self) -> None:
        """Stop listening."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None

    def wait(self, timeout_s: float) -> None:
        """Sleep until something happens in the folder or a file will have stood still, at most so long."""
        due = timeout_s if self._due is None else self._due - time.monotonic()
        self._wake.wait(min(timeout_s, max(due, 0.01)))
        self._wake.clear()

    def whole(self) -> list[Dropped]:
        """Give the files that stand still, in the order of their names within each camera."""
        now, seen, found_whole, due = time.monotonic(), {}, list[Dropped](), list[float]()
        for path in sorted(p for p in self.folder.rglob("*") if _is_wanted(p)):
            try:
                found = path.stat()
            except OSError:
                continue
            state = (found.st_size, found.st_mtime_ns)
            before = self._sizes.get(path)
            since = before[2] if before is not None and before[:2] == state else now
            seen[path] = (*state, since)
            still_s = min(self.still_s, CLOSED_S) if str(path) in self._closed else self.still_s
            if now - since >= still_s:
                found_whole.append(Dropped(path, _camera_of(path.relative_to(self.folder))))
            else:
                due.append(since + still_s)
        gone = {str(path) for path in self._sizes if path not in seen}
        self._sizes, self._due = seen, min(due, default=None)
        self._closed -= gone
        return found_whole


def _is_wanted(path: Path) -> bool:
    return (
        path.is_file()
        and not path.is_symlink()
        and path.suffix.lower() not in UNFINISHED
        and not is_junk(path.name)
    )


def _camera_of(relative: Path) -> str:
    return relative.parts[0] if len(relative.parts) > 1 else "unsorted"


class _Waker(FileSystemEventHandler):
    """Sets a flag when something has changed, and notes which files are done with."""

    def __init__(self, wake: threading.Event, closed: set[str]) -> None:
        self._wake, self._closed = wake, closed

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Wake up; but not because somebody, as we do ourselves, has only looked."""
        if event.event_type in ("opened", "closed_no_write"):
            return
        if event.event_type in ("closed", "moved"):
            path = str(event.src_path if event.event_type == "closed" else event.dest_path)
            if not path.lower().endswith(UNFINISHED):
                self._closed.add(path)
        self._wake.set()
