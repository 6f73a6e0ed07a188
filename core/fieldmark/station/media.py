"""The pictures themselves, by the SHA-256 of their bytes, through fsspec: a folder, or a bucket by its address."""

from __future__ import annotations

import errno
import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path

import fsspec

from fieldmark.errors import StoreError
from fieldmark.imaging.hashing import file_hash


class Media:
    """Keeps bytes under their own hash; the same picture is kept once."""

    def __init__(self, root: str | Path) -> None:
        """Name a folder, or an address that fsspec knows (s3://bucket/station)."""
        self._fs, self._root = fsspec.core.url_to_fs(str(root))

    def put(self, data: bytes) -> str:
        """Keep bytes, wholly or not at all; gives their SHA-256, hex.

        Raises:
            StoreError: `disk_full` or `read_only`.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        self._keep(sha256, lambda unfinished: self._fs.pipe_file(unfinished, data))
        return sha256

    def put_file(self, file: Path) -> str:
        """Keep a file of any size, a video; as `put`."""
        sha256 = file_hash(file)
        self._keep(sha256, lambda unfinished: self._fs.put_file(str(file), unfinished))
        return sha256

    def _keep(self, sha256: str, write: Callable[[str], object]) -> None:
        path = self._path(sha256)
        if self._fs.exists(path):
            return
        unfinished = f"{path}.{uuid.uuid4().hex}"
        try:
            self._fs.makedirs(self._fs._parent(path), exist_ok=True)
            write(unfinished)
            self._fs.mv(unfinished, path)
        except OSError as exc:
            self._drop(unfinished)
            why = "the disk is full" if exc.errno == errno.ENOSPC else exc.strerror or str(exc)
            raise StoreError(
                f"The picture could not be kept: {why}. It waits, and goes on by itself.", code="disk_full"
            ) from exc

    def get(self, sha256: str) -> bytes:
        """Give the bytes back, checked against their hash, which tells later rot.

        Raises:
            StoreError: `missing`, or `corrupt` where the bytes have changed.
        """
        try:
            data = bytes(self._fs.cat_file(self._path(sha256)))
        except FileNotFoundError as exc:
            raise StoreError(f"The picture {sha256[:12]} is not there any more.", code="missing") from exc
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StoreError(f"The picture {sha256[:12]} has changed on the disk.", code="corrupt")
        return data

    def drop(self, sha256: str) -> None:
        """Remove a picture whose time of keeping is over; its row stays."""
        self._drop(self._path(sha256))

    def _path(self, sha256: str) -> str:
        return f"{self._root}/{sha256[:2]}/{sha256}"

    def _drop(self, path: str) -> None:
        if self._fs.exists(path):
            self._fs.rm_file(path)
