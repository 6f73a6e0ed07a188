"""Tables: cells stay what they are, run nothing, and are read however they were saved (FAULTS A25)."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldmark.errors import DatasetError
from fieldmark.tables import neutral_cell, plain_cell, read_table, write_table

NAUGHTY: list[str] = json.loads((Path(__file__).parents[1] / "data" / "blns.json").read_text("utf-8"))
NEEDED = ("path", "label")


def read(path: Path, text: str | bytes) -> list[dict[str, str]]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [row.cells for row in read_table(path, needed=NEEDED)]


def refused(path: Path, text: str | bytes) -> str:
    with pytest.raises(DatasetError, match=path.name) as caught:
        read(path, text)
    assert caught.value.code == "bad_table"
    return str(caught.value)


@given(st.text())
def test_a_cell_made_neutral_comes_back_unchanged(text: str) -> None:
    assert plain_cell(neutral_cell(text)) == text


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "=cmd|' /C calc'!A0"]
)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert neutral_cell(text) == "'" + text


def test_a_cell_that_nobody_made_neutral_keeps_its_quote() -> None:
    assert plain_cell("'70s") == "'70s"


def test_all_naughty_strings_come_back_from_a_table_and_none_is_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "naughty.csv"
    write_table(path, NEEDED, [[f"{n}.jpg", text] for n, text in enumerate(NAUGHTY)])
    rows = read_table(path, needed=NEEDED)
    kept = {row.cells["path"]: row.cells.get("label") for row in rows}
    assert kept == {f"{n}.jpg": text if text.strip() else None for n, text in enumerate(NAUGHTY)}
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_read_however_a_spreadsheet_saved_it(
    delimiter: str, encoding: str, tmp_path: Path
) -> None:
    lines = [
        ["Label", " PATH ", "note"],
        ["bär", "a.jpg", "x"],
        ["", "", ""],
        ['two\nlines, "quoted"; |', "b.jpg", ""],
    ]
    with (tmp_path / "table.csv").open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(lines)
    rows = read_table(tmp_path / "table.csv", needed=NEEDED)
    assert [row.cells for row in rows] == [
        {"label": "bär", "path": "a.jpg", "note": "x"},
        {},
        {"label": 'two\nlines, "quoted"; |', "path": "b.jpg"},
    ]
    assert [row.line for row in rows] == [2, 3, 5]


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path / "t.csv", "path,label\n\na.jpg,cat\n\n\n") == [{"path": "a.jpg", "label": "cat"}]


def test_a_missing_column_is_said_with_what_was_found(tmp_path: Path) -> None:
    message = refused(tmp_path / "t.csv", "file;class\na.jpg;cat\n")
    assert "'path' and 'label'" in message
    assert "['file', 'class']" in message


def test_an_empty_table_is_refused(tmp_path: Path) -> None:
    assert "first line" in refused(tmp_path / "t.csv", "")


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    assert "'label' is there twice" in refused(tmp_path / "t.csv", "path,label,LABEL\na,b,c\n")


def test_too_many_cells_are_said_with_their_line(tmp_path: Path) -> None:
    assert "line 3 has 3 cells" in refused(tmp_path / "t.csv", "path,label\na.jpg,cat\nb.jpg,cat,dog\n")


def test_a_quote_that_is_never_closed_is_refused_instead_of_swallowing_the_rest(tmp_path: Path) -> None:
    assert "no row of a CSV" in refused(tmp_path / "t.csv", 'path,label\n"a.jpg,cat\nb.jpg,cat\n')


def test_text_that_is_not_utf_8_is_said_with_its_line(tmp_path: Path) -> None:
    assert "line 2 is not UTF-8" in refused(tmp_path / "t.csv", "path,label\na.jpg,bär\n".encode("latin-1"))


def test_a_photo_called_csv_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "photo.csv", b"\xff\xd8\xff\xe0" + bytes(range(256)))


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"gone\.csv.*cannot be read"):
        read_table(tmp_path / "gone.csv", needed=NEEDED)
