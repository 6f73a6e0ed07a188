"""Looks at many photos, each taken once: what was seen depends on a photo's bytes alone and is kept.

The cache is one SQLite file shared by all processes. Where there can be none, everything works, slower.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from fieldmark.cachefolder import cache_folder
from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.errors import BadImageError
from fieldmark.images import Photo
from fieldmark.imaging.file import read_source
from fieldmark.imaging.looks import TINY_PX, Look, look_at
from fieldmark.parallel import in_threads

VERSION = 1
"""Part of the file's name: raise it when looks are measured differently."""

SAVE_EVERY = 256
"""New looks between two savings: what a killed run loses at most."""
ASKED_FOR = 256
"""Photos that the cache is asked about at once."""

_TABLE = """CREATE TABLE IF NOT EXISTS look (
    sha256 TEXT PRIMARY KEY, format TEXT, width INTEGER, height INTEGER, taken TEXT,
    across BLOB, down BLOB, bright REAL, sharp REAL, tiny BLOB
) WITHOUT ROWID"""


class LookCache:
    """Looks by the SHA-256 of the photo; safe for threads and for several processes."""

    def __init__(self, database: sqlite3.Connection | None) -> None:
        """Keep looks in an open database, or nowhere."""
        self._database, self._lock = database, threading.Lock()
        self._new: list[Look] = []

    def look(self, path: Path) -> Look:
        """Read a photo and give its look; it is decoded only where nobody did before.

        Raises:
            BadImageError: the file is not accepted as a photo.
        """
        data = read_source(path)
        return self.look_of(data, hashlib.sha256(data).hexdigest())

    def look_of(self, data: bytes, digest: str, photo: Photo | None = None) -> Look:
        """As `look`, of bytes that were read, with their SHA-256; and the photo, where they were decoded at LOOK_PX."""
        known = self.known([digest]).get(digest)
        if known is not None:
            return known
        look = look_at(data, photo, digest=digest)
        with self._lock:
            self._new.append(look)
        if len(self._new) >= SAVE_EVERY:
            self.save()
        return look

    def known(self, hashes: Sequence[str]) -> dict[str, Look]:
        """Those of these photos that were seen before, by their SHA-256; for some hundreds at a time."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            if self._database:
                places = ", ".join("?" * len(hashes))
                rows = self._database.execute(f"SELECT * FROM look WHERE sha256 IN ({places})", hashes)
                return {row[0]: _look(*row) for row in rows}
        return {}

    def save(self) -> None:
        """Write what is new; a cache that cannot be written is no fault."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            if self._database:
                with self._database:
                    rows = map(_row, self._new)
                    self._database.executemany(f"INSERT OR IGNORE INTO look VALUES ({'?, ' * 9}?)", rows)
            self._new.clear()


@contextlib.contextmanager
def open_look_cache() -> Iterator[LookCache]:
    """Open the user's cache for one piece of work."""
    database = _connect()
    try:
        cache = LookCache(database)
        try:
            yield cache
        finally:  # what was seen before somebody cancelled is kept
            cache.save()
    finally:
        if database:
            database.close()


def take_looks(
    paths: Sequence[Path],
    hashes: Sequence[str | None] | None = None,
    *,
    step: str = "Looking at photos",
    callback: Callback = silent,
) -> Iterator[Look | BadImageError]:
    """Look at many photos, in order; for a file that is not accepted, its error.

    Args:
        hashes: SHA-256 of each, hex, where they are known: then what was seen before is not read again.
    """
    with open_look_cache() as cache:

        def look_or_error(photo: tuple[Path, Look | None]) -> Look | BadImageError:
            path, known = photo
            try:
                return known or cache.look(path)
            except BadImageError as error:
                return error

        photos = _with_known(cache, paths, hashes) if hashes else ((path, None) for path in paths)
        with contextlib.closing(in_threads(look_or_error, photos)) as results:
            for done, result in enumerate(results, 1):
                callback(Progress(step, done, len(paths)))
                yield result


def _with_known(
    cache: LookCache, paths: Sequence[Path], hashes: Sequence[str | None]
) -> Iterator[tuple[Path, Look | None]]:
    """Each photo with the look that is kept of it, asked for by the hundreds: one by one takes ten times as long."""
    for start in range(0, len(paths), ASKED_FOR):
        some = slice(start, start + ASKED_FOR)
        known = cache.known([photo_hash for photo_hash in hashes[some] if photo_hash])
        for path, photo_hash in zip(paths[some], hashes[some], strict=True):
            yield path, known.get(photo_hash or "")


def _connect() -> sqlite3.Connection | None:
    """Give None on a full or read-only disk, or when the cache is damaged."""
    database = None
    try:
        path = cache_folder() / f"looks-{VERSION}.sqlite"
        database = sqlite3.connect(path, timeout=10, check_same_thread=False)  # LookCache has a lock
        database.execute("PRAGMA synchronous = OFF")  # it can be made again
        database.execute(_TABLE)
    except (OSError, sqlite3.Error):
        if database:
            database.close()
        return None
    return database


def _row(look: Look) -> tuple[object, ...]:
    return (
        look.hash, look.format, look.width, look.height, look.taken and look.taken.isoformat(),
        look.across.to_bytes(8, "big"), look.down.to_bytes(8, "big"), look.bright, look.sharp,
        look.tiny.tobytes(),
    )  # fmt: skip


def _look(
    digest: str, form: str, width: int, height: int, taken: str | None,
    across: bytes, down: bytes, bright: float, sharp: float, tiny: bytes,
) -> Look:  # fmt: skip
    return Look(
        digest, form, width, height, datetime.fromisoformat(taken) if taken else None,
        int.from_bytes(across, "big"), int.from_bytes(down, "big"), bright, sharp,
        np.frombuffer(tiny, np.uint8).reshape(TINY_PX, TINY_PX),
    )  # fmt: skip
