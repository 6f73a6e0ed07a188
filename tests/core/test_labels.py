"""Labels are data: whatever somebody calls a class comes back as it was."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalogs import make_catalog
from fieldmark.catalog import Catalog
from fieldmark.dataset import read_dataset
from fieldmark.errors import DatasetError
from fieldmark.labels import clean_label, escape_surrogates, folder_name
from fieldmark.names import folded, is_portable

NAUGHTY: list[str] = json.loads((Path(__file__).parents[1] / "data" / "blns.json").read_text("utf-8"))
HOSTILE = ["..", ".", "a/b", "a\\b", "/", "C:\\x", "x" * 300, "🐻‍❄️", "<b>bear</b>", "'; DROP TABLE photo; --",
           "=cmd|' /C calc'!A0", "+1", "-1", "@a", "nan", "None", "null", "Bear", "bear", "BEAR", "CON", "con", "nul",
           "bear.", "bear ", " bear", "\u202ebear", "a\0b", "line\nbreak", "bär", "ba\u0308r", "images", ".fieldmark",
           "train", "%s", "{label}", "~", "-rf", "*"]  # fmt: skip
"""FAULTS A25, and what else is no name of a folder."""

labels = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


def round_trip(root: Path, names: list[str]) -> Catalog:
    """A dataset with a photo of each class, read again."""
    make_catalog(root, {f"{number}.jpg": name for number, name in enumerate(names)})
    dataset = read_dataset(root)
    assert dataset.vocab == tuple(sorted(names))
    assert {int(item.path.stem): item.label for item in dataset.items} == dict(enumerate(names))
    return Catalog.open(root, write=False)


@pytest.mark.parametrize(
    "names", [HOSTILE, sorted({name for name in NAUGHTY if name.strip()})], ids=["A25", "blns"]
)
def test_every_hostile_label_comes_back_from_folder_and_catalog_as_it_was(
    names: list[str], tmp_path: Path
) -> None:
    catalog = round_trip(tmp_path / "dataset", names)
    folders = [PurePosixPath(photo.path).parent for photo in catalog.photos()]
    assert {str(folder.parent) for folder in folders} == {"images"}
    assert all(is_portable(folder.name) for folder in folders)
    assert len({folded(folder.name) for folder in folders}) == len(names)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset"]


def test_a_hostile_label_comes_back_after_a_rename_and_its_undo(tmp_path: Path) -> None:
    catalog = make_catalog(tmp_path / "dataset", {"1.jpg": "cat", "2.jpg": "dog"})
    for name in HOSTILE:
        catalog.rename_label("cat", name, who="test")
        assert read_dataset(catalog.root).vocab == tuple(sorted({name, "dog"}))
        catalog.undo(who="test")
        assert read_dataset(catalog.root).vocab == ("cat", "dog")


@given(st.lists(labels, unique=True, max_size=30))
def test_no_two_labels_share_a_folder_on_any_disk(names: list[str]) -> None:
    taken: list[str] = []
    for name in names:
        taken.append(folder_name(name, taken))
    assert all(map(is_portable, taken))
    assert len(set(map(folded, taken))) == len(names)


def test_a_portable_label_is_its_own_folder_and_the_second_in_another_case_is_not() -> None:
    assert folder_name("black bear") == "black bear"
    assert folder_name("Black Bear", ["black bear"]) not in ("Black Bear", "black bear")


def test_a_slug_that_is_taken_is_numbered() -> None:
    first = folder_name("a/b")
    assert folder_name("a/b", [first]) == f"{first}-2"


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\u3000"])
def test_an_empty_label_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(DatasetError, match="needs a name") as caught:
        clean_label(text)
    assert caught.value.code == "empty_label"


@given(labels)
def test_a_label_is_not_changed(text: str) -> None:
    assert clean_label(text) == text


def test_a_name_that_is_not_utf_8_is_written_out() -> None:
    assert clean_label("b\udcffr") == r"b\udcffr"


@given(st.text(st.characters(), min_size=1))
def test_what_is_escaped_can_be_written_anywhere(text: str) -> None:
    escape_surrogates(text).encode("utf-8")
