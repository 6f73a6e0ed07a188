"""Labels are data: unchanged through create, rename, export and import, and none runs (FAULTS A25)."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest

from core.photos import make_pets, photo, write, zipped
from fieldmark.catalog import Catalog
from fieldmark.curation.exporting import export_folder
from fieldmark.errors import DatasetError, EmptyDatasetError
from fieldmark.importing import import_photos
from fieldmark.sources.source import EXPORT_COLUMNS

NAUGHTY: list[str] = json.loads((Path(__file__).parents[2] / "data" / "blns.json").read_text("utf-8"))

HARD = [
    "..", "a/b", "x" * 300, "🐻", "<script>alert(1)</script>", "'; DROP TABLE photo; --", "=cmd|' /C calc'!A0",
    "nan", "Bear", "bear", "BEAR", "con", "NUL.txt", " lead", "trail ", "'quoted", "a\nb", "a\tb", "-1", "\x00nul",
]  # fmt: skip


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two classes of two photos."""
    return make_pets(tmp_path)


def test_every_hard_label_makes_the_whole_round_trip(tmp_path: Path) -> None:
    """Create, rename, export, import of folder, table and zip: unchanged, and every class a folder of its own."""
    labels = list(dict.fromkeys(label for label in [*NAUGHTY, *HARD] if label.strip()))
    catalog = Catalog.create(tmp_path / "set")
    for number in range(len(labels)):
        write(tmp_path / "src" / f"{number}.png", photo(number))
    import_photos(tmp_path / "src", catalog, who="ann", labels=lambda path: f"class {path.stem}")
    for number, label in enumerate(labels):
        catalog.rename_label(f"class {number}", label, who="ann")
    assert {p.original_name: p.label for p in catalog.photos()} == {
        f"{number}.png": label for number, label in enumerate(labels)
    }
    folders = {Path(p.path).parent for p in catalog.photos()}
    assert len(folders) == len(labels)
    assert all(len(folder.parts) == 2 for folder in folders)
    assert all(
        catalog.file_of(p).resolve().is_relative_to(tmp_path / "set" / "images") for p in catalog.photos()
    )

    assert export_folder(catalog, tmp_path / "out").exported == len(labels)
    by_hash = {p.hash: p.label for p in catalog.photos()}
    zipped(tmp_path / "out", tmp_path / "out.zip", "out/")
    for number, source in enumerate(["out", "out/labels.csv", "out.zip"]):
        report = import_photos(tmp_path / source, tmp_path / f"again{number}", who="bob")
        assert report.rejected == ()
        assert {p.hash: p.label for p in Catalog.open(tmp_path / f"again{number}").photos()} == by_hash


def test_a_table_inside_of_an_archive_reaches_nothing_outside_of_it(tmp_path: Path) -> None:
    write(tmp_path / "secret.png", photo(1))
    header = ",".join(EXPORT_COLUMNS)
    with zipfile.ZipFile(tmp_path / "sly.zip", "w") as archive:
        archive.writestr("x/labels.csv", f"{header}\n../secret.png,a\n{tmp_path}/secret.png,a\ncat/1.png,a\n")
        archive.writestr("x/cat/1.png", photo(2))
    report = import_photos(tmp_path / "sly.zip", tmp_path / "set", who="ann")
    assert report.added == 1
    assert [r.code for r in report.rejected] == ["missing", "missing"]


def test_a_damaged_table_inside_of_an_archive_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("x/labels.csv", ",".join(EXPORT_COLUMNS) + '\n"cat/1.png,a\n')
    with pytest.raises(DatasetError, match=r"'x/labels\.csv'"):
        import_photos(tmp_path / "bad.zip", tmp_path / "set", who="ann")
    assert not (tmp_path / "set").exists()


def test_no_label_of_an_export_is_a_formula(tmp_path: Path) -> None:
    write(tmp_path / "src" / "1.png", photo(1))
    import_photos(tmp_path / "src", tmp_path / "set", who="=ann", labels=lambda path: "=1+1")
    export_folder(Catalog.open(tmp_path / "set"), tmp_path / "out")
    text = (tmp_path / "out" / "labels.csv").read_text("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["label"] == "'=1+1"


def test_an_export_tells_of_photos_that_have_rotted_or_vanished(pets: Path, tmp_path: Path) -> None:
    import_photos(pets, tmp_path / "set", who="ann")
    catalog = Catalog.open(tmp_path / "set")
    first, second, *_ = catalog.photos()
    catalog.file_of(first).write_bytes(b"rotten")
    catalog.file_of(second).unlink()
    export = export_folder(catalog, tmp_path / "out")
    assert export.exported == 2
    assert [(r.path.as_posix(), r.code) for r in export.failed] == [
        ("images/cat/1.png", "changed"), ("images/cat/2.png", "unreadable"),
    ]  # fmt: skip


def test_an_export_goes_only_into_a_new_folder(pets: Path, tmp_path: Path) -> None:
    import_photos(pets, tmp_path / "set", who="ann")
    with pytest.raises(DatasetError, match="not empty"):
        export_folder(Catalog.open(tmp_path / "set"), pets)


def test_an_empty_label_is_refused(tmp_path: Path) -> None:
    catalog = Catalog.create(tmp_path / "set")
    for label in (text for text in NAUGHTY if not text.strip()):
        with pytest.raises(DatasetError, match="label is empty"):
            catalog.add_label(label)


def test_nothing_to_import_is_an_empty_dataset_error(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    with pytest.raises(EmptyDatasetError):
        import_photos(tmp_path / "src", tmp_path / "set", who="ann")
