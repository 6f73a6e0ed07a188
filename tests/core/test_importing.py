"""Importing: everything good comes in as one act, and everything else is told (FAULTS A21–A27)."""

from __future__ import annotations

import json
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from badinputs.seeds import encode, gradient
from core.photos import files_in, make_pets, photo, put, seen, write, zipped
from fieldmark.catalog import Catalog
from fieldmark.errors import ArchiveError, DatasetError, FieldmarkError
from fieldmark.imaging.lookcache import take_looks
from fieldmark.imaging.looks import Look
from fieldmark.importing import import_photos
from fieldmark.sources.labelling import Labels


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two classes of two photos."""
    return make_pets(tmp_path)


# --- Where photos come from ---------------------------------------------------------------------------------


def test_a_folder_per_class_becomes_a_dataset(pets: Path, tmp_path: Path) -> None:
    report = import_photos(pets, tmp_path / "set", who="ann")
    catalog = Catalog.open(tmp_path / "set")
    assert report.added == 4
    assert report.labels == catalog.counts() == {"cat": 2, "dog": 2}
    assert files_in(tmp_path / "set" / "images") == files_in(pets)
    assert all(
        catalog.file_of(p).read_bytes() == (pets / p.original_name).read_bytes() for p in catalog.photos()
    )
    assert files_in(tmp_path / "set" / ".fieldmark") == ["catalog.sqlite"]


def test_what_was_seen_at_the_import_is_not_looked_at_again(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by the check nor by the training, which look for near duplicates."""
    import_photos(pets, tmp_path / "set", who="ann")
    monkeypatch.setattr("fieldmark.imaging.lookcache.look_at", lambda _data: pytest.fail("looked again"))
    catalog = Catalog.open(tmp_path / "set")
    photos = catalog.photos()
    looks = list(take_looks([catalog.file_of(p) for p in photos], [p.hash for p in photos]))
    assert [look.hash for look in looks if isinstance(look, Look)] == [p.hash for p in photos]


def test_an_import_is_one_act_that_can_be_undone_and_done_again(pets: Path, tmp_path: Path) -> None:
    import_photos(pets, tmp_path / "set", who="ann", why="first walk")
    catalog = Catalog.open(tmp_path / "set")
    (act,) = catalog.acts()
    assert (act.kind, act.who, act.why, act.changed) == ("import", "ann", "first walk", 4)
    catalog.undo(who="ann")
    assert catalog.counts() == {}
    assert len(files_in(tmp_path / "set" / ".fieldmark" / "trash")) == 4
    catalog.redo(who="ann")
    assert catalog.counts() == {"cat": 2, "dog": 2}
    assert files_in(tmp_path / "set" / "images") == files_in(pets)


@pytest.mark.parametrize("prefix", ["", "photos/", "a/b/"])
def test_folders_called_train_and_valid_are_the_split(prefix: str, tmp_path: Path) -> None:
    names = ["train/cat/1.png", "Val/cat/2.png", "test/dog/3.png", "training/dog/deep/4.png"]
    for number, name in enumerate(names):
        write(tmp_path / "src" / prefix / name, photo(number))
    import_photos(tmp_path / "src", tmp_path / "set", who="ann")
    assert seen(Catalog.open(tmp_path / "set")) == {
        f"{prefix}train/cat/1.png": ("cat", "train"),
        f"{prefix}Val/cat/2.png": ("cat", "valid"),
        f"{prefix}test/dog/3.png": ("dog", "test"),
        f"{prefix}training/dog/deep/4.png": ("deep", "train"),
    }


def test_a_zip_gives_what_its_folder_gives(pets: Path, tmp_path: Path) -> None:
    import_photos(pets, tmp_path / "set", who="ann")
    report = import_photos(zipped(pets, tmp_path / "pets.zip", "pets/"), tmp_path / "set2", who="ann")
    assert report.added == 4
    both = [Catalog.open(tmp_path / name) for name in ("set", "set2")]
    assert [(p.path, p.label, p.hash) for p in both[0].photos()] == [
        (p.path, p.label, p.hash) for p in both[1].photos()
    ]
    assert files_in(tmp_path / "set2" / ".fieldmark") == ["catalog.sqlite"]


def test_a_refused_archive_leaves_no_dataset_behind(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("cat/1.png", photo(1))
        archive.writestr("../../evil.png", photo(2))
    with pytest.raises(ArchiveError, match=r"evil\.zip"):
        import_photos(tmp_path / "evil.zip", tmp_path / "set", who="ann")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil.zip"]


def test_a_refused_archive_leaves_a_dataset_as_it_was(pets: Path, tmp_path: Path) -> None:
    import_photos(pets, tmp_path / "set", who="ann")
    before = files_in(tmp_path)
    (tmp_path / "cut.zip").write_bytes(zipped(pets, tmp_path / "pets.zip").read_bytes()[:-30])
    with pytest.raises(ArchiveError):
        import_photos(tmp_path / "cut.zip", tmp_path / "set", who="ann")
    assert files_in(tmp_path) == sorted([*before, "cut.zip", "pets.zip"])
    assert len(Catalog.open(tmp_path / "set").acts()) == 1


def test_a_table_tells_label_split_and_group(pets: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(
        "Path;LABEL;split;group\npets/cat/1.png;lion;train;zoo\npets/cat/2.png;lion;val;\n"
        f"{(pets / 'dog' / '1.png').as_posix()};=wolf;;wood\n",
        "utf-8-sig",
    )
    import_photos(tmp_path / "list.csv", tmp_path / "set", who="ann")
    photos = Catalog.open(tmp_path / "set").photos()
    assert sorted((p.label, p.split or "", p.group or "") for p in photos) == [
        ("=wolf", "", "wood"), ("lion", "train", "zoo"), ("lion", "valid", ""),
    ]  # fmt: skip


def test_a_row_that_cannot_be_used_is_told_with_its_line_and_the_rest_goes_on(
    pets: Path, tmp_path: Path
) -> None:
    (tmp_path / "list.csv").write_text(
        "path,label,split\npets/cat/1.png,cat,\ngone.png,cat,\npets/cat/2.png,,\n,cat,\n"
        "pets/dog/1.png,dog,someday\n../\0/x.png,dog,\n"
    )
    report = import_photos(tmp_path / "list.csv", tmp_path / "set", who="ann")
    assert report.added == 1
    assert [(r.code, r.reason[:6]) for r in report.rejected] == [
        ("missing", "Line 3"), ("no_class", "Line 4"), ("missing", "Line 5"), ("bad_split", "Line 6"),
        ("missing", "Line 7"),
    ]  # fmt: skip


def test_another_dataset_is_imported_with_its_labels_and_splits(pets: Path, tmp_path: Path) -> None:
    import_photos(pets, tmp_path / "set", who="ann")
    first = Catalog.open(tmp_path / "set")
    first.rename_label("dog", "a/b: “dog”", who="ann")
    first.set_split([photo.id for photo in first.photos(label="cat")], "valid", who="ann")
    import_photos(tmp_path / "set", tmp_path / "copy", who="bob")
    assert seen(Catalog.open(tmp_path / "copy")) == seen(first)


@pytest.mark.parametrize("pattern", [r"^(?P<label>\w+?)_\d+", r"^([a-z]+)_"])
def test_a_regular_expression_reads_labels_from_file_names(pattern: str, tmp_path: Path) -> None:
    for number, name in enumerate(["cat_1.png", "x/dog_2.png", "_3.png"]):
        write(tmp_path / "src" / name, photo(number))
    report = import_photos(tmp_path / "src", tmp_path / "set", who="ann", labels=pattern)
    assert seen(Catalog.open(tmp_path / "set")) == {"cat_1.png": ("cat", None), "x/dog_2.png": ("dog", None)}
    assert [(r.path.as_posix(), r.code) for r in report.rejected] == [("_3.png", "no_class")]


def test_a_function_reads_labels_from_paths(pets: Path, tmp_path: Path) -> None:
    labels: Labels = lambda path: f"{path.parts[0]}-{path.stem}" if path.stem == "1" else None  # noqa: E731
    report = import_photos(pets, tmp_path / "set", who="ann", labels=labels)
    assert Catalog.open(tmp_path / "set").counts() == {"cat-1": 1, "dog-1": 1}
    assert len(report.rejected) == 2


@pytest.mark.parametrize("pattern", ["(", "no group", "(a", "(?P<label>", "(" * 300])
def test_what_is_no_expression_with_a_group_is_refused(pattern: str, pets: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        import_photos(pets, tmp_path / "set", who="ann", labels=pattern)
    assert caught.value.code == "bad_regex"
    assert not (tmp_path / "set").exists()


def test_an_expression_that_would_take_years_is_stopped(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldmark.sources.labelling.REGEX_TIME_S", 1.0)
    write(pets / "cat" / ("a" * 60 + "!.png"), photo(9))
    started = time.monotonic()
    with pytest.raises(DatasetError, match="takes too long") as caught:
        import_photos(pets, tmp_path / "set", who="ann", labels=r"^((a+)+)$")
    assert caught.value.code == "slow_regex"
    assert time.monotonic() - started < 60


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda root: root / "gone", "missing"),
        (lambda root: put(root / "none", **{"readme.txt": b"x"}), "no_photos"),
        (lambda root: put(root / "flat", **{"1.png": photo(1)}), "no_classes"),
        (lambda root: put(root, **{"notes.docx": b"no photos"}) / "notes.docx", "not_a_source"),
        (lambda root: put(root, **{"photo.png": photo(1)}) / "photo.png", "not_a_source"),
        (lambda root: put(root, **{"a.zip": b"no zip"}) / "a.zip", "not_an_archive"),
    ],
)
def test_a_source_that_cannot_be_used_is_said_and_makes_no_dataset(
    make: Callable[[Path], Path], code: str, tmp_path: Path
) -> None:
    source = make(tmp_path / "src")
    with pytest.raises(FieldmarkError, match=source.name.replace(".", r"\.")) as caught:
        import_photos(source, tmp_path / "set", who="ann")
    assert caught.value.code == code
    assert not (tmp_path / "set").exists()


def test_a_folder_with_something_in_it_does_not_become_a_dataset(pets: Path) -> None:
    before = files_in(pets)
    with pytest.raises(DatasetError, match="not empty"):
        import_photos(pets, pets, who="ann")
    assert files_in(pets) == before


# --- What is told -------------------------------------------------------------------------------------------


def test_bad_photos_are_told_and_the_rest_goes_on(pets: Path, tmp_path: Path) -> None:
    whole = encode(gradient(), "JPEG")
    write(pets / "cat" / "cut.jpg", whole[: len(whole) // 2])
    write(pets / "cat" / "empty.jpg", b"")
    write(pets / "dog" / "page.jpg", b"<html><body>404</body></html>")
    report = import_photos(pets, tmp_path / "set", who="ann")
    assert report.added == 4
    assert {r.path.as_posix(): r.code for r in report.rejected} == {
        "cat/cut.jpg": "truncated", "cat/empty.jpg": "empty", "dog/page.jpg": "format_not_allowed",
    }  # fmt: skip
    assert any("cat/cut.jpg: Cut off" in line for line in report.lines())


def test_what_is_there_already_is_not_taken_again(pets: Path, tmp_path: Path) -> None:
    import_photos(pets, tmp_path / "set", who="ann")
    write(pets / "dog" / "3.png", photo(9))
    report = import_photos(pets, tmp_path / "set", who="ann")
    assert report.added == 1
    assert {d.name: d.of for d in report.duplicates} == {
        name: f"images/{name}" for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png")
    }
    assert report.conflicts == ()


def test_the_same_picture_under_two_labels_is_a_conflict(pets: Path, tmp_path: Path) -> None:
    write(pets / "dog" / "cat.png", photo(0))
    write(pets / "dog" / "twice.png", photo(2))
    report = import_photos(pets, tmp_path / "set", who="ann")
    assert [(c.name, c.label, c.of, c.of_label) for c in report.conflicts] == [
        ("dog/cat.png", "dog", "cat/1.png", "cat")
    ]
    assert [d.name for d in report.duplicates] == ["dog/twice.png"]
    assert any("dog/cat.png says 'dog'; cat/1.png stays 'cat'" in line for line in report.lines())
    again = import_photos(put(tmp_path / "more", **{"wolf/x.png": photo(2)}), tmp_path / "set", who="ann")
    assert [(c.name, c.label, c.of, c.of_label) for c in again.conflicts] == [
        ("wolf/x.png", "wolf", "images/dog/1.png", "dog")
    ]
    assert again.act_id is None


def test_a_photo_in_the_trash_can_be_imported_again(pets: Path, tmp_path: Path) -> None:
    import_photos(pets, tmp_path / "set", who="ann")
    catalog = Catalog.open(tmp_path / "set")
    catalog.delete([photo.id for photo in catalog.photos(label="dog")], who="ann")
    assert import_photos(pets, tmp_path / "set", who="ann").added == 2
    assert catalog.counts() == {"cat": 2, "dog": 2}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_are_one_on_some_disks_are_kept_and_the_second_is_renamed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "names.zip", "w") as archive:
        for number, name in enumerate(["Bär.png", "bär.png", "Ba\u0308r.png", "Bär.png"]):
            archive.writestr(f"cat/{name}", photo(number))
    report = import_photos(tmp_path / "names.zip", tmp_path / "set", who="ann")
    paths = [photo.path for photo in Catalog.open(tmp_path / "set").photos()]
    assert report.added == len({path.casefold() for path in paths}) == 4
    assert {(r.name, r.path) for r in report.renamed} >= {("cat/bär.png", "images/cat/bär-2.png")}
    assert len(report.renamed) == 3


def test_what_systems_leave_behind_is_skipped_and_counted(pets: Path, tmp_path: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "__MACOSX/._1.png", "cat/.ipynb_checkpoints/1.png"):
        write(pets / name, b"junk")
    for source in (pets, zipped(pets, tmp_path / "pets.zip")):
        report = import_photos(source, tmp_path / f"set-{source.name}", who="ann")
        assert (report.added, report.skipped, report.rejected) == (4, 4, ())


@pytest.mark.skipif(os.name == "nt", reason="every name is Unicode there")
def test_a_name_that_is_not_utf_8_becomes_an_escaped_text_everywhere(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path / "src") + b"/b\xe4r"
    os.makedirs(folder)  # noqa: PTH103 - pathlib takes no bytes
    with open(folder + b"/f\xfc.png", "wb") as file:  # noqa: PTH123
        file.write(photo(1))
    report = import_photos(tmp_path / "src", tmp_path / "set", who="ann")
    (found,) = Catalog.open(tmp_path / "set").photos()
    assert (found.label, found.original_name) == (r"b\udce4r", r"b\udce4r/f\udcfc.png")
    assert json.dumps(report.as_dict(), ensure_ascii=False).encode("utf-8")
    assert all(line.encode("utf-8") for line in report.lines())


def test_when_a_photo_was_taken_and_its_size_are_kept(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0132] = "2021:05:03 04:05:06"
    exif[0x0112] = 6
    write(tmp_path / "src" / "cat" / "1.jpg", encode(gradient(40, 30), "JPEG", exif=exif))
    import_photos(tmp_path / "src", tmp_path / "set", who="ann")
    (found,) = Catalog.open(tmp_path / "set").photos()
    assert (found.captured, found.width, found.height) == ("2021-05-03T04:05:06", 30, 40)
    assert found.source == "src"


def test_a_report_is_plain_json(pets: Path, tmp_path: Path) -> None:
    report = import_photos(pets, tmp_path / "set", who="ann").as_dict()
    assert json.loads(json.dumps(report)) == report
    assert report["added"] == 4


def test_no_name_in_a_report_can_steer_a_terminal(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "sly.zip", "w") as archive:
        archive.writestr("\x1b[2J\u202e/1.png", photo(1))
        archive.writestr("cat/\x1b]0;owned\x07.png", b"no photo")
    lines = import_photos(tmp_path / "sly.zip", tmp_path / "set", who="ann").lines()
    assert all(line.isprintable() for line in lines)
    assert any(r"\x1b[2J\u202e 1" in line for line in lines)
