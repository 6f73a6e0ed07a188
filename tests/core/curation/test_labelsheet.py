"""Labelling without a screen: what to label next as a table, and the labels back from it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fieldmark.catalog import Catalog
from fieldmark.cli.main import cli
from fieldmark.curation.labelsheet import take_labels
from fieldmark.errors import DatasetError
from fieldmark.importing import import_photos
from fieldmark.sources.sample import sample_photos
from fieldmark.tables import write_table


@pytest.fixture
def stones(tmp_path: Path) -> Catalog:
    """Three bricks and three patches of grass with their label, and two of each without."""
    source, numbers = tmp_path / "src", {"brick": 0, "grass": 0}
    for label in numbers:
        (source / label).mkdir(parents=True)
    for sample in sample_photos(mislabelled=False):
        if numbers.get(sample.label, 5) < 5:
            numbers[sample.label] = n = numbers[sample.label] + 1
            sample.image.save(source / (sample.label if n <= 3 else "") / f"{sample.label}-{n}.png")
    import_photos(tmp_path / "src", tmp_path / "set", who="ann", keep_unlabelled=True)
    return Catalog.open(tmp_path / "set")


def said(*arguments: str | Path, code: int = 0) -> str:
    done = CliRunner().invoke(cli, ["label", *map(str, arguments)])
    assert done.exit_code == code, done.output
    return done.stdout


def test_a_sheet_says_what_each_photo_probably_is_and_brings_the_labels_back_as_one_act(
    stones: Catalog, tmp_path: Path
) -> None:
    sheet = tmp_path / "next.csv"
    told = json.loads(said(stones.root, "--n", "3", "--csv", sheet, "--json"))
    assert told["waiting"] == 4
    assert [photo["suggestion"] for photo in told["photos"]] == [
        photo["name"].partition("-")[0] for photo in told["photos"]
    ]
    assert all(0.5 <= photo["probability"] <= 1 for photo in told["photos"])
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["id"]) for row in rows] == [photo["id"] for photo in told["photos"]]
    rows[0]["label"], rows[1]["label"] = rows[0]["suggestion"], "=moss"
    write_table(sheet, list(rows[0]), [list(row.values()) for row in rows])

    taken = json.loads(said(stones.root, "--from", sheet, "--json"))
    assert (taken["labelled"], taken["empty"], taken["waiting"]) == (2, 1, 2)
    assert stones.photo(int(rows[0]["id"])).label == rows[0]["suggestion"]
    assert stones.photo(int(rows[1]["id"])).label == "=moss"
    again = json.loads(said(stones.root, "--from", sheet, "--json"))  # an older sheet takes nothing back
    assert (again["labelled"], len(again["passed_over"]), again["act"]) == (0, 2, None)
    stones.undo(who="ann")
    assert stones.n_unlabelled() == 4


def test_without_two_classes_the_most_varied_photos_are_listed_and_nothing_is_suggested(
    stones: Catalog,
) -> None:
    stones.delete([photo.id for photo in stones.photos(label="grass")], who="ann")
    told = json.loads(said(stones.root, "--n", "2", "--json"))
    assert len(told["photos"]) == 2
    assert {photo["suggestion"] for photo in told["photos"]} == {None}
    assert "4 photos wait for a label" in said(stones.root, "--n", "2")


@pytest.mark.parametrize(
    ("rows", "code", "why"),
    [
        ([["999999", "brick"]], "no_photo", "in line 2"),
        ([["brick-4.png", "brick"]], "no_photo", "nothing was changed"),
        ([["1", "nan"], ["²", "brick"]], "no_photo", "in line 3"),
    ],
)
def test_a_sheet_that_does_not_fit_changes_nothing(
    stones: Catalog, tmp_path: Path, rows: list[list[str]], code: str, why: str
) -> None:
    sheet = tmp_path / "odd.csv"
    write_table(sheet, ["id", "label"], rows)
    with pytest.raises(DatasetError, match=why) as caught:
        take_labels(stones, sheet, who="ann")
    assert caught.value.code == code
    assert len(stones.acts()) == 1


def test_a_table_of_something_else_is_a_sentence_of_the_command(stones: Catalog, tmp_path: Path) -> None:
    write_table(tmp_path / "odd.csv", ["file", "label"], [["1", "brick"]])
    told = json.loads(said(stones.root, "--from", tmp_path / "odd.csv", "--json", code=1))
    assert told["error"]["code"] == "bad_table"
