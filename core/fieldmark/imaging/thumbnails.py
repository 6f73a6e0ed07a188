"""Thumbnails: small pictures of many photos for galleries, made once and kept by the photo's bytes.

Each is encoded anew without metadata, so nothing of the file but what is seen reaches a page. The cache is one
SQLite file shared by all processes. Where there can be none, everything works, slower.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from fieldmark.cachefolder import cache_folder
from fieldmark.errors import BadImageError
from fieldmark.images import encode_display, open_photo
from fieldmark.imaging.file import read_source
from fieldmark.imaging.resize import ResizeRule, fit_photo
from fieldmark.parallel import in_threads

THUMB_PX = 224
"""Side of a thumbnail: crisp at 112 points on a phone's screen."""
WHOLE_PX = 1600
"""Longer side of a photo that is shown whole."""
QUALITY = 80
VERSION = 1
"""Part of the file's name: raise it when thumbnails are made differently."""
MAX_KEPT = 100_000
"""Thumbnails in the cache, 8 KB each; the oldest make room."""

Wanted = tuple[Path, str]
"""A photo's file and the SHA-256 of its bytes, hex; empty where nobody knows it yet."""


def make_thumbnails(photos: Sequence[Wanted]) -> Iterator[bytes | BadImageError]:
    """Give a JPEG of THUMB_PX × THUMB_PX of each photo's middle, in order, or why there is none."""
    with _open_cache() as cache:
        yield from in_threads(cache.thumbnail, photos)


def make_whole(file: Path) -> bytes | BadImageError:
    """Give a photo with nothing cut off, as a JPEG of at most WHOLE_PX on its longer side, or why there is none."""
    try:
        return encode_display(open_photo(file, need_px=WHOLE_PX).image, max_px=WHOLE_PX)
    except BadImageError as error:
        return error


def thumbnail(image: Image.Image) -> bytes:
    """Cut the middle of an upright RGB photo to a small square JPEG without metadata."""
    square = Image.fromarray(fit_photo(image, ResizeRule(THUMB_PX)))
    file = io.BytesIO()
    square.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


class _Cache:
    """Thumbnails by the SHA-256 of the photo; safe for threads and for several processes."""

    def __init__(self, database: sqlite3.Connection | None) -> None:
        self._database, self._lock = database, threading.Lock()

    def thumbnail(self, wanted: Wanted) -> bytes | BadImageError:
        """Give a kept thumbnail, or make and keep it."""
        file, photo_hash = wanted
        try:
            source: Path | bytes = file
            if not photo_hash:
                source = read_source(file)
                photo_hash = hashlib.sha256(source).hexdigest()
            if kept := self._get(photo_hash):
                return kept
            made = thumbnail(open_photo(source, need_px=THUMB_PX).image)
        except BadImageError as error:
            return error
        self._keep(photo_hash, made)
        return made

    def _get(self, photo_hash: str) -> bytes | None:
        with self._lock, contextlib.suppress(sqlite3.Error):
            if self._database:
                query = "SELECT jpeg FROM thumbnail WHERE sha256 = ?"
                found = self._database.execute(query, [photo_hash]).fetchone()
                return bytes(found[0]) if found else None
        return None

    def _keep(self, photo_hash: str, jpeg: bytes) -> None:
        """A cache that cannot be written is no fault."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            if self._database:
                insert = "INSERT OR IGNORE INTO thumbnail (sha256, jpeg) VALUES (?, ?)"
                self._database.execute(insert, [photo_hash, jpeg])

    def prune(self) -> None:
        """Save, and let the oldest go where there are too many."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            if self._database:
                oldest = "DELETE FROM thumbnail WHERE id <= (SELECT max(id) FROM thumbnail) - ?"
                self._database.execute(oldest, [MAX_KEPT])
                self._database.commit()


@contextlib.contextmanager
def _open_cache() -> Iterator[_Cache]:
    database = _connect()
    cache = _Cache(database)
    try:
        yield cache
    finally:
        cache.prune()
        if database:
            database.close()


def _connect() -> sqlite3.Connection | None:
    """Give None on a full or read-only disk, or when the cache is damaged."""
    database = None
    try:
        path = cache_folder() / f"thumbnails-{VERSION}.sqlite"
        database = sqlite3.connect(path, timeout=10, check_same_thread=False)  # _Cache has a lock
        database.execute("PRAGMA synchronous = OFF")  # it can be made again
        database.execute(
            "CREATE TABLE IF NOT EXISTS thumbnail "
            "(id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, jpeg BLOB NOT NULL)"
        )
    except (OSError, sqlite3.Error):
        if database:
            database.close()
        return None
    return database
