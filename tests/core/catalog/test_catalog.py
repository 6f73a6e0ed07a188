"""The catalog: opened safely, changed by acts, seen alike by everybody (FAULTS C61–C64, D54)."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.catalogs import check_whole, make_catalog, pets, tree
from fieldmark.catalog import Catalog, decisions, is_catalog
from fieldmark.catalog.schema import MIGRATIONS, SCHEMA
from fieldmark.errors import DatasetError, StoreError


def database(root: Path) -> Path:
    return root / ".fieldmark" / "catalog.sqlite"


def run_sql(root: Path, statement: str) -> None:
    connection = sqlite3.connect(database(root))
    connection.execute(statement)
    connection.commit()
    connection.close()


def refusal(root: Path, *, write: bool = True) -> StoreError:
    """Open what must be refused; nothing was changed."""
    before = database(root).read_bytes() if database(root).is_file() else None
    with pytest.raises(StoreError, match=root.name) as caught:
        Catalog.open(root, write=write)
    assert (database(root).read_bytes() if database(root).is_file() else None) == before
    return caught.value


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder, and not to be root: root may write everywhere."""
    if os.name == "nt":
        pytest.skip("Windows has no modes")
    folder = Path(tempfile.mkdtemp())
    root = os.geteuid() == 0
    try:
        if root:
            os.chown(folder, 65534, -1)
            os.seteuid(65534)
        yield folder
    finally:
        if root:
            os.seteuid(0)
        for path in folder.rglob("*"):
            if path.is_dir():
                path.chmod(0o755)
        shutil.rmtree(folder)


# --- Made and opened ----------------------------------------------------------------------------------------


def test_a_dataset_is_plain_folders_with_a_database_beside(tmp_path: Path) -> None:
    pets(tmp_path / "set")
    assert sorted(tree(tmp_path / "set")) == [
        "images/cat/0.jpg", "images/cat/2.jpg", "images/dog/1.jpg", "images/dog/3.jpg",
    ]  # fmt: skip
    assert is_catalog(tmp_path / "set")


def test_what_was_written_is_there_when_opened_again(tmp_path: Path) -> None:
    first = pets(tmp_path / "set")
    again = Catalog.open(tmp_path / "set")
    assert again.photos() == first.photos()
    assert again.counts() == {"cat": 2, "dog": 2}
    assert again.labels() == ["cat", "dog"]


def test_a_missing_catalog_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    error = refusal(tmp_path / "set")
    assert error.code == "missing"
    assert "Import photos" in str(error)


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000, b"SQLite format 3\0" + bytes(5000)])
def test_a_corrupt_catalog_is_refused_and_left_as_it_is(content: bytes, tmp_path: Path) -> None:
    pets(tmp_path / "set")
    database(tmp_path / "set").write_bytes(content)
    error = refusal(tmp_path / "set")
    assert error.code == "corrupt"
    assert "Put back a copy" in str(error)


def test_a_catalog_cut_at_half_is_refused(tmp_path: Path) -> None:
    pets(tmp_path / "set", 200)
    whole = database(tmp_path / "set").read_bytes()
    database(tmp_path / "set").write_bytes(whole[: len(whole) // 2])
    assert refusal(tmp_path / "set").code == "corrupt"


def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    database(tmp_path / "set").parent.mkdir(parents=True)
    run_sql(tmp_path / "set", "CREATE TABLE photo (id)")
    assert refusal(tmp_path / "set").code == "corrupt"


def test_a_catalog_of_a_newer_version_is_refused_with_both_numbers(tmp_path: Path) -> None:
    pets(tmp_path / "set")
    run_sql(tmp_path / "set", f"PRAGMA user_version = {SCHEMA + 1}")
    error = refusal(tmp_path / "set")
    assert error.code == "newer"
    assert f"version {SCHEMA + 1}" in str(error)
    assert f"knows {SCHEMA})" in str(error)


def test_a_catalog_that_may_not_be_written_can_be_looked_at(unprivileged: Path) -> None:
    catalog = pets(unprivileged / "set")
    photos = catalog.photos()
    database(unprivileged / "set").chmod(0o444)
    database(unprivileged / "set").parent.chmod(0o555)
    assert Catalog.open(unprivileged / "set", write=False).photos() == photos
    assert refusal(unprivileged / "set").code == "read_only"


def test_a_dataset_cannot_be_made_where_nothing_may_be_written(unprivileged: Path) -> None:
    unprivileged.chmod(0o555)
    with pytest.raises(StoreError, match="cannot be written"):
        Catalog.create(unprivileged / "set")
    unprivileged.chmod(0o755)


def test_a_dataset_is_made_only_in_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DatasetError, match="not empty"):
        Catalog.create(tmp_path)
    pets(tmp_path / "set")
    with pytest.raises(StoreError, match="has a catalog already"):
        Catalog.create(tmp_path / "set")


def test_a_dataset_whose_making_was_cut_short_can_be_made_again(tmp_path: Path) -> None:
    database(tmp_path / "set").parent.mkdir(parents=True)
    (tmp_path / "set" / "images").mkdir()
    database(tmp_path / "set").touch()
    assert not is_catalog(tmp_path / "set")
    assert Catalog.create(tmp_path / "set").photos() == []


@pytest.mark.parametrize("killed_after", range(len(MIGRATIONS[0]) + 1))
def test_making_the_tables_killed_at_any_statement_runs_to_the_end(killed_after: int, tmp_path: Path) -> None:
    """What is not committed is not there: the file is as it was before."""
    database(tmp_path / "set").parent.mkdir(parents=True)
    connection = sqlite3.connect(database(tmp_path / "set"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    for statement in MIGRATIONS[0][:killed_after]:
        connection.execute(statement)
    connection.close()
    assert make_catalog(tmp_path / "set", {"1.jpg": "cat"}).counts() == {"cat": 1}


# --- Changed ------------------------------------------------------------------------------------------------


def test_another_label_moves_the_file_and_undo_moves_it_back(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    before = tree(tmp_path)
    catalog.relabel([1], "wolf", who="ann", why="pointed ears")
    assert catalog.photo(1).path == "images/wolf/0.jpg"
    assert [(c.who, c.what, c.old, c.new, c.why) for c in catalog.history(1)][-1] == (
        "ann", "label", "cat", "wolf", "pointed ears",
    )  # fmt: skip
    catalog.undo(who="ann")
    assert tree(tmp_path) == before


def test_deleting_a_photo_can_be_undone(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    before = tree(tmp_path)
    act = catalog.delete([1, 2], who="ann")
    assert act.changed == 2
    assert catalog.counts() == {"cat": 1, "dog": 1}
    assert catalog.counts("trash") == {"cat": 1, "dog": 1}
    check_whole(catalog, 4)
    catalog.undo(who="ann")
    assert tree(tmp_path) == before


def test_what_is_in_quarantine_or_trash_can_be_restored(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    before = tree(tmp_path)
    catalog.quarantine([1], who="ann", why="blurred")
    catalog.delete([2], who="ann")
    catalog.restore([1, 2], who="ann")
    assert tree(tmp_path) == before


def test_acts_are_undone_and_done_again_in_order(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    catalog.relabel([1], "wolf", who="ann")
    catalog.relabel([1], "fox", who="ann")
    assert [catalog.undo(who="ann") is not None for _ in range(2)] == [True, True]
    assert catalog.photo(1).label == "cat"
    catalog.redo(who="ann")
    assert catalog.photo(1).label == "wolf"
    catalog.delete([1], who="ann")
    assert catalog.redo(who="ann") is None


def test_an_act_that_changed_nothing_is_not_what_undo_undoes(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    catalog.delete([1], who="ann")
    catalog.apply_staged(who="ann")
    catalog.undo(who="ann")
    assert catalog.photo(1).status == "present"


def test_renaming_a_class_moves_its_photos_also_those_in_the_trash(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    catalog.delete([1], who="ann")
    catalog.rename_label("cat", "Katze", who="ann")
    assert {photo.label for photo in catalog.photos(status=None)} == {"Katze", "dog"}
    catalog.restore([1], who="ann")
    assert catalog.photo(1).path == "images/Katze/0.jpg"


def test_renaming_to_a_class_that_is_there_makes_both_one(tmp_path: Path) -> None:
    catalog = make_catalog(tmp_path, {"1.jpg": "cat"})
    incoming = catalog.incoming / "x"
    incoming.write_bytes(b"other bytes")
    catalog.rename_label("cat", "dog", who="ann")
    assert catalog.counts() == {"dog": 1}


def test_a_class_without_photos_can_be_renamed(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    catalog.add_label("fox")
    catalog.rename_label("fox", "red fox", who="ann")
    assert "red fox" in catalog.labels()


def test_renaming_a_class_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no class 'fox'"):
        pets(tmp_path).rename_label("fox", "wolf", who="ann")


def test_labels_that_differ_only_by_case_have_folders_of_their_own(tmp_path: Path) -> None:
    catalog = make_catalog(tmp_path, {"1.jpg": "Bear", "2.jpg": "bear", "3.jpg": "BEAR"})
    folders = {Path(photo.path).parent.as_posix().casefold() for photo in catalog.photos()}
    assert catalog.counts() == {"BEAR": 1, "Bear": 1, "bear": 1}
    assert len(folders) == 3


def test_the_split_of_photos_can_be_set_and_undone(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    catalog.set_split([1, 2], "valid", who="ann")
    assert [photo.id for photo in catalog.photos(split="valid")] == [1, 2]
    catalog.undo(who="ann")
    assert catalog.photos(split="valid") == []


def test_a_photo_that_never_was_is_a_key_error(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    for change in (lambda: catalog.photo(99), lambda: catalog.delete([1, 99], who="ann")):
        with pytest.raises(KeyError, match="99"):
            change()
    assert catalog.counts() == {"cat": 2, "dog": 2}


def test_settings_are_kept_with_the_dataset(tmp_path: Path) -> None:
    pets(tmp_path).set_setting("last", {"id": 3, "labels": ["a", None]})
    again = Catalog.open(tmp_path)
    assert again.setting("last") == {"id": 3, "labels": ["a", None]}
    assert again.setting("other", 5) == 5


# --- C64: a fault in one file -------------------------------------------------------------------------------


def test_a_file_that_vanished_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    catalog.file_of(catalog.photo(1)).unlink()
    act = catalog.delete([1, 2, 3], who="ann")
    assert act.changed == 2
    assert [(failed.photo_id, failed.reason) for failed in act.failed] == [
        (1, "The file '0.jpg' has vanished.")
    ]
    assert catalog.photo(1).status == "present"
    assert catalog.photo(2).status == "trash"


def test_a_read_only_folder_is_told_and_the_rest_goes_on(unprivileged: Path) -> None:
    catalog = pets(unprivileged / "set")
    cats = unprivileged / "set" / "images" / "cat"
    cats.chmod(0o555)
    act = catalog.delete([1, 2, 3, 4], who="ann")
    cats.chmod(0o755)
    assert act.changed == 2
    assert [failed.photo_id for failed in act.failed] == [1, 3]
    assert "could not be moved: Permission denied" in act.failed[0].reason
    check_whole(catalog, 4)
    catalog.undo(who="ann")
    assert catalog.counts() == {"cat": 2, "dog": 2}


def test_undo_never_overwrites_a_file_that_somebody_put_there(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    catalog.delete([1], who="ann")
    (tmp_path / "images" / "cat" / "0.jpg").write_bytes(b"somebody's own")
    act = catalog.undo(who="ann")
    assert act is not None
    assert "another file is there" in act.failed[0].reason
    assert (tmp_path / "images" / "cat" / "0.jpg").read_bytes() == b"somebody's own"
    assert catalog.photo(1).status == "trash"


def test_a_file_that_somebody_put_there_is_never_overwritten_by_a_move(tmp_path: Path) -> None:
    catalog = pets(tmp_path)
    (tmp_path / "images" / "dog" / "0.jpg").write_bytes(b"somebody's own")
    catalog.relabel([1], "dog", who="ann")
    assert catalog.photo(1).path == "images/dog/0-2.jpg"
    assert (tmp_path / "images" / "dog" / "0.jpg").read_bytes() == b"somebody's own"


# --- C63: several at once -----------------------------------------------------------------------------------


def test_two_windows_on_one_photo_and_the_second_is_told(tmp_path: Path) -> None:
    one, two = pets(tmp_path), Catalog.open(tmp_path)
    assert one.stage(1, decisions.delete, who="ann") is None
    replaced = two.stage(1, decisions.relabel("wolf"), who="bob")
    assert replaced is not None
    assert (replaced.who, replaced.decision) == ("ann", decisions.delete)
    assert [(s.who, s.decision) for s in one.staged()] == [("bob", decisions.relabel("wolf"))]


def test_a_decision_about_what_another_window_changed_is_not_applied(tmp_path: Path) -> None:
    one, two = pets(tmp_path), Catalog.open(tmp_path)
    one.stage(1, decisions.delete, who="ann")
    one.stage(2, decisions.delete, who="ann")
    two.relabel([1], "wolf", who="bob")
    assert [s.photo_id for s in one.overtaken()] == [1]
    assert one.apply_staged(who="ann").changed == 1
    assert one.photo(1).label == "wolf"
    assert [s.photo_id for s in one.staged()] == [1]


def test_many_threads_and_catalogs_lose_no_change(tmp_path: Path) -> None:
    pets(tmp_path, 24)

    def relabel(first: int) -> None:
        catalog = Catalog.open(tmp_path)
        for photo_id in range(first, first + 6):
            catalog.relabel([photo_id], f"class {photo_id % 5}", who=f"thread {first}")

    threads = [threading.Thread(target=relabel, args=[first]) for first in (1, 7, 13, 19)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    catalog = Catalog.open(tmp_path)
    assert [photo.label for photo in sorted(catalog.photos(), key=lambda p: p.id)] == [
        f"class {n % 5}" for n in range(1, 25)
    ]
    check_whole(catalog, 24)


def test_a_catalog_that_somebody_is_writing_is_said_to_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = pets(tmp_path)
    monkeypatch.setattr("fieldmark.catalog.schema.LOCK_TIMEOUT_S", 0.1)
    writer = sqlite3.connect(database(tmp_path), isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another window") as caught:
        catalog.delete([1], who="ann")
    assert caught.value.code == "locked"
    assert catalog.counts() == {"cat": 2, "dog": 2}  # looking goes on
    writer.execute("ROLLBACK")
    writer.close()
    assert catalog.delete([1], who="ann").changed == 1
