"""Files on their way into a dataset: written whole beside it, then taken by the catalog or removed."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

from fieldmark.catalog.schema import HIDDEN, Database
from fieldmark.names import folded

LEFT_OVER_S = 86_400.0
"""What an import that was killed left lies for a day, because another process may be at work in the folder."""


class Incoming:
    """Writes files for one import; used in a `with`, it leaves nothing that the catalog did not take."""

    def __init__(self, root: Path) -> None:
        """Name the dataset folder."""
        self._database, self._root = Database(root), root
        self._folder, self._run = root / HIDDEN / "incoming", uuid.uuid4().hex[:12]
        self._written: list[Path] = []

    @property
    def staging(self) -> Path:
        """Folder for unpacking an archive; not made yet."""
        return self._folder / f"{self._run}-unpacked"

    def write(self, data: bytes) -> Path:
        """Write a file that outlasts a power cut; from any thread.

        Raises:
            StoreError: `disk_full` or `read_only`.
        """
        path = self._folder / f"{self._run}-{uuid.uuid4().hex[:12]}"
        self._written.append(path)
        with self._database.explained(), path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return path

    def __enter__(self) -> Incoming:
        """Make the folder, and remove what a killed import left there long ago."""
        with self._database.explained():
            self._folder.mkdir(exist_ok=True)
            old = [path for path in self._folder.iterdir() if _age_s(path) > LEFT_OVER_S]
        self._remove(old)
        return self

    def __exit__(self, *error: object) -> None:
        """Remove what was not taken."""
        self._remove([*(path for path in self._written if path.exists()), self.staging])

    def _remove(self, paths: Iterable[Path]) -> None:
        """Remove all that no photo of the catalog is: an import that was undone lies here too."""
        with self._database.reading() as connection:
            for path in paths:
                key = folded(path.relative_to(self._root).as_posix())
                if connection.execute("SELECT 1 FROM photo WHERE path_key = ?", [key]).fetchone():
                    continue
                shutil.rmtree(path, ignore_errors=True)
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
