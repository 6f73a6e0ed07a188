"""Snapshots: a version of the data that can be named, and compared with another."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.catalogs import pets
from core.photos import make_pets
from fieldmark.curation.snapshot import (
    compare_snapshots,
    load_snapshot,
    save_snapshot,
    snapshot_place,
    take_snapshot,
)
from fieldmark.errors import DatasetError


def test_the_same_data_has_the_same_id_and_a_changed_label_another(tmp_path: Path) -> None:
    catalog = pets(tmp_path / "pets")
    first = take_snapshot(catalog.root)
    assert take_snapshot(catalog.root).id == first.id
    catalog.relabel([1], "dog", who="test")
    second = take_snapshot(catalog.root)
    assert second.id != first.id
    catalog.undo(who="test")
    assert take_snapshot(catalog.root).id == first.id


def test_two_versions_are_compared_by_their_photos_bytes(tmp_path: Path) -> None:
    catalog = pets(tmp_path / "pets")
    before = take_snapshot(catalog.root)
    catalog.relabel([1], "dog", who="test")
    catalog.delete([2], who="test")
    catalog.set_split([3], "valid", who="test")
    found = compare_snapshots(before, take_snapshot(catalog.root))
    assert found.removed == ("images/dog/1.jpg",)
    assert found.relabelled == (("images/dog/0.jpg", "cat", "dog"),)
    assert found.moved_side == (("images/cat/2.jpg", "open", "valid"),)
    assert found.added == ()
    assert "1 removed, 1 relabelled" in found.lines()[0]


def test_a_file_that_rotted_is_named(tmp_path: Path) -> None:
    catalog = pets(tmp_path / "pets")
    (catalog.root / "images" / "cat" / "0.jpg").write_bytes(b"something else")
    (catalog.root / "images" / "cat" / "2.jpg").unlink()
    taken = take_snapshot(catalog.root)
    assert taken.rotten == ("images/cat/0.jpg", "images/cat/2.jpg")
    assert "2 files are not what they were" in taken.lines()[-1]


def test_a_snapshot_that_was_changed_by_hand_is_refused(tmp_path: Path) -> None:
    catalog = pets(tmp_path / "pets")
    taken = take_snapshot(catalog.root)
    path = save_snapshot(taken, snapshot_place(catalog.root, taken))
    assert load_snapshot(catalog.root, taken.id[:6]) == taken
    path.write_text(path.read_text("utf-8").replace('"dog"', '"cow"'), "utf-8")
    with pytest.raises(DatasetError, match="is no snapshot that can be read"):
        load_snapshot(catalog.root, str(path))
    with pytest.raises(DatasetError, match="'nothing' names no snapshot"):
        load_snapshot(catalog.root, "nothing")


def test_the_command_freezes_and_compares(tmp_path: Path) -> None:
    catalog = pets(tmp_path / "pets")

    def run(*arguments: str) -> dict[str, object]:
        command = [sys.executable, "-m", "fieldmark", "snapshot", str(catalog.root), "--json", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        plain: dict[str, object] = json.loads(done.stdout)
        return plain

    first = run("--out", str(tmp_path / "a.json"))
    assert first["counts"] == {
        "label": {"cat": 2, "dog": 2},
        "split": {"open": 4},
        "licence": {"not stated": 4},
    }
    catalog.delete([1], who="test")
    second = run()
    found = run("--compare", str(tmp_path / "a.json"), str(second["id"]))
    assert found["removed"] == ["images/cat/0.jpg"]


def test_a_plain_folder_is_frozen_and_not_written_to(tmp_path: Path) -> None:
    folder = make_pets(tmp_path)
    before = sorted(folder.rglob("*"))
    taken = take_snapshot(folder)
    assert taken.counts()["label"] == {"cat": 2, "dog": 2}
    assert snapshot_place(folder, taken).parent == Path()
    assert sorted(folder.rglob("*")) == before
