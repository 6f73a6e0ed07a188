"""Splits that somebody else decided."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldmark.dataset import Dataset, Item
from fieldmark.errors import DatasetError
from fieldmark.splitfile import given_split, read_split, write_split
from fieldmark.splits import Split

ROOT = Path("photos")


def dataset(*splits: str | None, same: dict[int, int] | None = None) -> Dataset:
    """A photo for each split; `same` says which has the bytes of which other."""
    hashes = {place: (same or {}).get(place, place) for place in range(len(splits))}
    items = tuple(
        Item(ROOT / "ab"[place % 2] / f"{place}.jpg", "ab"[place % 2], f"{hashes[place]:064x}", split)
        for place, split in enumerate(splits)
    )
    return Dataset(ROOT, items, ("a", "b"))


def write(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


# --- split.json ---------------------------------------------------------------------------------------------


def test_a_split_that_was_written_is_read_again(tmp_path: Path) -> None:
    photos = dataset(*[None] * 6)
    split = Split((0, 3, 4), (1, 5), (2,))
    write_split(tmp_path / "split.json", photos, split)
    assert read_split(tmp_path / "split.json", photos) == split


def test_photos_that_a_split_file_does_not_list_are_left_out(tmp_path: Path) -> None:
    file = write(tmp_path / "split.json", {"train": ["a/0.jpg"], "valid": ["b/1.jpg"]})
    assert read_split(file, dataset(None, None, None)) == Split((0,), (1,))


def test_all_faults_of_a_split_file_are_told_at_once(tmp_path: Path) -> None:
    listed = {"train": ["a/0.jpg", "a/0.jpg", *(f"no/{n}.jpg" for n in range(7))], "valid": []}
    with pytest.raises(DatasetError) as caught:
        read_split(write(tmp_path / "split.json", listed), dataset(None, None))
    said = str(caught.value)
    assert "has no 'no/0.jpg', 'no/1.jpg', 'no/2.jpg', 'no/3.jpg', 'no/4.jpg' and 2 more" in said
    assert "more than once: 'a/0.jpg'" in said
    assert "no photo under 'valid'" in said


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"train": ["a/0.jpg"]}', '{"train": "a/0.jpg", "valid": []}', '{"train": [1], "valid": []}',
     '{"train": [], "valid": [], "other": []}', "[" * 100_000],
)  # fmt: skip
def test_what_is_no_split_file_gets_a_sentence(tmp_path: Path, content: str) -> None:
    with pytest.raises(DatasetError, match=r"split\.json (is not JSON|was expected to be)") as caught:
        read_split(write(tmp_path / "split.json", content), dataset(None, None))
    assert caught.value.code == "bad_split"


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_split_file_that_cannot_be_read_gets_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        read_split(tmp_path / name, dataset(None, None))


def test_a_split_file_with_bytes_that_are_no_text_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "split.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(DatasetError, match="is not JSON"):
        read_split(tmp_path / "split.json", dataset(None, None))


def test_a_split_file_that_parts_copies_is_taken_and_said_to_flatter(tmp_path: Path) -> None:
    file = write(tmp_path / "split.json", {"train": ["a/0.jpg"], "valid": ["b/1.jpg", "a/2.jpg"]})
    assert read_split(file, dataset(None, None, None)).notes == ()
    (note,) = read_split(file, dataset(None, None, None, same={1: 0})).notes
    assert "1 group of photos that belong together on two sides" in note
    assert len(read_split(file, dataset(None, None, None), groups=[(0, 2)]).notes) == 1


# --- The dataset's own sides --------------------------------------------------------------------------------


def test_the_sides_that_a_dataset_gives_are_taken() -> None:
    split = given_split(dataset("train", "valid", "test", None, "valid"))
    assert (split.train, split.valid, split.test) == ((0, 3), (1, 4), (2,))


def test_without_a_valid_side_the_test_side_judges_and_that_is_said() -> None:
    split = given_split(dataset("train", "test", "train"))
    assert (split.train, split.valid, split.test) == ((0, 2), (1,), ())
    assert "the test photos are what the model is judged on" in split.notes[0]


def test_a_side_that_stays_empty_gets_a_sentence() -> None:
    with pytest.raises(DatasetError, match="0 photos to train on and 2 to judge by"):
        given_split(dataset("valid", "valid"))


SIDES = st.lists(st.sampled_from(["train", "valid", "test", None]), min_size=2, max_size=20)


@given(SIDES, st.data())
def test_given_sides_stand_and_no_open_photo_is_learned_that_belongs_to_a_held_out_one(
    sides: list[str | None], draw: st.DataObject
) -> None:
    sides = ["train", "valid", *sides]
    places = st.integers(0, len(sides) - 1)
    groups = draw.draw(st.lists(st.tuples(places, places), max_size=6))
    split = given_split(dataset(*sides), groups)
    assert sorted((*split.train, *split.valid, *split.test)) == list(range(len(sides)))
    side_of = dict.fromkeys(split.train, "train") | dict.fromkeys(split.valid, "valid")
    side_of |= dict.fromkeys(split.test, "test")
    assert all(side_of[place] == side for place, side in enumerate(sides) if side)
    for pair in groups:
        held_out = {sides[place] for place in pair} & {"valid", "test"}
        assert all(sides[place] or not held_out or side_of[place] != "train" for place in pair)
    assert bool(split.notes) == any(side_of[one] != side_of[two] for one, two in groups)


def test_an_open_copy_of_a_held_out_photo_is_held_out_too() -> None:
    split = given_split(dataset("train", "valid", None, None, same={2: 1}))
    assert (split.train, split.valid, split.notes) == ((0, 3), (1, 2), ())
