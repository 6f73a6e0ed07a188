"""Hugging Face's `imagefolder`: photos beside a metadata.csv or metadata.jsonl that says what they show.

After https://huggingface.co/docs/datasets/image_dataset : the column file_name names the photo, relative to the table;
there may be a table in each of train, validation and test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fieldmark.dataset import SPLIT_FOLDERS, Rejected
from fieldmark.errors import DatasetError
from fieldmark.labels import escape_surrogates
from fieldmark.sources.foreign.listed import find_listed, missing
from fieldmark.sources.source import Candidate, Source
from fieldmark.tables import read_table

TABLES = ("metadata.csv", "metadata.jsonl")
LABELS = ("label", "labels", "class", "category", "text")
"""Columns that may say what a photo shows, the first that is there."""
TOLD = ("licence", "license", "author", "source", "page", "group")


def is_imagefolder(folder: Path) -> bool:
    """Whether a folder has such a table, at its top or in each side of a split."""
    return bool(_tables(folder))


def from_imagefolder(folder: Path) -> Source:
    """List the photos that its tables name.

    Raises:
        DatasetError: `bad_table`.
    """
    candidates: list[Candidate] = []
    rejected: list[Rejected] = []
    for table, split in _tables(folder):
        for row in _rows(table):
            name = row.get("file_name")
            file, label = find_listed(table.parent, name), _label(row)
            if file is None:
                rejected.append(missing(name))
            elif label is None:
                rejected.append(
                    Rejected(Path(str(name)), "no_class", "The table does not say what it shows.")
                )
            else:
                candidates.append(_candidate(row, file, file.relative_to(folder), label, split))
    return Source(tuple(candidates), tuple(rejected), 0)


def _candidate(row: Mapping[str, Any], file: Path, name: Path, label: str, split: str | None) -> Candidate:
    told = {key: str(row[key]) for key in TOLD if row.get(key)}
    return Candidate(
        file, escape_surrogates(name.as_posix()), label, split, told.get("group"), told.get("source"),
        told.get("licence") or told.get("license"), told.get("author"), told.get("page"),
    )  # fmt: skip


def _tables(folder: Path) -> list[tuple[Path, str | None]]:
    top = [folder / name for name in TABLES if (folder / name).is_file()]
    if top:
        return [(top[0], None)]
    sides = sorted(path for path in folder.iterdir() if path.is_dir() and path.name.lower() in SPLIT_FOLDERS)
    found = [
        (side / name, SPLIT_FOLDERS[side.name.lower()])
        for side in sides
        for name in TABLES
        if (side / name).is_file()
    ]
    return [*found]


def _rows(table: Path) -> Iterator[Mapping[str, Any]]:
    if table.suffix == ".csv":
        yield from (row.cells for row in read_table(table, needed=("file_name",)))
        return
    with table.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise DatasetError(
                    f"The table {table.name!r} cannot be used: line {number} is no JSON object. Write it again.",
                    code="bad_table",
                )
            yield row


def _label(row: Mapping[str, Any]) -> str | None:
    said = next((row[key] for key in LABELS if row.get(key) not in (None, "")), None)
    return str(said) if isinstance(said, str | int) else None
