"""Finding the photos of a folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from fieldmark.images import PHOTO_SUFFIXES, list_photos, scan_folder
from fieldmark.sources.scan import DATA_SUFFIXES


def put(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content is not asked for")


def names(root: Path, paths: tuple[Path, ...]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


def link(target: Path, path: Path) -> None:
    try:
        path.symlink_to(target, target_is_directory=target.is_dir())
    except OSError:
        pytest.skip("links cannot be made here")


def test_photos_are_found_at_every_depth_and_sorted(tmp_path: Path) -> None:
    put(tmp_path, "b/2.jpg", "b/10.jpg", "a-b/x.jpg", "a/c/d/deep.png", "top.webp", "B/1.jpg")
    assert names(tmp_path, scan_folder(tmp_path).photos) == sorted(
        ["B/1.jpg", "a/c/d/deep.png", "a-b/x.jpg", "b/10.jpg", "b/2.jpg", "top.webp"],
        key=lambda name: name.split("/"),
    )
    assert list_photos(tmp_path) == list(scan_folder(str(tmp_path)).photos)


def test_what_systems_leave_behind_is_skipped_and_counted(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", ".DS_Store", "Thumbs.db", "desktop.ini", "._a.jpg", ".hidden.jpg", "@eaDir/a.jpg")
    put(
        tmp_path, "__MACOSX/._a.jpg", "__MACOSX/b.jpg", ".ipynb_checkpoints/a-checkpoint.jpg", "sub/THUMBS.DB"
    )
    put(tmp_path, ".fieldmark/catalog.sqlite", ".fieldmark/trash/a.jpg")
    scan = scan_folder(tmp_path)
    assert names(tmp_path, scan.photos) == ["a.jpg"]
    assert scan.skipped == len(scan.junk) == 10
    assert scan.others == ()


def test_data_beside_photos_is_no_photo_that_failed(tmp_path: Path) -> None:
    put(tmp_path, "labels.csv", "split.JSON", "notes.txt", "a.jpg", "model.onnx")
    scan = scan_folder(tmp_path)
    assert names(tmp_path, scan.photos) == ["a.jpg"]
    assert names(tmp_path, scan.others) == ["labels.csv", "model.onnx", "notes.txt", "split.JSON"]
    assert not DATA_SUFFIXES & PHOTO_SUFFIXES


def test_content_decides_so_any_other_ending_is_a_candidate(tmp_path: Path) -> None:
    put(tmp_path, "IMG_0001", "photo.jpg.bak", "photo.JPEG", "clip.mp4", "photo.")
    assert len(scan_folder(tmp_path).photos) == 5


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    put(tmp_path, "a/1.jpg", "b/2.jpg")
    link(tmp_path, tmp_path / "a" / "up")
    link(tmp_path / "b", tmp_path / "a" / "to_b")
    link(tmp_path / "a", tmp_path / "b" / "to_a")
    link(tmp_path / "self.jpg", tmp_path / "self.jpg")
    scan = scan_folder(tmp_path)
    assert names(tmp_path, scan.photos) == ["a/1.jpg", "b/2.jpg"]
    assert names(tmp_path, scan.others) == ["self.jpg"]


def test_a_linked_folder_is_read_under_the_name_of_the_link(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/1.jpg", "set/bear/2.jpg")
    link(tmp_path / "elsewhere", tmp_path / "set" / "ant")
    assert names(tmp_path / "set", scan_folder(tmp_path / "set").photos) == ["ant/1.jpg", "bear/2.jpg"]


def test_a_folder_is_found_by_its_own_path_rather_than_by_a_link(tmp_path: Path) -> None:
    put(tmp_path, "z/1.jpg")
    link(tmp_path / "z", tmp_path / "a")
    assert names(tmp_path, scan_folder(tmp_path).photos) == ["z/1.jpg"]


def test_a_bomb_of_links_is_defused(tmp_path: Path) -> None:
    """Each level links to the next twice: 2^40 paths, 41 folders."""
    for level in range(41):
        put(tmp_path, f"{level}/photo.jpg")
    for level in range(40):
        for name in ("left", "right"):
            link(tmp_path / str(level + 1), tmp_path / str(level) / name)
    assert len(scan_folder(tmp_path / "0").photos) == 41


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders there")
def test_a_pipe_is_no_candidate(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert names(tmp_path, scan_folder(tmp_path).others) == ["pipe.jpg"]


def test_names_that_are_not_utf_8_are_found(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg"))
    try:
        path.write_bytes(b"x")
    except (OSError, UnicodeError):
        pytest.skip("this file system takes UTF-8 only")
    assert scan_folder(tmp_path).photos == (path,)


@pytest.mark.skipif(sys.platform == "win32", reason="paths are short there")
def test_a_very_deep_tree_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deeper than Python would recurse; made and removed step by step, because nothing else can."""
    monkeypatch.chdir(tmp_path)
    depth = 0
    try:
        for _ in range(1200):
            Path("d").mkdir()
            os.chdir("d")
            depth += 1
        Path("deep.jpg").touch()
        assert len(scan_folder(tmp_path).photos) == 1
        Path("deep.jpg").unlink()
    finally:
        for _ in range(depth):
            os.chdir("..")
            Path("d").rmdir()


def test_a_folder_that_is_not_there_is_reported_and_not_raised(tmp_path: Path) -> None:
    scan = scan_folder(tmp_path / "gone")
    assert scan.photos == ()
    assert scan.others == (tmp_path / "gone",)
