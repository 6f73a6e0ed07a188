"""The label sheet: photos that wait for a label as a table, the most useful first, and the labels back from it.

    rows = sheet_of(project, n=20)
    write_sheet(rows, "next.csv")                            # somebody fills in the column "label"
    taken = take_labels(project.catalog, "next.csv", who="ann")

So labelling goes on without a screen of ours: in a spreadsheet, a script or another labelling program.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fieldmark.callbacks import Callback, silent
from fieldmark.catalog import Catalog
from fieldmark.catalog.journal import Act
from fieldmark.curation.active import MOST_USEFUL
from fieldmark.curation.asking import ask
from fieldmark.errors import DatasetError
from fieldmark.labels import clean_label
from fieldmark.project import Project
from fieldmark.tables import read_table, write_table

COLUMNS = ("id", "path", "name", "suggestion", "probability", "label")
MOST_NAMED = 5
"""Lines that an error names."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A photo that waits for a label."""

    id: int
    """Its number in the dataset, by which its label comes back: the path changes with the label."""
    path: str
    """Relative to the dataset folder, with slashes."""
    name: str
    """What the file was called where it came from."""
    suggestion: str | None
    """The most probable class; None as long as there are not two to choose from."""
    probability: float | None
    """Of the suggestion, 0 … 1."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class LabelsTaken:
    """What came of a sheet."""

    act: Act | None
    """What `Catalog.undo` takes back; None where nothing was changed."""
    labelled: int
    passed_over: tuple[str, ...]
    """Photos that have a label by now, or were deleted, by path: they stay as they are."""
    empty: int
    """Rows in which nobody wrote a label."""


def sheet_of(project: Project, *, n: int = MOST_USEFUL, callback: Callback = silent) -> list[SheetRow]:
    """List the `n` photos whose label would help most now, with what each probably is; changes nothing."""
    asked = ask(project, n=n, callback=callback)
    rows = []
    for photo_id in asked.useful:
        photo, said = asked.photos[photo_id], asked.suggestions.get(photo_id)
        rows.append(SheetRow(
            photo_id, photo.path, Path(photo.original_name).name, said.label if said else None, round(said.prob, 4) if said else None
        ))  # fmt: skip
    return rows


def write_sheet(rows: Iterable[SheetRow], path: str | Path) -> None:
    """Write a CSV with an empty column for the labels."""
    table = (
        [str(row.id), row.path, row.name, row.suggestion, None if row.probability is None else f"{row.probability:.4f}", None]
        for row in rows
    )  # fmt: skip
    write_table(path, COLUMNS, table)


def take_labels(catalog: Catalog, path: str | Path, *, who: str) -> LabelsTaken:
    """Give photos the labels of a CSV with the columns `id` and `label`, as one act; all of it, or nothing.

    A photo that has a label by now keeps it: the sheet may be older than that.

    Raises:
        DatasetError: `bad_table`: it is no such table; `no_photo`: a row names a photo that never was.
    """
    rows = read_table(path, needed=("id", "label"))
    wanted: dict[int, str] = {}
    unknown: list[int] = []
    there = {photo.id: photo for photo in catalog.photos(status=None)}
    for row in rows:
        if not (label := row.cells.get("label", "").strip()):
            continue
        number = row.cells.get("id", "").strip()
        if number.isdecimal() and int(number) in there:
            wanted[int(number)] = clean_label(label)
        else:
            unknown.append(row.line)
    if unknown:
        raise _no_photo(unknown)
    waiting = {
        photo_id: label for photo_id, label in wanted.items() if there[photo_id].status == "unlabelled"
    }
    act = catalog.add([], who=who, why=f"labels from {Path(path).name}", labels=waiting) if waiting else None
    passed_over = tuple(there[photo_id].path for photo_id in wanted if photo_id not in waiting)
    empty = sum(not row.cells.get("label", "").strip() for row in rows)
    return LabelsTaken(act, act.changed if act else 0, passed_over, empty)


def _no_photo(lines: list[int]) -> DatasetError:
    named = ", ".join(map(str, lines[:MOST_NAMED])) + (", …" if len(lines) > MOST_NAMED else "")
    return DatasetError(
        f"No photo of this dataset is meant by “id” in line {named}. Take a sheet of this dataset; nothing was changed.",
        code="no_photo",
    )
