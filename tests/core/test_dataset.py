"""A folder of photos as the items that training sees."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path

import pytest

from core.catalogs import make_catalog
from fieldmark.catalog import Catalog
from fieldmark.catalog.planning import NewPhoto
from fieldmark.dataset import Dataset, read_dataset
from fieldmark.errors import DatasetError, EmptyDatasetError, StoreError
from fieldmark.imaging.hashing import file_hash


def put(root: Path, *names: str) -> Path:
    """Files that are opened by nobody yet; each with bytes of its own."""
    root.mkdir(exist_ok=True)
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(os.fsencode(name))
    return root


def known(dataset: Dataset) -> dict[str, tuple[str, str | None]]:
    return {
        item.path.relative_to(dataset.root).as_posix(): (item.label, item.split) for item in dataset.items
    }


# --- Plain folders ------------------------------------------------------------------------------------------


def test_the_folder_a_photo_lies_in_is_its_label(tmp_path: Path) -> None:
    dataset = read_dataset(put(tmp_path, "cat/1.jpg", "cat/2.jpg", "wild/black bear/1.jpg"))
    assert known(dataset) == {
        "cat/1.jpg": ("cat", None), "cat/2.jpg": ("cat", None), "wild/black bear/1.jpg": ("black bear", None)
    }  # fmt: skip
    assert dataset.vocab == ("black bear", "cat")
    assert dataset.counts() == {"black bear": 1, "cat": 2}
    assert not dataset.split_given
    assert dataset.items[0].hash == hashlib.sha256(b"cat/1.jpg").hexdigest()


@pytest.mark.parametrize(("valid", "test"), [("val", "test"), ("valid", "Testing"), ("Validation", "TEST")])
def test_top_folders_called_train_valid_and_test_are_the_split(tmp_path: Path, valid: str, test: str) -> None:
    names = [f"{side}/{label}/1.jpg" for side in ("train", valid, test) for label in ("cat", "dog")]
    dataset = read_dataset(put(tmp_path, *names))
    assert dataset.vocab == ("cat", "dog")
    assert dataset.split_given
    assert {item.path.parts[-3]: item.split for item in dataset.items} == {
        "train": "train", valid: "valid", test: "test"
    }  # fmt: skip


def test_a_stray_photo_does_not_make_the_split_be_forgotten(tmp_path: Path) -> None:
    names = ("train/cat/1.jpg", "train/dog/1.jpg", "val/cat/1.jpg", "cover.jpg", "test/unlabelled.jpg")
    dataset = read_dataset(put(tmp_path, *names))
    assert dataset.vocab == ("cat", "dog")
    assert [item.split for item in dataset.items] == ["train", "train", "valid"]
    assert [(r.path.name, r.code) for r in dataset.rejected] == [
        ("cover.jpg", "no_class"), ("unlabelled.jpg", "no_class")
    ]  # fmt: skip


def test_a_class_called_train_among_others_is_a_class(tmp_path: Path) -> None:
    dataset = read_dataset(put(tmp_path, "train/1.jpg", "bus/1.jpg", "tram/1.jpg"))
    assert dataset.vocab == ("bus", "train", "tram")
    assert not dataset.split_given


def test_the_sides_of_a_split_are_no_classes(tmp_path: Path) -> None:
    with pytest.raises(EmptyDatasetError, match="lie in no class folder"):
        read_dataset(put(tmp_path, "train/1.jpg", "val/1.jpg"))


def test_what_is_no_photo_by_name_is_no_item_and_leftovers_are_counted(tmp_path: Path) -> None:
    dataset = read_dataset(
        put(tmp_path, "cat/1.jpg", "dog/1.jpg", "cat/notes.txt", "cat/.DS_Store", "dog/Thumbs.db")
    )
    assert len(dataset.items) == 2
    assert (dataset.rejected, dataset.skipped) == ((), 2)


def test_reading_a_plain_folder_writes_nothing(tmp_path: Path) -> None:
    put(tmp_path, "cat/1.jpg", "dog/1.jpg")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path, *tmp_path.rglob("*"))}
    read_dataset(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path, *tmp_path.rglob("*"))} == before


def test_a_folder_name_that_is_not_utf_8_is_a_label_that_can_be_written(tmp_path: Path) -> None:
    try:
        put(tmp_path, "b\udcffr/1.jpg", "dog/1.jpg")
    except OSError:
        pytest.skip("this disk takes no such name")
    assert read_dataset(tmp_path).vocab == (r"b\udcffr", "dog")


# --- Dataset folders ----------------------------------------------------------------------------------------


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Three photos: ids 1 and 2 of class a/b, 3 of class dog with a site and a time."""
    catalog = make_catalog(tmp_path / "dataset", {"1.jpg": "a/b", "2.jpg": "a/b"})
    file = catalog.incoming / "3.jpg"
    file.write_bytes(b"third")
    taken = datetime(2024, 5, 1, 12, 30)
    third = NewPhoto(
        file, file_hash(file), "dog", "3.jpg", 4, 3, captured=taken, group="north", split="valid"
    )
    catalog.add([third], who="test", why="set-up")
    return catalog


def test_a_dataset_tells_label_split_group_and_time_of_each_photo(catalog: Catalog) -> None:
    dataset = read_dataset(catalog.root)
    assert dataset.vocab == ("a/b", "dog")
    assert (dataset.rejected, dataset.split_given) == ((), True)
    third = next(item for item in dataset.items if item.label == "dog")
    assert (third.split, third.group, third.taken) == ("valid", "north", datetime(2024, 5, 1, 12, 30))
    assert {item.label: item.split for item in dataset.items} == {"a/b": None, "dog": "valid"}
    assert all(file_hash(item.path) == item.hash for item in dataset.items)


def test_sides_that_are_set_later_are_honoured(catalog: Catalog) -> None:
    catalog.set_split([1], "test", who="test")
    assert sorted(item.split or "" for item in read_dataset(catalog.root).items) == ["", "test", "valid"]


def test_photos_put_aside_or_thrown_away_are_no_items(catalog: Catalog) -> None:
    catalog.quarantine([1], who="test")
    assert len(read_dataset(catalog.root).items) == 2
    catalog.delete([2], who="test")
    with pytest.raises(EmptyDatasetError, match="of one class, 'dog'"):
        read_dataset(catalog.root)
    assert read_dataset(catalog.root, min_classes=1).vocab == ("dog",)


def test_a_dataset_with_a_damaged_catalog_is_not_read_as_a_plain_folder(catalog: Catalog) -> None:
    (catalog.root / ".fieldmark" / "catalog.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError):
        read_dataset(catalog.root)


# --- Sentences ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "code", "sentence"),
    [
        ((), "no_photos", "There are no photos in"),
        (("notes.txt",), "no_photos", "There are no photos in"),
        (("1.jpg", "2.jpg"), "no_classes", "lie in no class folder. A folder for each class was expected"),
        (("cat/1.jpg", "cat/2.jpg"), "few_classes", "All 2 photos in .* are of one class, 'cat'"),
    ],
)
def test_a_folder_that_cannot_be_trained_on_gets_a_sentence(
    tmp_path: Path, names: tuple[str, ...], code: str, sentence: str
) -> None:
    with pytest.raises(EmptyDatasetError, match=sentence) as caught:
        read_dataset(put(tmp_path / "photos", *names))
    assert caught.value.code == code


def test_a_folder_that_is_missing_or_a_file_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="There is no folder"):
        read_dataset(tmp_path / "nowhere")
    (tmp_path / "photos.zip").write_bytes(b"PK")
    with pytest.raises(DatasetError, match="is a file, and a folder was expected"):
        read_dataset(tmp_path / "photos.zip")


def test_one_class_is_enough_for_who_asks_for_no_more(tmp_path: Path) -> None:
    assert read_dataset(put(tmp_path, "cat/1.jpg"), min_classes=1).vocab == ("cat",)
