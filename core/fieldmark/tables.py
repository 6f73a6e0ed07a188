"""CSV tables: cells that stay what they are, in a spreadsheet too, and tables read however they were saved."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fieldmark.errors import DatasetError

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet run a cell instead of showing it (OWASP, "CSV Injection")."""
GUARD = "'"

DELIMITERS = ",;\t|"
"""Commas; semicolons where the comma is in numbers; tabs of a copied table; bars."""

MAX_TABLE_BYTES = 200_000_000
"""A million rows with long paths."""

_COPY_AGAIN = "Save it again as “CSV UTF-8”."


def neutral_cell(text: str) -> str:
    """Make a text harmless to spreadsheets; `plain_cell` takes it back, for every text."""
    return GUARD + text if text.startswith((*FORMULA_STARTS, GUARD)) else text


def plain_cell(text: str) -> str:
    """Take back what `neutral_cell` did; a text like '70s that was never made neutral stays as it is."""
    rest = text.removeprefix(GUARD)
    return rest if rest.startswith((*FORMULA_STARTS, GUARD)) else text


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a table."""

    line: int
    """Of the file, where the row ends; the header is line 1."""
    cells: dict[str, str]
    """By the name of the column, in lower case; an empty or missing cell is not there."""


def write_table(path: str | Path, header: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
    """Write a CSV that Excel, too, takes for UTF-8, with every cell neutral; None is an empty cell."""
    with Path(path).open("w", newline="", encoding="utf-8-sig", errors="backslashreplace") as file:
        writer = csv.writer(file)
        writer.writerow(map(neutral_cell, header))
        writer.writerows([neutral_cell(cell or "") for cell in row] for row in rows)


def read_table(path: str | Path, *, needed: Collection[str], name: str | None = None) -> list[TableRow]:
    """Read a CSV with a header, as spreadsheets and programs save them, for importing what it lists.

    UTF-8 (or UTF-16 with its mark) is expected; commas, semicolons, tabs or bars are told apart by the header;
    columns are found by name, in any order and letter case.

    Args:
        path: the file.
        needed: names of columns, in lower case, that must be there.
        name: what errors call it, where that is not the file's name.
    Raises:
        DatasetError: `bad_table`: it cannot be read as such a table; the sentence names file and line.
    """
    path = Path(path)
    name = name or path.name
    text = _read_text(path, name)
    delimiter, header = _header(name, text, needed)
    rows = _rows(name, text, delimiter)
    next(rows)
    found = []
    for line, cells in rows:
        if len(cells) > len(header):
            raise _bad(name, f"line {line} has {len(cells)} cells, and the header has {len(header)}.")
        named = zip(header, map(plain_cell, cells), strict=False)
        found.append(TableRow(line, {column: cell for column, cell in named if cell.strip()}))
    return found


def _read_text(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_TABLE_BYTES + 1)
    except OSError as exc:
        raise _bad(name, f"it cannot be read: {exc.strerror}.", "Check where it is.") from exc
    if len(data) > MAX_TABLE_BYTES:
        raise _bad(name, f"it is larger than {MAX_TABLE_BYTES // 1_000_000} MB.", "Split it.")
    utf_16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise _bad(name, f"line {line} is not UTF-8.") from exc


def _header(name: str, text: str, needed: Collection[str]) -> tuple[str, list[str]]:
    """Find the delimiter with which the first line has the columns that are needed."""
    seen: list[str] = []
    for delimiter in DELIMITERS:
        _, cells = next(_rows(name, text, delimiter), (1, list[str]()))
        header = [plain_cell(cell).strip().lower() for cell in cells]
        if set(needed) <= set(header):
            _check_twice(name, header, needed)
            return delimiter, header
        seen = max(seen, header, key=len)
    columns = " and ".join(map(repr, needed))
    raise _bad(
        name,
        f"its first line was expected to name the columns {columns}; it has {seen[:20]}.",
        "Rename them there.",
    )


def _check_twice(name: str, header: Sequence[str], needed: Collection[str]) -> None:
    twice = [column for column in needed if header.count(column) > 1]
    if twice:
        raise _bad(name, f"the column {twice[0]!r} is there twice.", "Remove or rename one.")


def _rows(name: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Give the rows that are not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as exc:
        raise _bad(name, f"line {reader.line_num} is no row of a CSV ({exc}).") from exc


def _bad(name: str, what: str, todo: str = _COPY_AGAIN) -> DatasetError:
    return DatasetError(f"The table {name!r} cannot be used: {what} {todo}", code="bad_table")
