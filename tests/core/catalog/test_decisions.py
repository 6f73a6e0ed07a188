"""Decisions: noted one by one, applied as one act, undone as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.catalogs import check_whole, pets, tree
from fieldmark.catalog import Catalog
from fieldmark.catalog.decisions import Decision, delete, keep, relabel, unsure
from fieldmark.errors import DatasetError


def test_decisions_wait_and_outlive_the_window(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    before = tree(tmp_path)
    for photo_id, decision in enumerate([keep, delete, relabel("wolf"), unsure], 1):
        catalog.stage(photo_id, decision, who="ann")
    assert tree(tmp_path) == before
    again = Catalog.open(tmp_path).staged()
    assert [(s.photo_id, s.decision, s.given, s.who) for s in again] == [
        (1, keep, "cat", "ann"), (2, delete, "dog", "ann"), (3, relabel("wolf"), "cat", "ann"),
        (4, unsure, "dog", "ann"),
    ]  # fmt: skip


def test_relabelling_a_photo_to_the_label_it_has_is_keeping_it(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    catalog.stage_all({1: relabel("cat"), 2: relabel("cat")}, who="ann")
    assert {s.photo_id: s.decision for s in catalog.staged()} == {1: keep, 2: relabel("cat")}
    catalog.apply_staged(who="ann")
    assert [change.what for change in catalog.history(1)] == [change.what for change in catalog.history(3)]
    assert [catalog.photo(n).label for n in (1, 2)] == ["cat", "cat"]


def test_what_was_decided_is_applied_as_one_act_and_unsure_stays(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    for photo_id, decision in enumerate([keep, delete, relabel("wolf"), unsure], 1):
        catalog.stage(photo_id, decision, who="ann")
    act = catalog.apply_staged(who="bob")
    assert (act.kind, act.who, act.changed) == ("apply", "bob", 3)
    assert [catalog.photo(n).status for n in (1, 2, 3)] == ["present", "trash", "present"]
    assert catalog.photo(3).label == "wolf"
    assert [s.decision for s in catalog.staged()] == [unsure]
    check_whole(catalog, 4)


def test_undoing_restores_every_byte_and_stages_the_decisions_again(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    before = tree(tmp_path)
    catalog.stage(1, delete, who="ann")
    catalog.stage(2, relabel("cat"), who="ann")
    staged = catalog.staged()
    catalog.apply_staged(who="ann")
    catalog.undo(who="ann")
    assert tree(tmp_path) == before
    assert catalog.staged() == staged
    catalog.redo(who="ann")
    assert catalog.staged() == []
    assert catalog.photo(2).label == "cat"


def test_undoing_never_replaces_what_was_decided_since(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    catalog.stage(1, relabel("wolf"), who="ann")
    catalog.apply_staged(who="ann")
    catalog.stage(1, delete, who="bob")
    catalog.undo(who="ann")
    assert [(s.who, s.decision) for s in catalog.staged()] == [("bob", delete)]


def test_a_decision_can_be_taken_back(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    catalog.stage(1, delete, who="ann")
    catalog.stage(2, delete, who="ann")
    catalog.unstage([1])
    assert [s.photo_id for s in catalog.staged()] == [2]


def test_a_file_that_vanished_keeps_its_decision_staged(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    for photo_id in (1, 2):
        catalog.stage(photo_id, delete, who="ann")
    catalog.file_of(catalog.photo(1)).unlink()
    act = catalog.apply_staged(who="ann")
    assert [failed.photo_id for failed in act.failed] == [1]
    assert [s.photo_id for s in catalog.staged()] == [1]


def test_deciding_about_a_photo_that_never_was_is_a_key_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="99"):
        pets(tmp_path).stage(99, delete, who="ann")


def test_a_decision_that_makes_no_sense_cannot_be_made() -> None:
    with pytest.raises(DatasetError, match="label is empty"):
        relabel(" ")
    for kind, to in (("delete", "cat"), ("relabel", None), ("burn", None)):
        with pytest.raises(ValueError, match="no decision"):
            Decision(kind, to)  # type: ignore[arg-type]
