"""Purging: an act of its own, that deletes what is in the trash and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.catalogs import pets, tree
from fieldmark.catalog import Catalog
from fieldmark.catalog.decisions import delete
from fieldmark.catalog.purging import in_trash, purge


def trashed(root: Path) -> Catalog:
    catalog = pets(root)
    for photo_id in (1, 2):
        catalog.stage(photo_id, delete, who="ann")
    catalog.apply_staged(who="ann")
    return catalog


def test_deleting_never_removes_a_file_and_purging_does(tmp_path: Path) -> None:
    catalog = trashed(tmp_path)
    assert [photo.id for photo in in_trash(catalog)] == [1, 2]
    in_use = tree(tmp_path)
    done = purge(catalog, who="bob", why="asked for")
    assert (done.photos, done.failed) == ((1, 2), {})
    assert done.bytes > 0
    assert in_trash(catalog) == []
    assert list((tmp_path / ".fieldmark" / "trash").iterdir()) == []
    assert tree(tmp_path) == in_use


def test_the_history_says_who_purged_a_photo_and_why(tmp_path: Path) -> None:
    catalog = trashed(tmp_path)
    purge(catalog, who="bob", why="asked for")
    last = catalog.history(1)[-1]
    assert (last.who, last.what, last.old, last.new, last.why) == (
        "bob",
        "status",
        "trash",
        "purged",
        "asked for",
    )


def test_undoing_after_a_purge_says_what_is_gone_and_does_the_rest(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    catalog.delete([1], who="ann")
    purge(catalog, who="ann")
    catalog.restore([1], who="ann")
    catalog.delete([2, 3], who="ann")
    catalog.file_of(catalog.photo(2)).unlink()
    act = catalog.undo(who="ann")
    assert act is not None
    assert [step.photo_id for step in act.failed] == [2]
    assert "vanished" in act.failed[0].reason
    assert catalog.photo(3).status == "present"


def test_a_purge_that_was_killed_before_deleting_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = trashed(tmp_path)

    def die(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(Path, "unlink", die)
        purge(catalog, who="ann")
    again = Catalog.open(tmp_path)
    assert purge(again, who="ann").photos == (1, 2)


def test_purging_an_empty_trash_does_nothing(tmp_path: Path) -> None:
    assert purge(pets(tmp_path), who="ann").photos == ()
