"""Corrections: photos that somebody says were answered wrongly, kept with consent for a person to look at.

One folder: `photos/<sha256>.jpg`, each encoded anew, so that place, time and camera are not in it, and
`corrections.sqlite`, which says what the model answered and what was said instead. Nothing else is kept: no name,
no address, not the file as it came. It has an upper bound, because anybody with the link can add to it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fieldmark.errors import DatasetError, StoreError
from fieldmark.images import encode_display, open_photo
from fieldmark.labels import clean_label, folder_name

PHOTO_PX = 1024
"""Longer side of a kept photo: enough to look at, and to train on."""
MAX_KEPT = 2_000
MAX_MIB = 512.0
MAX_LABEL = 100
"""Characters of what a visitor may call a photo."""

TABLE = """
CREATE TABLE IF NOT EXISTS correction (
  id INTEGER PRIMARY KEY, at TEXT NOT NULL, photo TEXT NOT NULL, bytes INTEGER NOT NULL, answered TEXT NOT NULL,
  prob REAL NOT NULL, verdict TEXT NOT NULL, said TEXT NOT NULL, model TEXT NOT NULL, UNIQUE (photo, said)
)
"""
COLUMNS = "id, at, photo, answered, prob, verdict, said, model"


@dataclass(frozen=True)
class Correction:
    """One photo that was answered otherwise than somebody thinks is right."""

    id: int
    at: str
    """When it was said: ISO 8601, UTC."""
    photo: str
    """SHA-256 of the kept JPEG, hex; its file is `photos/<photo>.jpg`."""
    answered: str
    """The model's label."""
    prob: float
    verdict: str
    said: str
    """What it is, by whoever corrected: not proven, to be looked at."""
    model: str
    """The beginning of the model file's SHA-256; empty where the model has no file."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


class CorrectionStore:
    """The corrections of one folder; several kernels may use it at once."""

    def __init__(self, folder: str | Path, *, max_kept: int = MAX_KEPT, max_mib: float = MAX_MIB) -> None:
        """Use a folder; it is made when the first correction comes."""
        self.folder = Path(folder)
        self._max_kept, self._max_bytes = max_kept, int(max_mib * 2**20)

    def add(
        self, photo: bytes, *, answered: str, prob: float, verdict: str, said: str, model: str = ""
    ) -> Correction:
        """Keep a photo and what it is said to be; the same photo under the same label is kept once.

        Raises:
            BadImageError: it cannot be read.
            DatasetError: the label is empty or too long.
            StoreError: `full`, or it cannot be written.
        """
        label = _checked_label(said)
        jpeg = encode_display(open_photo(photo, need_px=PHOTO_PX).image, max_px=PHOTO_PX)
        digest = hashlib.sha256(jpeg).hexdigest()
        at = datetime.now(UTC).isoformat(timespec="seconds")
        row = (at, digest, len(jpeg), answered, float(prob), verdict, label, model)
        with self._writing() as database:
            self._check_room(database, len(jpeg))
            self._write_photo(digest, jpeg)
            database.execute(
                "INSERT OR IGNORE INTO correction (at, photo, bytes, answered, prob, verdict, said, model) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            found = database.execute(
                f"SELECT {COLUMNS} FROM correction WHERE photo = ? AND said = ?", (digest, label)
            ).fetchone()
        return Correction(*found)

    def remove(self, correction_id: int) -> None:
        """Take a correction back; its photo goes too, where no other correction shows it."""
        with self._writing() as database:
            found = database.execute("SELECT photo FROM correction WHERE id = ?", (correction_id,)).fetchone()
            database.execute("DELETE FROM correction WHERE id = ?", (correction_id,))
            if found and not database.execute("SELECT 1 FROM correction WHERE photo = ?", found).fetchone():
                self.photo_path(found[0]).unlink(missing_ok=True)

    def list(self) -> list[Correction]:
        """Every correction, the oldest first; none where nothing was kept yet."""
        if not self._database_path.is_file():
            return []
        with self._writing() as database:
            return [
                Correction(*row) for row in database.execute(f"SELECT {COLUMNS} FROM correction ORDER BY id")
            ]

    def export(self, target: Path) -> int:
        """Copy the photos to a folder for each label that was said, to be looked at, imported and trained on.

        Returns:
            How many photos are there now.
        Raises:
            DatasetError: the folder has something in it.
        """
        if target.exists() and any(target.iterdir()):
            raise DatasetError(f"{target} is not empty. Name a folder that is new.", code="not_empty")
        folders: dict[str, str] = {}
        corrections = [each for each in self.list() if self.photo_path(each.photo).is_file()]
        for each in corrections:
            if each.said not in folders:
                folders[each.said] = folder_name(each.said, folders.values())
            place = target / folders[each.said]
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{each.photo[:16]}.jpg").write_bytes(self.photo_path(each.photo).read_bytes())
        return len(corrections)

    def photo_path(self, digest: str) -> Path:
        """Where the photo of a correction lies."""
        return self.folder / "photos" / f"{digest}.jpg"

    @property
    def _database_path(self) -> Path:
        return self.folder / "corrections.sqlite"

    def _check_room(self, database: sqlite3.Connection, size: int) -> None:
        kept, held = database.execute("SELECT count(*), coalesce(sum(bytes), 0) FROM correction").fetchone()
        if kept >= self._max_kept or held + size > self._max_bytes:
            raise StoreError(
                f"No more corrections can be kept here: {kept} are waiting to be looked at. Whoever runs this page "
                "has to review them first (fieldmark corrections).",
                code="full",
            )

    def _write_photo(self, digest: str, jpeg: bytes) -> None:
        """Wholly or not at all: a row never points to half a file."""
        path = self.photo_path(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{digest}.{os.getpid()}")
        unfinished.write_bytes(jpeg)
        unfinished.replace(path)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, as the only writer."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(self._database_path, timeout=10, isolation_level=None)
            with contextlib.closing(database):
                database.execute(TABLE)
                database.execute("BEGIN IMMEDIATE")
                yield database
                database.execute("COMMIT")
        except (OSError, sqlite3.Error) as exc:
            raise StoreError(
                f"The corrections in {self.folder.name} cannot be read or written ({exc}). Check the folder's "
                "permissions and the space on its disk."
            ) from exc


def _checked_label(said: str) -> str:
    label = clean_label(said.strip())
    if len(label) > MAX_LABEL:
        raise DatasetError(
            f"The name has {len(label)} characters; at most {MAX_LABEL} are kept.", code="long_label"
        )
    return label
