"""Where photos go: the steps of an act, with a free and portable path for every file."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path, PurePosixPath

from fieldmark.catalog.decisions import Decision
from fieldmark.catalog.journal import Step, now
from fieldmark.catalog.schema import PLACES
from fieldmark.labels import UNLABELLED, clean_label, escape_surrogates, folder_name
from fieldmark.names import file_name, folded

IMAGES = "images"
"""Folder for the photos in use, inside a dataset folder."""
WAITING = "unlabelled"
"""Folder for those that wait for a label, beside it."""


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """A photo that is to be added; its bytes lie in the dataset folder already."""

    file: Path
    """In the catalog's `incoming` folder."""
    hash: str
    label: str
    """`labels.UNLABELLED` lets it wait for one."""
    original_name: str
    """Path in the folder or archive it came from."""
    width: int
    height: int
    captured: datetime | None = None
    group: str | None = None
    split: str | None = None
    source: str | None = None
    licence: str | None = None
    author: str | None = None
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A photo as it is before an act."""

    id: int
    path: str
    label_id: int
    status: str
    split: str | None
    original_name: str


class Planner:
    """Plans one act, inside `Journal.writing`; no two files of it are given one place."""

    def __init__(self, connection: sqlite3.Connection, root: Path) -> None:
        """Use the connection that also writes the act down."""
        self._connection, self._root = connection, root
        self._folders: dict[int, str] = {}
        self._taken: set[str] = set()

    def rows(self, photo_ids: Collection[int]) -> list[Row]:
        """Read photos, by id. KeyError names an id that there is not."""
        rows = self._connection.execute(
            """SELECT id, path, label_id, status, split, original_name FROM photo
               WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id""",
            [json.dumps(list(photo_ids))],
        )
        found = [Row(*row) for row in rows]
        missing = set(photo_ids) - {row.id for row in found}
        if missing:
            raise KeyError(min(missing))
        return found

    def added(self, photo: NewPhoto) -> Step:
        """Take a new photo in; before the act, and when it is undone, it counts as trash."""
        label_id, incoming = self.label_id(photo.label), photo.file.relative_to(self._root).as_posix()
        texts = (photo.original_name, photo.source, photo.licence, photo.author, photo.page, photo.group)
        name, source, licence, author, page, group = (text and escape_surrogates(text) for text in texts)
        cursor = self._connection.execute(
            """INSERT INTO photo (sha256, path, path_key, label_id, original_name, source, licence, author, page,
                   captured, site, split, width, height, status, added_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, 'trash', ?)""",
            [photo.hash, incoming, folded(incoming), label_id, name, source, licence, author, page,
             photo.captured and photo.captured.isoformat(), group, photo.width, photo.height, now()],
        )  # fmt: skip
        row = Row(int(cursor.lastrowid or 0), incoming, label_id, "trash", None, name or "")
        return Step(row.id, self._path(row, label_id, "present"), label_id, "present", photo.split)

    def decided(self, row: Row, decision: Decision) -> Step:
        """Do what was decided about a photo."""
        if decision.to is not None:
            return self.relabelled(row, decision.to)
        return self.put(row, "trash" if decision.kind == "delete" else row.status)

    def relabelled(self, row: Row, to: str) -> Step:
        """Give a photo another label; one that is in use moves to the folder of its class."""
        label_id = self.label_id(to)
        moves = row.status == "present" and label_id != row.label_id
        path = self._path(row, label_id, row.status) if moves else row.path
        return Step(row.id, path, label_id, row.status, row.split)

    def put(self, row: Row, status: str) -> Step:
        """Move a photo to where its new status has it."""
        path = row.path if status == row.status else self._path(row, row.label_id, status)
        return Step(row.id, path, row.label_id, status, row.split)

    def on_side(self, row: Row, split: str | None) -> Step:
        """Put a photo on a side of the split."""
        return Step(row.id, row.path, row.label_id, row.status, split)

    def label_id(self, name: str) -> int:
        """Find a label, or make it with a folder of its own; nobody can ask for the one of photos without."""
        name = clean_label(name) if name != UNLABELLED else name
        found = self._connection.execute("SELECT id FROM label WHERE name = ?", [name]).fetchone()
        if found:
            return int(found[0])
        taken = [folder for (folder,) in self._connection.execute("SELECT folder FROM label")]
        cursor = self._connection.execute(
            "INSERT INTO label (name, folder) VALUES (?, ?)", [name, folder_name(name, taken) if name else ""]
        )
        return int(cursor.lastrowid or 0)

    def _path(self, row: Row, label_id: int, status: str) -> str:
        """Find a free path; it is called as it was where it came from."""
        name = file_name(PurePosixPath(row.original_name).name)
        if status != "present":
            return self._free(PLACES[status], f"{row.id}-{name}")
        folder = self._folder(label_id)
        return self._free(f"{IMAGES}/{folder}" if folder else WAITING, name)

    def _folder(self, label_id: int) -> str:
        if label_id not in self._folders:
            query = "SELECT folder FROM label WHERE id = ?"
            (self._folders[label_id],) = self._connection.execute(query, [label_id]).fetchone()
        return self._folders[label_id]

    def _free(self, folder: str, name: str) -> str:
        stem, suffix = os.path.splitext(name)  # noqa: PTH122 - a name, not a path
        numbered = (name if number == 1 else f"{stem}-{number}{suffix}" for number in count(1))
        path = next(f"{folder}/{free}" for free in numbered if self._is_free(f"{folder}/{free}"))
        self._taken.add(folded(path))
        return path

    def _is_free(self, path: str) -> bool:
        key = folded(path)
        return not (
            key in self._taken
            or self._connection.execute("SELECT 1 FROM photo WHERE path_key = ?", [key]).fetchone()
            or os.path.lexists(self._root / path)
        )
