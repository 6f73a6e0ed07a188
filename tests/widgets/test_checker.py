"""The checker: faults as pictures, put aside and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from fieldmark.importing import import_photos
from fieldmark_widgets import Checker, Workspace
from widgets.messages import receive

CAT, CUP = Image.fromarray(data.chelsea()), Image.fromarray(data.coffee())


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    for label in ("cat", "cup"):
        (tmp_path / "photos" / label).mkdir(parents=True)
    CAT.save(tmp_path / "photos" / "cat" / "one.jpg")
    CAT.resize((300, 200)).save(tmp_path / "photos" / "cat" / "again.jpg")
    CUP.save(tmp_path / "photos" / "cup" / "one.jpg")
    CUP.rotate(180).resize((50, 40)).save(tmp_path / "photos" / "cup" / "tiny.jpg")
    import_photos(tmp_path / "photos", tmp_path / "dataset", who="test")
    return tmp_path / "dataset"


@pytest.fixture
def checker(dataset: Path) -> Iterator[Checker]:
    made = Checker(dataset)
    made.wait()
    yield made
    made.close()


def faults(checker: Checker) -> dict[str, int]:
    return {fault["name"]: fault["n"] for fault in checker._faults}


def test_it_begins_at_once_and_shows_the_gravest_fault_first(checker: Checker) -> None:
    assert checker.state == "ready"
    assert faults(checker) == {"near_duplicates": 2, "tiny": 1}
    assert checker._headline == "3 of 4 photos need a look"
    assert checker.fault == "near_duplicates"
    assert [row.text for row in checker.gallery.rows] == ["group 1", "group 1"]


def test_a_check_that_is_stopped_is_no_failure_and_can_be_begun_again(dataset: Path) -> None:
    checker = Checker(dataset)
    receive(checker, {"kind": "cancel"})
    checker.wait()
    assert (checker.state, checker.problem, checker._is_stopped) == ("empty", "", True)
    receive(checker, {"kind": "check"})
    checker.wait()
    assert (checker.state, checker._is_stopped) == ("ready", False)
    receive(checker, {"kind": "check"})
    receive(checker, {"kind": "cancel"})
    checker.wait()
    assert (checker.state, checker.problem, checker._did) == ("ready", "", "Stopped. Nothing was changed.")
    checker.close()


def test_of_a_group_all_but_one_are_put_aside(checker: Checker) -> None:
    assert checker._action["label"] == "Put all but one of each group aside: 1"
    receive(checker, {"kind": "aside"})
    assert checker.workspace.project is not None
    assert checker.workspace.project.catalog.counts() == {"cat": 1, "cup": 2}
    assert faults(checker) == {"tiny": 1, "quarantined": 1}
    assert checker._did == "1 photo was put aside."


def test_only_chosen_photos_are_put_aside_when_some_are_chosen(checker: Checker) -> None:
    chosen = checker.gallery.rows[0].id
    checker.gallery.selected = (chosen,)
    receive(checker, {"kind": "aside"})
    receive(checker, {"kind": "fault", "name": "quarantined"})
    assert [row.id for row in checker.gallery.rows] == [chosen]


def test_what_was_put_aside_is_taken_back(checker: Checker) -> None:
    receive(checker, {"kind": "aside"})
    receive(checker, {"kind": "fault", "name": "quarantined"})
    receive(checker, {"kind": "restore"})
    assert faults(checker) == {"near_duplicates": 2, "tiny": 1}


def test_putting_aside_can_be_undone(checker: Checker) -> None:
    receive(checker, {"kind": "aside"})
    receive(checker, {"kind": "undo"})
    assert faults(checker) == {"near_duplicates": 2, "tiny": 1}


def test_no_label_is_chosen_for_people_when_two_disagree(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        CAT.save(tmp_path / "photos" / label / "same.jpg", quality=90 if label == "cat" else 80)
    import_photos(tmp_path / "photos", tmp_path / "dataset", who="test")
    checker = Checker(tmp_path / "dataset")
    checker.wait()
    assert faults(checker) == {"conflicts": 2}
    assert checker._action == {}
    checker.close()


def test_without_photos_it_says_what_to_do_first() -> None:
    checker = Checker(Workspace())
    assert (checker.state, checker._blocker) == ("empty", "No dataset is open. Import some photos first.")
    checker.close()


def test_new_photos_make_the_check_stale(checker: Checker, tmp_path: Path) -> None:
    CUP.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(tmp_path / "photos" / "cup" / "new.jpg")
    import_photos(tmp_path / "photos", checker.workspace.project.root, who="test")  # type: ignore[union-attr]
    checker.workspace.say_changed()
    assert checker._stale
    receive(checker, {"kind": "check"})
    checker.wait()
    assert not checker._stale
